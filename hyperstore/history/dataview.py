"""What history stores of a view that somebody kept: which frames it asks for, as plain data.

The view is kept by names of fields, not by our classes, so that a field which a later release adds
is carried by this one. Where a query names a commit, and not a version, the record holds it: what
such a commit leads to is not collected.
"""

from hyperstore.codec import Struct, Unfit, canonical_fields, decoder, field, pack, plain
from hyperstore.errors import CorruptError, UsageError
from hyperstore.history.branches import RefReader
from hyperstore.ids import Kind, ObjectId
from hyperstore.limits import ID_BYTES, OBJECT_BYTES_MAX
from hyperstore.storage.reader import Reader

__all__ = [
    "VIEW_PREFIX",
    "ViewRecord",
    "check_view",
    "commits_of_view",
    "decode_view",
    "encode_view",
    "read_view",
    "stored_views",
    "view_ref",
]

VIEW_PREFIX = "view/"


@canonical_fields
class ViewRecord(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One stored view; `spec` is its canonical form, `published` a time, 0 while it is a draft."""

    commits: list[bytes] = field(default_factory=list)
    created: int
    extra: dict[str, object] = field(default_factory=dict)
    id: str
    published: int = 0
    spec: dict[str, object]
    system_tags: list[str] = field(default_factory=list)
    updated: int
    user: str = ""


_decode_view = decoder(ViewRecord)


def view_ref(view_id: str) -> str:
    return VIEW_PREFIX + view_id


def encode_view(view: ViewRecord) -> bytes:
    """Return the payload of a view; UsageError for one that would not be read back."""
    try:
        payload = pack(view)
        _decode_view(payload, what="view")
    except (UnicodeEncodeError, OverflowError, TypeError, ValueError, CorruptError) as fault:
        raise UsageError(f"the view cannot be stored: {fault}") from None
    if len(payload) > OBJECT_BYTES_MAX:
        raise UsageError(
            f"the view takes {len(payload):,} bytes; the limit is {OBJECT_BYTES_MAX:,}"
        )
    return payload


def decode_view(payload: bytes, record_id: ObjectId) -> ViewRecord:
    """Read a view; `record_id` is named in errors."""
    view = _decode_view(payload, what=f"view {record_id.hex()}")
    if pack(view) != payload:
        raise CorruptError(f"view {record_id.hex()} is not in canonical form; run fsck")
    if any(len(link) != ID_BYTES for link in view.commits):
        raise CorruptError(f"a link of view {record_id.hex()} is not an object id; run fsck")
    return view


def check_view(view: ViewRecord) -> None:
    """Raise CorruptError unless its free maps hold what could have been stored: for fsck."""
    for name in ("spec", "extra"):
        held = getattr(view, name)
        try:
            same = pack(plain(held, path=name, depth=1)) == pack(held)
        except Unfit as fault:
            raise CorruptError(f"it holds what is never written: {fault}") from None
        if not same:
            raise CorruptError(f"{name} is not in canonical form")


def commits_of_view(view: ViewRecord) -> list[ObjectId]:
    """Return the commits that its queries name by themselves."""
    return [ObjectId(link) for link in view.commits]


def read_view(reader: RefReader, view_id: str) -> tuple[ObjectId, ViewRecord] | None:
    """Return a stored view with the id of its record; None where there is none."""
    record_id = reader.ref(view_ref(view_id))
    if record_id is None:
        return None
    return record_id, decode_view(reader.get(record_id, Kind.DATAVIEW), record_id)


def stored_views(reader: Reader) -> list[tuple[ObjectId, ViewRecord]]:
    """Return all stored views, newest first, each with the id of its record.

    Of those of one millisecond that whose record was written last.
    """
    found = [
        (record_id, decode_view(reader.get(record_id, Kind.DATAVIEW), record_id))
        for _, record_id in reader.refs(VIEW_PREFIX)
    ]
    numbers = reader.numbers(record_id for record_id, _ in found)
    return sorted(found, key=lambda one: (one[1].updated, numbers[one[0]]), reverse=True)
