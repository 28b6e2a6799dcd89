"""Small stores for tests, and a slow twin of reachability: plain dicts and sets, msgpack alone."""

import msgpack

from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.store import Store
from hyperstore.ids import Kind, ObjectId
from hyperstore.storage.database import Database

__all__ = ["contents", "frame", "present", "reached"]


def frame(number: int, label: str = "cat") -> dict[str, object]:
    """Return a wire frame with one ROI."""
    return {
        "id": f"{number:032x}",
        "context_id": f"camera {number % 3}",
        "timestamp": number,
        "sources": [{"id": "default", "uri": f"https://example.com/{number}.jpg"}],
        "rois": [{"label": [label], "poly": [1, 2, 3, 4]}],
    }


def contents(version: DatasetVersion) -> list[object]:
    """Return all frames of a version, in order, as plain values."""
    return [one.to_dict() for one in version]


def present(database: Database) -> dict[ObjectId, tuple[int, bytes]]:
    """Return every object: id to kind and payload."""
    with database.reading() as reader:
        return {one.oid: (one.kind, one.payload) for one in reader.scan_objects()}


def reached(store: Store, *, log: bool) -> set[bytes]:
    """Return the ids of all that refs lead to, and with `log` all that operations name."""
    held = present(store.handle.database)
    with store.handle.database.reading() as reader:
        pending: list[bytes] = [oid for _, oid in reader.refs()]
        if log:
            for operation in reader.operations():
                pending += [side for m in operation.moves for side in (m.old, m.new) if side]
    found: set[bytes] = set()
    while pending:
        oid = pending.pop()
        if oid in found or ObjectId(oid) not in held:
            continue
        found.add(oid)
        kind, payload = held[ObjectId(oid)]
        if kind == Kind.NODE:
            values = msgpack.unpackb(payload)[4]
            joined = values if isinstance(values, bytes) else b"".join(values)
            pending += [joined[at : at + 32] for at in range(0, len(joined), 32)]
        elif kind in (Kind.SNAPSHOT, Kind.COMMIT, Kind.TAG):
            record = msgpack.unpackb(payload)
            pending += list(record.get("roots", {}).values()) + list(record.get("parents", []))
            pending += [record[name] for name in ("snapshot", "commit") if name in record]
    return found
