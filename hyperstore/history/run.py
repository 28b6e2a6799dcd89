"""What history stores of a run: a program that read and wrote versions, when, and how it ended.

A record names what it read and wrote by ids of commits, or of snapshots where nothing was committed
yet. These links hold: what a run names is not collected. They are weak all the same, since a run
may have named what was collected already: that is no damage.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hyperstore.codec import Struct, canonical_fields, decoder, field, pack, replace
from hyperstore.errors import CorruptError, UsageError
from hyperstore.history.branches import RefReader
from hyperstore.ids import Kind, ObjectId
from hyperstore.limits import ID_BYTES, OBJECT_BYTES_MAX, RUN_LOCKS_MAX

__all__ = [
    "ABORTED",
    "COMPLETED",
    "FAILED",
    "RUNNING",
    "RUN_PREFIX",
    "Artifact",
    "Process",
    "Program",
    "Run",
    "RunLock",
    "Touched",
    "Unpinned",
    "decode_run",
    "encode_run",
    "links_of_run",
    "locks_of_run",
    "read_run",
    "run_ref",
    "runs",
    "unpinned_of_run",
    "with_locks",
    "with_unpinned",
]

RUN_PREFIX = "run/"
RUNNING, COMPLETED, FAILED, ABORTED = "running", "completed", "failed", "aborted"


@canonical_fields
class Touched(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version that a run read or wrote, with the commits or snapshots in order of time."""

    dataset: str
    dataset_name: str = ""
    read: list[bytes] = field(default_factory=list)
    store: str = ""  # The id of another store than the run's own.
    version: str
    version_name: str = ""
    written: list[bytes] = field(default_factory=list)


class RunLock(NamedTuple):
    """A view that a run iterated, or with `made` locked itself, by the id of its lock."""

    lock: str
    view: str = ""
    made: bool = False
    store: str = ""  # The id of another store than the run's own.


class Unpinned(NamedTuple):
    """A view that a run iterated without a lock, since there is none of what it showed.

    Such as edits that no commit has. `touched` names the states that were read all the same.
    """

    why: str
    view: str = ""
    frames: int = 0  # How many it showed.
    store: str = ""  # The id of another store than the run's own.


@canonical_fields
class Artifact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file that a run left; where it only says where one is, without size and SHA-256."""

    name: str
    sha256: str = ""
    size: int = 0
    uri: str


@canonical_fields
class Process(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which process it is. Where `machine` is this one's, `started` tells it from later ones."""

    host: str = ""
    machine: str = ""
    pid: int
    started: int = 0
    user: str = ""


@canonical_fields
class Program(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What ran, and where the checkout of its script stood; versions of Python and of ours."""

    arguments: list[str] = field(default_factory=list)
    git_branch: str = ""
    git_commit: str = ""
    hyperstore: str = ""
    output: str = ""  # Where it was told to put files.
    python: str = ""
    script: str = ""
    type: str = ""


@canonical_fields
class Run(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run; times are in milliseconds since 1970, UTC, `ended` 0 while it goes on."""

    artifacts: list[Artifact] = field(default_factory=list)
    comment: str = ""
    ended: int = 0
    error: str = ""
    extra: dict[str, object] = field(default_factory=dict)
    id: str
    name: str
    parameters: dict[str, dict[str, str]] = field(default_factory=dict)
    process: Process
    program: Program
    project: str = ""
    started: int
    status: str
    tags: list[str] = field(default_factory=list)
    touched: list[Touched] = field(default_factory=list)


# With more, the encoder takes a longer head for the map, though fields that are left out shorten
# it: that is not the canonical form.
assert len(Run.__struct_fields__) <= 15
_decode_run = decoder(Run)


def run_ref(run_id: str) -> str:
    return RUN_PREFIX + run_id


def encode_run(run: Run) -> bytes:
    """Return the payload of a run; UsageError for one that would not be read back."""
    try:
        payload = pack(run)
        _decode_run(payload, what="run")
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError, CorruptError) as fault:
        raise UsageError(f"the run cannot be recorded: {fault}") from None
    if len(payload) > OBJECT_BYTES_MAX:
        raise UsageError(f"the record of a run takes {len(payload):,} bytes, which is too many")
    return payload


