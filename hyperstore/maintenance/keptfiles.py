"""The kept files of a whole store, against the frames that name them.

A file is in use while any object in the database names it: a frame of a version, or one that undo
or a reader may still bring back. What must stay is therefore asked once, by `gc`, whose roots they
are; what it has taken out holds no file. URIs are found by searching stored bytes, without
decoding, so that one in metadata counts too.

Nothing is pruned between a file and the frame that names it: whoever keeps files holds a lock until
the frames are stored, and prune deletes only while nobody does, after a last look at what came.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from itertools import islice

from hyperstore.codec import Value
from hyperstore.dataset.store import Store
from hyperstore.errors import CorruptError, LockedError
from hyperstore.frames.records import read_keys
from hyperstore.ids import Kind, key_hash
from hyperstore.limits import GRACE_S, PRUNE_WAIT_S
from hyperstore.maintenance.collect import gc
from hyperstore.maintenance.report import Progress
from hyperstore.media.headers import Header, header_of
from hyperstore.media.kept import KeptFile, KeptMedia, kept_in
from hyperstore.media.probe import Probe, verify
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import KEPT
from hyperstore.storage.database import Database

__all__ = [
    "KeptUse",
    "MediaFault",
    "Pruned",
    "Verified",
    "kept_uses",
    "prune",
    "verify_kept",
]


_OBJECTS = 512  # That one short read looks at.
_LOOK_S = 0.1
_VERIFIERS = 4  # Threads, each with a decoded picture in memory.
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8")  # Of what is a picture for certain.


@dataclass(frozen=True, slots=True)
class KeptUse:
    """One kept file and who uses it."""

    digest: str
    size: int
    content_type: str | None
    frames: int  # Of different ids, in all that the store holds.
    kept_s: float


@dataclass(frozen=True, slots=True)
class MediaFault:
    """One thing that is wrong. `code` is missing, damaged, empty or broken."""

    code: str
    digest: str
    message: str
    frames: tuple[str, ...]  # The ids of some frames that name it.

    def to_dict(self) -> dict[str, Value]:
        """Return the fault as JSON can hold it."""
        return {
            "code": self.code,
            "uri": KEPT + self.digest,
            "message": self.message,
            "frames": list(self.frames),
        }


@dataclass(slots=True)
class Verified:
    """What was looked at, and what is wrong."""

    files: int = 0
    pictures: int = 0  # Of them, that were decoded.
    undecoded: int = 0  # Pictures of more pixels than are decoded.
    bytes: int = 0
    faults: list[MediaFault] = field(default_factory=list)

    def to_dict(self) -> dict[str, Value]:
        """Return the figures as JSON can hold them."""
        return {
            "ok": not self.faults,
            "files": self.files,
            "pictures": self.pictures,
            "undecoded": self.undecoded,
            "bytes": self.bytes,
            "faults": [fault.to_dict() for fault in self.faults],
        }


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted, or with `dry_run` would have been, and what stays."""

    dry_run: bool
    files: int
    bytes: int
    used: int
    young: int  # Not used, and kept not long ago.

    def to_dict(self) -> dict[str, Value]:
        """Return the figures as JSON can hold them."""
        return asdict(self)


def kept_uses(store: Store) -> Iterator[KeptUse]:
    """Yield every kept file, by name."""
    counts: dict[str, int] = {}
    seen: set[int] = set()  # A frame that was edited ten times is one.
    for kind, payload, digests in _naming(store.handle.database):
        if kind == Kind.FRAME:
            name = read_keys(payload, what="frame").id.encode()
            for digest in set(digests):
                one = key_hash(digest.encode() + name, 0)
                if one not in seen:
                    seen.add(one)
                    counts[digest] = counts.get(digest, 0) + 1
    media = KeptMedia(store.path)
    for file in media.files():
        header = Header(None, None, None)
        with suppress(FileNotFoundError):
            header = header_of(str(media.path(file.digest)), file.digest)
        frames = counts.get(file.digest, 0)
        yield KeptUse(file.digest, file.size, header.content_type, frames, file.kept_s)


def verify_kept(store: Store, *, progress: Progress | None = None) -> Verified:
    """Hash every kept file and decode every kept picture; changes nothing."""
    named = {digest for _, _, found in _naming(store.handle.database) for digest in found}
    media = KeptMedia(store.path)
    done = Verified()
    pixels_max = media_settings(str(store.path)).pixels_max
    wrong: dict[str, tuple[str, str]] = {}
    total = sum(1 for _ in media.files()) if progress is not None else 0
    source = media.files()
    with ThreadPoolExecutor(_VERIFIERS, thread_name_prefix="hyperstore-verify") as pool:
        while chunk := list(islice(source, 16 * _VERIFIERS)):
            paths = [str(media.path(file.digest)) for file in chunk]
            look = partial(verify, pixels_max=pixels_max)
            for file, probe in zip(chunk, pool.map(look, paths), strict=True):
                named.discard(file.digest)
                fault = _judged(media, file, probe, done, pixels_max)
                if fault is not None:
                    wrong[file.digest] = fault
            if progress is not None:
                progress("Verifying", done.files, total)
    gone = "it is not there; copy it from another store's media, or add its frames again"
    wrong |= dict.fromkeys(sorted(named), ("missing", gone))
    users = _users(store.handle.database, set(wrong)) if wrong else {}
    done.faults = [
        MediaFault(code, digest, message, tuple(users.get(digest, ())))
        for digest, (code, message) in sorted(wrong.items())
    ]
    return done


