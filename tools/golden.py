"""Write tests/compat/data: a store of this format version, and damaged ones with one fault each.

Refuses where the folder of FORMAT_VERSION is there: what an older hyperstore wrote must stay as it
was written. After FORMAT_VERSION has moved, run it once and keep what it writes for ever.
"""

import argparse
import io
import json
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))

from hyperstore.codec import pack, replace  # noqa: E402
from hyperstore.dataset.dataset import DatasetVersion  # noqa: E402
from hyperstore.dataset.edit import root  # noqa: E402
from hyperstore.dataset.store import Store, init, open_store  # noqa: E402
from hyperstore.frames.keys import frame_key  # noqa: E402
from hyperstore.history.branches import head_ref, read_commit, tag_ref, working_ref  # noqa: E402
from hyperstore.history.commit import Snapshot, Totals, decode_snapshot  # noqa: E402
from hyperstore.ids import CommitId, Kind, ObjectId, object_id  # noqa: E402
from hyperstore.limits import FORMAT_VERSION  # noqa: E402
from hyperstore.storage.header import Header  # noqa: E402
from hyperstore.tree.cursor import scan  # noqa: E402
from hyperstore.tree.edit import edit  # noqa: E402

DATA = PROJECT / "tests" / "compat" / "data"
NOBODY = ObjectId(bytes(range(32)))
FRAMES = 24
Wire = dict[str, object]