def decode_run(payload: bytes, run_id: ObjectId) -> Run:
    """Read a run; `run_id` is named in errors."""
    run = _decode_run(payload, what=f"run {run_id.hex()}")
    if pack(run) != payload:
        raise CorruptError(f"run {run_id.hex()} is not in canonical form; run fsck")
    for link in _links(run.touched):
        if len(link) != ID_BYTES:
            raise CorruptError(f"a link of run {run_id.hex()} is not an object id; run fsck")
    return run


def links_of_run(run: Run) -> list[ObjectId]:
    """Return the commits, snapshots and locks of the run's own store that it names."""
    links = [ObjectId(link) for link in _links(one for one in run.touched if not one.store)]
    own = (one.lock for one in locks_of_run(run) if not one.store)
    return [*links, *(ObjectId(bytes.fromhex(lock)) for lock in own)]


def locks_of_run(run: Run) -> list[RunLock]:
    """Return the locks that a run names, in order of time; what is none is passed over."""
    listed = run.extra.get("locks")
    found = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            lock, view, store = (str(one.get(name, "")) for name in ("lock", "view", "store"))
            if len(lock) == 2 * ID_BYTES and not lock.strip("0123456789abcdef"):
                found.append(RunLock(lock, view, one.get("made") is True, store))
    return found


def with_locks(run: Run, locks: Sequence[RunLock]) -> Run:
    """Return a run that names these locks besides those that it names, each once."""
    if not locks:
        return run
    known = {(one.store, one.lock): one for one in locks_of_run(run)}
    for one in locks:
        before = known.get((one.store, one.lock))
        known[one.store, one.lock] = one._replace(
            made=one.made or (before is not None and before.made)
        )
    said = [
        {name: value for name, value in one._asdict().items() if value}
        for one in list(known.values())[:RUN_LOCKS_MAX]
    ]
    return replace(run, extra={**run.extra, "locks": said})


def unpinned_of_run(run: Run) -> list[Unpinned]:
    """Return the views that a run iterated without a lock; what says none is passed over."""
    listed = run.extra.get("unpinned")
    found = []
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict):
            why, view, store = (str(one.get(name, "")) for name in ("why", "view", "store"))
            frames = one.get("frames", 0)
            found.append(Unpinned(why, view, frames if type(frames) is int else 0, store))
    return found


def with_unpinned(run: Run, views: Sequence[Unpinned]) -> Run:
    """Return a run that names these views besides those that it names, each once."""
    if not views:
        return run
    known = list(dict.fromkeys([*unpinned_of_run(run), *views]))[:RUN_LOCKS_MAX]
    said = [{name: value for name, value in one._asdict().items() if value} for one in known]
    return replace(run, extra={**run.extra, "unpinned": said})


def _links(touched: Iterable[Touched]) -> Iterable[bytes]:
    return (link for one in touched for link in (*one.read, *one.written))


def read_run(reader: RefReader, run_id: str) -> tuple[ObjectId, Run] | None:
    """Return a run as it is recorded now, with the id of its record; None where there is none."""
    record_id = reader.ref(run_ref(run_id))
    if record_id is None:
        return None
    return record_id, decode_run(reader.get(record_id, Kind.RUN), record_id)


def runs(reader: RefReader) -> list[Run]:
    """Return all runs, newest first."""
    found = [
        decode_run(reader.get(record_id, Kind.RUN), record_id)
        for _, record_id in reader.refs(RUN_PREFIX)
    ]
    return sorted(found, key=lambda run: (run.started, run.id), reverse=True)