def _judged(
    media: KeptMedia, file: KeptFile, probe: Probe, done: Verified, pixels_max: int
) -> tuple[str, str] | None:
    """Count one file; return code and message of what is wrong with it, if something is."""
    done.files += 1
    done.bytes += file.size
    if file.size == 0:
        return "empty", "it has no bytes; delete it, and add its frames again"
    if probe.hash != file.digest:
        said = "cannot be read" if probe.hash is None else "has other bytes than were kept"
        return "damaged", f"it {said}; delete it, and add its frames again"
    if probe.content_type is not None:
        if (probe.width or 0) * (probe.height or 0) > pixels_max:
            done.undecoded += 1
            return None
        done.pictures += 1
    elif not _looks_like_a_picture(media, file.digest):
        return None
    return None if probe.fault is None else ("broken", f"it was kept so: {probe.fault}")


def _looks_like_a_picture(media: KeptMedia, digest: str) -> bool:
    with suppress(OSError), media.path(digest).open("rb") as stream:
        return stream.read(8).startswith(_BEGINNINGS)
    return False


def prune(store: Store, *, dry_run: bool = False, now: bool = False) -> Pruned:
    """Delete kept files that no object in the store names and that are older than `gc.grace`.

    Collects garbage first, but for a dry run, which says what could go at this moment. `now` spares
    no young files or objects, and needs the store to itself. LockedError where others keep files.
    """
    if not dry_run:
        gc(store, prune_now=now)
    database, media = store.handle.database, KeptMedia(store.path)
    grace_s = 0 if now else store.handle.config.number("gc.grace", GRACE_S)
    oldest = time.time() - grace_s if grace_s else float("inf")
    files = list(media.files())
    doomed = {file.digest: file for file in files if file.kept_s < oldest}
    with database.reading() as reader:
        last = reader.last_sequence()
    used = {digest for _, _, found in _naming(database) for digest in found}
    young = sum(1 for file in files if file.kept_s >= oldest and file.digest not in used)
    for digest in used:
        doomed.pop(digest, None)
    if not dry_run:
        doomed = _delete(database, media, doomed, since=last + 1, oldest=oldest)
    size = sum(file.size for file in doomed.values())
    here = sum(1 for file in files if file.digest in used)
    return Pruned(dry_run, len(doomed), size, here, young)


def _delete(
    database: Database,
    media: KeptMedia,
    doomed: dict[str, KeptFile],
    *,
    since: int,
    oldest: float,
) -> dict[str, KeptFile]:
    """Delete files, but for those that came to be used; return what was deleted."""
    if not media.folder.is_dir():
        return {}
    end = time.monotonic() + PRUNE_WAIT_S
    while True:
        with media.pruning() as alone:
            if alone:
                for _, _, found in _naming(database, since):
                    for digest in found:
                        doomed.pop(digest, None)
                media.sweep(before_s=oldest)
                return {
                    digest: file
                    for digest, file in doomed.items()
                    if media.delete(digest, before_s=oldest)
                }
        if time.monotonic() > end:
            raise LockedError("files are being kept right now; run it again when that is done")
        time.sleep(_LOOK_S)


def _naming(database: Database, start: int = 0) -> Iterator[tuple[int, bytes, list[str]]]:
    """Yield the objects that name kept files, from a sequence number on, in short reads."""
    while True:
        with database.reading() as reader:
            records = list(islice(reader.scan_objects(start), _OBJECTS))
        for record in records:
            if record.kind != Kind.NODE:
                found = kept_in(record.payload)
                if found:
                    yield record.kind, record.payload, found
        if len(records) < _OBJECTS:
            return
        start = records[-1].sequence + 1


def _users(database: Database, wanted: set[str], most: int = 5) -> dict[str, list[str]]:
    """Return the ids of the first frames that name each of these files."""
    users: dict[str, list[str]] = {}
    for kind, payload, digests in _naming(database):
        for digest in wanted.intersection(digests) if kind == Kind.FRAME else ():
            known = users.setdefault(digest, [])
            with suppress(CorruptError):
                name = read_keys(payload, what="frame").id
                if name not in known and len(known) < most:
                    known.append(name)
    return users