def wire(number: int, label: str = "cat") -> Wire:
    """Return one frame; of two neighbours both have as many ROIs."""
    roi: Wire = {
        "id": f"roi{number}",
        "label": [label],
        "poly": [1, 2.5, 30, 2.5, 30, 40],
        "confidence": 0.5,
    }
    return {
        "id": f"{number:032x}",
        "context_id": f"camera {number % 3}",
        "timestamp": 40 * number,
        "sources": [
            {
                "id": "default",
                "uri": f"https://example.com/{number:04}.jpg",
                "content_type": "image/jpeg",
                "width": 640,
                "height": 480,
            }
        ],
        "rois": [roi] * (number // 2 % 2),
        "meta": {"number": number, "name": f"é{number}"},
    }


def build(folder: Path) -> tuple[Store, DatasetVersion]:
    """Make the store that all others are made of."""
    store = init(folder)
    store.set_config("user.name", "Golden")
    store.set_config("user.email", "golden@example.com")
    dataset = store.create_dataset("birds", project="zoo", metadata={"seasons": 4})
    draft = dataset.version()
    draft.add_frames(map(wire, range(FRAMES)), strict=True)
    draft.commit("Add frames")
    draft.update_frames([wire(3, "dog"), wire(7, "dog")], strict=True)
    draft.delete_frames([str(wire(11)["id"])])
    draft.commit("Relabel two, drop one")
    draft.tag("v1.0", message="the first")
    draft = draft.snapshot("2020")
    draft.add_frames([wire(100), wire(101)], strict=True)
    return store, draft


def expected(store: Store, draft: DatasetVersion) -> Wire:
    """Return what the store must say when any later version reads it."""
    dataset = store.dataset("birds", project="zoo")
    return {
        "store": store.id,
        "tags": dataset.commit_tags(),
        "versions": {
            version.name: {
                "content": version.content_id,
                "published": version.published,
                "log": [[info.id, info.message] for info in version.log()],
                "frames": [frame.to_dict() for frame in version],
            }
            for version in dataset.versions()
        },
        "pending": draft.status().changes.frames.added,
    }


# One fault each.


def snapshot_of(store: Store, draft: DatasetVersion) -> tuple[ObjectId, Snapshot]:
    """Return the working snapshot and its id."""
    with store.handle.database.reading() as reader:
        oid = reader.ref(working_ref(draft.dataset_id, draft.id))
        assert oid is not None
        return oid, decode_snapshot(reader.get(oid), oid)


def put(store: Store, kind: Kind, payload: bytes) -> ObjectId:
    """Store an object whatever is in it."""
    oid = object_id(kind, payload)
    with store.handle.database.writing() as writer:
        writer.put_many([(oid, kind, payload)])
    return oid


def work_on(store: Store, draft: DatasetVersion, snapshot: Snapshot) -> None:
    """Make a snapshot the working one."""
    old = snapshot_of(store, draft)[0]
    new = put(store, Kind.SNAPSHOT, pack(snapshot))
    with store.handle.database.writing() as writer:
        writer.move(working_ref(draft.dataset_id, draft.id), old, new)


def frame_ids(store: Store, draft: DatasetVersion) -> list[ObjectId]:
    """Return the object ids of the working frames, by key."""
    staging = store.handle.staging()
    _, snapshot = snapshot_of(store, draft)
    return [ObjectId(value) for _, value in scan(staging.nodes, root(snapshot, "frames"))]


def with_root(
    store: Store, draft: DatasetVersion, tree: str, node: bytes, **fields: object
) -> None:
    _, snapshot = snapshot_of(store, draft)
    work_on(store, draft, replace(snapshot, roots={**snapshot.roots, tree: node}, **fields))


def flip(folder: Path, found: bytes, offset: int = 0) -> None:
    """Flip one bit of the data file, wherever these bytes stand in it."""
    path = folder / "db" / "data.mdb"
    data = bytearray(path.read_bytes())
    at = data.index(found)
    while at >= 0:
        data[at + offset] ^= 1
        at = data.find(found, at + 1)
    path.write_bytes(data)


def node_order(store: Store, draft: DatasetVersion) -> None:
    """A leaf whose keys descend."""
    (a, b) = (f"key number {n}".encode() for n in (1, 2))
    ids = frame_ids(store, draft)
    payload = pack([0, b"key number ", [b[-1:], a[-1:]], [], ids[0] + ids[1]])
    with_root(store, draft, "frames", put(store, Kind.NODE, payload), count=2, totals=Totals())


def wrong_count(store: Store, draft: DatasetVersion) -> None:
    _, snapshot = snapshot_of(store, draft)
    work_on(store, draft, replace(snapshot, count=snapshot.count + 1))


def wrong_totals(store: Store, draft: DatasetVersion) -> None:
    _, snapshot = snapshot_of(store, draft)
    totals = Totals(annotated=snapshot.totals.annotated, rois=snapshot.totals.rois + 1)
    work_on(store, draft, replace(snapshot, totals=totals))


def wrong_changes(store: Store, draft: DatasetVersion) -> None:
    """A commit that says it added one frame more."""
    database = store.handle.database
    with database.reading() as reader:
        head = reader.ref(head_ref(draft.dataset_id, draft.id))
        assert head is not None
        commit = read_commit(reader, CommitId(head))
    frames = replace(commit.changes.frames, added=commit.changes.frames.added + 1)
    changes = replace(commit.changes, frames=frames)
    new = put(store, Kind.COMMIT, pack(replace(commit, changes=changes)))
    with database.writing() as writer:
        writer.move(head_ref(draft.dataset_id, draft.id), head, new)


def wrong_order(store: Store, draft: DatasetVersion) -> None:
    """The order of the frames as they were before one of them changed."""
    _, old = snapshot_of(store, draft)
    draft.update_frames([wire(2, "horse")], strict=True)
    with_root(store, draft, "order", old.roots["order"])


def wrong_key(store: Store, draft: DatasetVersion) -> None:
    """One frame under the key of another, which has as many ROIs."""
    staging = store.handle.staging()
    ids = frame_ids(store, draft)
    _, snapshot = snapshot_of(store, draft)
    changes = [(frame_key(str(wire(0)["id"])), bytes(ids[1]))]
    frames = edit(staging.nodes, root(snapshot, "frames"), changes)
    staging.flush()
    with_root(store, draft, "frames", frames)


def dangling_ref(store: Store, draft: DatasetVersion) -> None:
    with store.handle.database.writing() as writer:
        writer.move(tag_ref(draft.dataset_id, "lost"), None, NOBODY)


def dangling_root(store: Store, draft: DatasetVersion) -> None:
    with_root(store, draft, "order", NOBODY)


def wrong_kind(store: Store, draft: DatasetVersion) -> None:
    oid, _ = snapshot_of(store, draft)
    with store.handle.database.writing() as writer:
        writer.move(tag_ref(draft.dataset_id, "kind"), None, oid)


def lost_frame(store: Store, draft: DatasetVersion) -> None:
    with store.handle.database.writing() as writer:
        writer.delete_objects(frame_ids(store, draft)[:1])


def forgotten(store: Store, draft: DatasetVersion) -> None:
    with store.handle.database.writing() as writer:
        writer.forget(frame_ids(store, draft)[:1])


def missing(store: Store, draft: DatasetVersion) -> None:
    ids = frame_ids(store, draft)[:1]
    with store.handle.database.writing() as writer:
        writer.delete_objects(ids)
        writer.mark_missing(ids)


def false_id(store: Store, draft: DatasetVersion) -> None:
    """The content of one frame under the id of another."""
    one, other = frame_ids(store, draft)[:2]
    with store.handle.database.writing() as writer:
        payload = writer.get(other)
        writer.delete_objects([one])
        writer.put_many([(one, Kind.FRAME, payload)])


def newer_format(store: Store, _draft: DatasetVersion) -> None:
    header = Header(store.id, FORMAT_VERSION + 1, "lmdb-0.9", "blake3", "own")
    with store.handle.database.writing() as writer:
        writer.put_header(header)


def other_engine(store: Store, _draft: DatasetVersion) -> None:
    with store.handle.database.writing() as writer:
        writer.put_header(Header(store.id, FORMAT_VERSION, "lmdb-1.0", "blake3", "own"))


def flip_frame(folder: Path) -> None:
    flip(folder, b"https://example.com/0005.jpg", 4)


def flip_ref(folder: Path) -> None:
    with open_store(folder, readonly=True) as store, store.handle.database.reading() as reader:
        (name, oid), *_ = reader.refs("tag/")
        assert name
    # The row's length stands before the id; elsewhere in the file it does not.
    flip(folder, (32).to_bytes(4, "little") + oid, 8)


def flip_operation(folder: Path) -> None:
    flip(folder, b"create dataset birds", 0)


def cut(folder: Path) -> None:
    path = folder / "db" / "data.mdb"
    path.write_bytes(path.read_bytes()[:40_000])


# Name: how it is made, what fsck must say (nothing for what is no fault), and what reading the
# frames does: "right" as before, or the name of the error.
Damage = Callable[[Store, DatasetVersion], None]
DAMAGED: dict[str, tuple[Damage | None, Callable[[Path], None] | None, str, str]] = {
    "flip-frame": (None, flip_frame, "damaged-object", "CorruptError"),
    "flip-ref": (None, flip_ref, "damaged-ref", "right"),
    "flip-operation": (None, flip_operation, "damaged-operation", "right"),
    "cut-file": (None, cut, "damaged-store", "CorruptError"),
    "newer-format": (newer_format, None, "foreign-store", "FormatError"),
    "other-engine": (other_engine, None, "foreign-store", "FormatError"),
    "node-order": (node_order, None, "bad-tree", "any"),
    "wrong-count": (wrong_count, None, "wrong-count", "right"),
    "wrong-totals": (wrong_totals, None, "wrong-totals", "right"),
    "wrong-changes": (wrong_changes, None, "wrong-changes", "right"),
    "wrong-order": (wrong_order, None, "wrong-order", "any"),
    "wrong-frame-key": (wrong_key, None, "wrong-frame-key", "any"),
    "dangling-ref": (dangling_ref, None, "dangling-ref", "right"),
    "dangling-root": (dangling_root, None, "lost-object", "MissingObjectError"),
    "wrong-kind": (wrong_kind, None, "wrong-kind", "right"),
    "lost-frame": (lost_frame, None, "lost-object", "MissingObjectError"),
    "false-id": (false_id, None, "false-id", "any"),
    "forgotten": (forgotten, None, "", "MissingObjectError"),
    "missing": (missing, None, "", "MissingObjectError"),
}


def archive(folder: Path, target: Path) -> None:
    """Pack the settings and the data file; the rest of a store comes and goes."""
    with tarfile.open(target, "w:xz") as packed:
        for name in ("config.toml", "db/data.mdb"):
            info = tarfile.TarInfo(name)
            data = (folder / name).read_bytes()
            info.size = len(data)
            packed.addfile(info, io.BytesIO(data))


def golden_ids(store: Store, draft: DatasetVersion) -> Wire:
    """Return payloads and ids of one object of each kind, which must never change."""
    database = store.handle.database
    found: Wire = {}
    after = b""
    with database.reading() as reader:
        while (row := reader.survey_row(after, whole=True)) is not None:
            after = row.key
            for record in row.records:
                assert record.payload is not None
                name = Kind(record.kind).name.lower()
                found.setdefault(name, {"id": record.oid.hex(), "payload": record.payload.hex()})
    return found


def write(target: Path) -> None:
    """Write everything for this format version."""
    (target / "damaged").mkdir(parents=True)
    with tempfile.TemporaryDirectory() as scratch:
        whole = Path(scratch) / "whole"
        store, draft = build(whole)
        found = {"expected": expected(store, draft), "objects": golden_ids(store, draft)}
        store.close()
        archive(whole, target / "whole.tar.xz")
        text = json.dumps(found, indent=1, sort_keys=True, ensure_ascii=False)
        (target / "expected.json").write_text(text + "\n", encoding="utf-8")
        for name, (change, damage, _code, _read) in DAMAGED.items():
            folder = Path(scratch) / name
            store, draft = build(folder)
            if change is not None:
                change(store, draft)
            store.close()
            if damage is not None:
                damage(folder)
            archive(folder, target / "damaged" / f"{name}.tar.xz")
    faults = {name: {"fault": row[2], "reading": row[3]} for name, row in DAMAGED.items()}
    text = json.dumps(faults, indent=1, sort_keys=True)
    (target / "damaged.json").write_text(text + "\n", encoding="utf-8")


def main() -> int:
    """Write the folder of FORMAT_VERSION, or refuse."""
    argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0]).parse_args()
    target = DATA / f"v{FORMAT_VERSION}"
    if target.exists():
        print(
            f"{target} is there: it stays as it was written. "
            "Raise FORMAT_VERSION in hyperstore/limits.py first"
        )
        return 1
    write(target)
    print(f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
