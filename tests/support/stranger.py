"""A reader of stores that was written from FORMAT.md alone, and shares no line with the package.

Whatever it needs and FORMAT.md does not say is a fault of FORMAT.md. It takes the short way: it
reads everything, and checks a tree by building it again from its entries.
"""

import struct
import tomllib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import lmdb
import msgpack
from blake3 import blake3
from xxhash import xxh3_64_digest, xxh3_64_intdigest

__all__ = ["Operation", "StrangerStore", "Wrong", "object_id", "packed", "tree_root"]

TABLES = ("header", "objects", "oids", "absent", "refs", "oplog")
FRAME, NODE, SNAPSHOT, COMMIT, TAG, RECORD = 1, 2, 3, 4, 5, 6
EMPTY_LEAF = bytes.fromhex("9500c4009090c400")
PICTURE = {"content_type", "extra", "height", "timestamp", "uri", "width"}
FIELDS = {
    "frame": {"blob", "context_id", "extra", "id", "kind", "meta", "meta_blob", "rois", "sources"}
    | {"timestamp"},
    "source": PICTURE | {"id", "masks", "meta", "preview"},
    "mask": PICTURE | {"id"},
    "preview": PICTURE,
    "roi": {"annotation_id", "confidence", "extra", "id", "kind", "label", "mask", "meta", "poly"}
    | {"sources"},
    "value": {"extra", "id", "value"},
}
POINTS = {None: 2, "p2d": 2, "k2d": 2, "b2d": 2, "p3d": 3, "k3d": 3}
NUMBERS = {"elp": 5, "b3d": 10}
SENTINEL = -999_999_999

Map = dict[str, Any]


class Wrong(Exception):
    """Something is not as FORMAT.md says."""


class Operation(NamedTuple):
    """One row of the operation log; a move is (ref, old, new)."""

    number: int
    time: int
    actor: str
    command: str
    moves: list[tuple[str, bytes | None, bytes | None]]


class Located(NamedTuple):
    """Where an object lies, and what it is."""

    sequence: int
    kind: int
    payload: bytes
    created: int


def need(truth: object, fault: str) -> None:
    if not truth:
        raise Wrong(fault)


def packed(value: object) -> bytes:
    """Return the canonical bytes of a value."""

    def plain(one: object) -> object:
        if isinstance(one, dict):
            names = sorted(one, key=lambda name: name.encode())
            return {name: plain(one[name]) for name in names}
        if isinstance(one, list):
            return [plain(item) for item in one]
        return one + 0.0 if isinstance(one, float) else one

    data: bytes = msgpack.packb(plain(value))
    return data


def unpacked(data: bytes, what: str) -> Any:
    """Return the value of canonical bytes."""
    value = msgpack.unpackb(data, strict_map_key=True)
    need(packed(value) == data, f"{what} is not canonical")
    return value


def object_id(kind: int, payload: bytes) -> bytes:
    digest: bytes = blake3(bytes([kind]) + payload).digest()
    return digest


def unsealed(table: str, key: bytes, value: bytes) -> bytes:
    (length,) = struct.unpack_from("<I", value)
    need(length + 12 == len(value), f"{table} {key!r}: length")
    data = value[4 : 4 + length]
    name = table.encode()
    bound = struct.pack("<HH", len(name), len(key)) + name + key + data
    need(xxh3_64_digest(bound) == value[-8:], f"{table} {key!r}: check")
    return data


class StrangerStore:
    """All of a store, read and checked row by row on entry; nothing is open after that.

    One process cannot open an LMDB file twice: close the package's store first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self.rows: dict[str, dict[bytes, bytes]] = {}

    def __enter__(self) -> Self:
        path = str(self.folder / "db")
        with (
            lmdb.Environment(path, readonly=True, lib_version=0, max_dbs=len(TABLES)) as env,
            env.begin() as transaction,
        ):
            for name in TABLES:
                table = env.open_db(name.encode(), transaction, create=False)
                self.rows[name] = dict(transaction.cursor(table))
        self._read_header()
        self.objects = dict(self._objects())
        self.refs = {
            name.decode(): unsealed("refs", name, value)
            for name, value in self.rows["refs"].items()
        }
        config = self.folder / "config.toml"
        settings = tomllib.loads(config.read_text()) if config.exists() else {}
        self.roots = {"": str(self.folder.parent), **settings.get("roots", {})}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.rows.clear()

    # Tables.

    def _read_header(self) -> None:
        data = unsealed("header", b"store", self.rows["header"][b"store"])
        version, count = struct.unpack_from("<II", data)
        need(version == 1, f"format {version}")
        fields, place = [], 8
        for _ in range(count):
            (length,) = struct.unpack_from("<H", data, place)
            fields.append(data[place + 2 : place + 2 + length].decode())
            place += 2 + length
        need(place == len(data), "bytes left over in the header")
        self.id, engine, hash_name, self.trust = fields
        need((engine, hash_name) == ("lmdb-0.9", "blake3"), f"{engine} and {hash_name}")
        last = self.rows["header"].get(b"sequence")
        self.last_sequence = (
            0 if last is None else struct.unpack("<Q", unsealed("header", b"sequence", last))[0]
        )

    def _objects(self) -> Iterator[tuple[bytes, Located]]:
        """Yield every object that `oids` leads to; check every row and record."""
        found: dict[tuple[bytes, int, int], tuple[bytes, Located]] = {}
        before = 0
        for key, row in self.rows["objects"].items():
            created, count = struct.unpack_from("<QI", row)
            need(len(key) == 6 and xxh3_64_digest(key + row[:12]) == row[12:20], "head of a row")
            offset = 20
            for _ in range(count):
                length, place = struct.unpack_from("<IH", row, offset)
                record = row[offset : offset + length]
                need(length >= 47 and len(record) == length, "length of a record")
                need(xxh3_64_digest(record[:-8]) == record[-8:], "check of a record")
                sequence = int.from_bytes(key, "big") + place
                need(before < sequence <= self.last_sequence, "sequence numbers")
                before = sequence
                located = Located(sequence, record[38], record[39:-8], created)
                found[key, place, offset] = record[6:38], located
                offset += length
            need(count and offset == len(row), "records do not fill their row")
        for oid, where in self.rows["oids"].items():
            need(len(where) == 10, "size of a row of oids")
            place, offset = struct.unpack_from("<HH", where, 6)
            stored, located = found[where[:6], place, offset]
            need(stored == oid, "oids leads to another object")
            need(object_id(located.kind, located.payload) == oid, "an id is not the hash")
            yield oid, located

    def get(self, oid: bytes, kind: int) -> bytes:
        """Return the payload of an object."""
        need(oid in self.objects, f"object {oid.hex()} is not here")
        found = self.objects[oid]
        need(found.kind == kind, f"object {oid.hex()} is of kind {found.kind}, not {kind}")
        return found.payload

    def operations(self) -> list[Operation]:
        """Return the operation log, oldest first."""
        found = []
        for key, value in self.rows["oplog"].items():
            data = unsealed("oplog", key, value)
            time, count = struct.unpack_from("<qI", data)
            actor, place = _text(data, 12)
            command, place = _text(data, place)
            moves = []
            for _ in range(count):
                name, place = _text(data, place)
                sides, ids = data[place], []
                place += 1
                for side in (1, 2):
                    ids.append(data[place : place + 32] if sides & side else None)
                    place += 32 if sides & side else 0
                moves.append((name, ids[0], ids[1]))
            need(place == len(data), "bytes left over in an operation")
            found.append(Operation(int.from_bytes(key, "big"), time, actor, command, moves))
        need([one.number for one in found] == list(range(1, len(found) + 1)), "gaps in the log")
        return found

    # History.

    def read(self, oid: bytes, kind: int) -> Map:
        """Return the map of a snapshot, commit, tag or record."""
        value = unpacked(self.get(oid, kind), f"object {oid.hex()}")
        need(isinstance(value, dict), "not a map")
        return dict(value)

    def datasets(self) -> list[Map]:
        """Return the records of the datasets, oldest first."""
        return self._records("dataset/", "dataset")

    def versions(self, dataset: str) -> list[Map]:
        """Return the records of a dataset's versions, oldest first."""
        return self._records(f"version/{dataset}/", "version")

    def _records(self, prefix: str, kind: str) -> list[Map]:
        found = [self.read(to, RECORD) for name, to in self.refs.items() if name.startswith(prefix)]
        need(all(one["_type"] == kind for one in found), f"a record is not of a {kind}")
        return sorted(found, key=lambda one: (one["created"], one["id"]))

    def tags(self, dataset: str) -> dict[str, bytes]:
        """Return the tags of a dataset: name to commit id."""
        prefix = f"tag/{dataset}/"
        return {
            name.removeprefix(prefix): self.read(to, TAG)["commit"]
            for name, to in self.refs.items()
            if name.startswith(prefix)
        }

    def head(self, version: Map) -> bytes | None:
        return self.refs.get(f"head/{version['dataset']}/{version['id']}")

    def snapshot(self, version: Map) -> Map:
        """Return the snapshot of what a version holds now."""
        working = self.refs.get(f"working/{version['dataset']}/{version['id']}")
        need((working is None) == ("published" in version), "published, and a draft")
        if working is not None:
            return self.read(working, SNAPSHOT)
        head = self.head(version)
        assert head is not None
        return self.snapshot_at(head)

    def snapshot_at(self, commit: bytes) -> Map:
        return self.read(self.read(commit, COMMIT)["snapshot"], SNAPSHOT)

    def log(self, head: bytes | None) -> list[tuple[bytes, Map]]:
        """Return the commits that a head reaches, newest first."""
        seen: dict[bytes, Map] = {}
        pending = [] if head is None else [head]
        while pending:
            commit = pending.pop()
            if commit not in seen:
                seen[commit] = self.read(commit, COMMIT)
                pending += seen[commit]["parents"]
        shown: list[tuple[bytes, Map]] = []
        reached = [] if head is None else [head]
        while reached:
            commit = max(reached, key=lambda one: seen[one]["time"])
            reached.remove(commit)
            shown.append((commit, seen[commit]))
            known = {one for one, _ in shown} | set(reached)
            reached += [one for one in seen[commit]["parents"] if one not in known]
        return shown

    # Trees and frames.

    def entries(self, root: bytes) -> list[tuple[bytes, bytes]]:
        """Return the entries of a tree, after building it again from them."""
        found = list(self._below(root, None))
        need(tree_root(found) == root, f"the tree {root.hex()} is not where the law has its cuts")
        return found

    def _below(self, node: bytes, wanted: int | None) -> Iterator[tuple[bytes, bytes]]:
        payload = self.get(node, NODE)
        level, prefix, suffixes, counts, values = unpacked(payload, f"node {node.hex()}")
        need(wanted is None or level == wanted, "a level that does not fall by one")
        if isinstance(values, bytes):
            values = [values[at : at + 32] for at in range(0, len(values), 32)]
        keys = [prefix + suffix for suffix in suffixes]
        need(len(values) == len(keys) and len(counts) == (len(keys) if level else 0), "counts")
        if not level:
            yield from zip(keys, values, strict=True)
            return
        for child, count in zip(values, counts, strict=True):
            below = list(self._below(child, level - 1))
            need(len(below) == count, "a count that is not what is below")
            yield from below

    def payloads(self, snapshot: Map) -> list[bytes]:
        """Return the stored frames of a snapshot in order; checks both trees and all counts."""
        frames = self.entries(snapshot["roots"]["frames"])
        order = self.entries(snapshot["roots"]["order"])
        stored = [(key, value, self._frame(self.get(value, FRAME))) for key, value in frames]
        need(all(frame_key(frame["id"]) == key for key, _, frame in stored), "a key of a frame")
        again = sorted((order_key(frame), value) for _, value, frame in stored)
        need(again == order, "the order does not follow from the frames")
        rois = [len(frame.get("rois", ())) for _, _, frame in stored]
        totals = {"annotated": sum(map(bool, rois)), "rois": sum(rois)}
        need(snapshot.get("count", 0) == len(frames), "count")
        need(snapshot["totals"] == totals, "totals")
        return [self.get(value, FRAME) for _, value in order]

    def wires(self, snapshot: Map) -> list[Map]:
        """Return the frames of a snapshot in order, in the wire form."""
        return [self._wire(self._frame(payload)) for payload in self.payloads(snapshot)]

    def _frame(self, payload: bytes) -> Map:
        frame: Map = unpacked(payload, "a frame")
        _check_frame(frame)
        return frame

    def _uri(self, stored: str) -> str:
        if not stored.startswith("root:"):
            return stored
        name, _, rest = stored.removeprefix("root:").partition("/")
        return f"file://{self.roots[name]}/{rest}" if name in self.roots else stored

    def _wire(self, frame: Map) -> Map:
        wire = _spread(frame, "kind")
        wire["sources"] = [self._picture(source) for source in frame["sources"]]
        if "rois" in frame:
            wire["rois"] = [_roi_wire(roi) for roi in frame["rois"]]
        kind = frame["kind"]
        alone = [source["id"] for source in frame["sources"]] == ["default"]
        if kind != ("frame" if alone else "group"):
            wire["_kind"] = kind
        return wire

    def _picture(self, picture: Map) -> Map:
        wire = _spread(picture) | {"uri": self._uri(picture["uri"])}
        if "preview" in picture:
            wire["preview"] = self._picture(picture["preview"])
        if "masks" in picture:
            wire["masks"] = [self._picture(mask) for mask in picture["masks"]]
        return wire


def _text(data: bytes, place: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", data, place)
    return data[place + 4 : place + 4 + length].decode(), place + 4 + length


def _spread(stored: Map, *hidden: str) -> Map:
    known = {name: value for name, value in stored.items() if name not in ("extra", *hidden)}
    return {**stored.get("extra", {}), **known}


def _roi_wire(roi: Map) -> Map:
    wire = _spread(roi, "kind", "annotation_id")
    meta = dict(roi.get("meta", {}))
    for field, name in (("kind", "_type"), ("annotation_id", "_id")):
        if field in roi:
            meta[name] = roi[field]
    if meta:
        wire["meta"] = meta
    if "mask" in roi:
        wire["mask"] = _spread(roi["mask"])
    return wire


def frame_key(frame_id: str) -> bytes:
    if len(frame_id) == 32 and set(frame_id) <= set("0123456789abcdef"):
        return b"\1" + bytes.fromhex(frame_id)
    return b"\2" + frame_id.encode()


def order_key(frame: Map) -> bytes:
    first = frame["sources"][0]
    context: bytes = frame.get("context_id", first["uri"]).encode()
    time: int = frame.get("timestamp", first.get("timestamp", 0))
    escaped = context.replace(b"\0", b"\0\xff")
    return escaped + b"\0\0" + (time + 2**63).to_bytes(8, "big") + frame_key(frame["id"])


def tree_root(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return the id of the tree that holds these sorted entries, built level by level."""
    if not entries:
        return object_id(NODE, EMPTY_LEAF)
    need(all(one[0] < two[0] for one, two in pairwise(entries)), "order")
    items = [(key, 1, value) for key, value in entries]
    last, level = b"", 0
    while True:
        above: list[tuple[bytes, int, bytes]] = []
        for start, stop in _cuts([key for key, _, _ in items], level):
            part = items[start:stop]
            keys = [key for key, _, _ in part]
            node = _node(level, keys, [count for _, count, _ in part], [at for _, _, at in part])
            low = keys[0]
            if level == 0:
                low, last = (_separator(last, low) if start else b""), keys[-1]
            above.append((low, sum(count for _, count, _ in part), object_id(NODE, node)))
        if len(above) == 1:
            return above[0][2]
        items, level = above, level + 1


def _cuts(keys: list[bytes], level: int) -> Iterator[tuple[int, int]]:
    start = 0
    for at, key in enumerate(keys):
        held = at + 1 - start
        ends = held >= 8 and xxh3_64_intdigest(key, level) < 2**64 // 4
        if held == 24 or ends or at + 1 == len(keys):
            yield start, at + 1
            start = at + 1


def _separator(before: bytes, first: bytes) -> bytes:
    return next(first[:size] for size in range(1, len(first) + 1) if first[:size] > before)


def _node(level: int, keys: list[bytes], counts: list[int], values: list[bytes]) -> bytes:
    shared = 0
    for one, two in zip(keys[0], keys[-1], strict=False):
        if one != two:
            break
        shared += 1
    shared = shared if shared >= 8 else 0
    joined = level or all(len(value) == 32 for value in values)
    payload: bytes = msgpack.packb(
        [
            level,
            keys[0][:shared],
            [key[shared:] for key in keys],
            counts if level else [],
            b"".join(values) if joined else values,
        ]
    )
    return payload


def _check_frame(frame: Map) -> None:
    _only(frame, "frame", {"id", "kind", "sources"})
    need(frame["kind"] in ("frame", "group") and 0 < len(frame["id"].encode()) <= 255, "a frame")
    names = [source["id"] for source in frame["sources"]]
    need(names and len(set(names)) == len(names), "sources of a frame")
    need(frame["kind"] == "group" or len(names) == 1, "a frame of several sources")
    for source in frame["sources"]:
        _only(source, "source", {"id", "uri"})
        for mask in source.get("masks", ()):
            _only(mask, "mask", {"id", "uri"})
        if "preview" in source:
            _only(source["preview"], "preview", {"uri"})
    rois = frame.get("rois", [])
    need(len({roi["id"] for roi in rois}) == len(rois), "two ROIs of one id")
    for roi in rois:
        _only(roi, "roi", {"id", "label"})
        need(roi["label"] and all(isinstance(one, str) for one in roi["label"]), "labels")
        need(set(roi.get("sources", ())) <= set(names), "an ROI of a source that is not there")
        need(isinstance(roi.get("confidence", 0.0), float), "a confidence")
        if "mask" in roi:
            _only(roi["mask"], "value", {"id", "value"})
        _check_poly(roi.get("kind"), roi.get("poly"))


def _only(found: Map, what: str, always: set[str]) -> None:
    need(always <= found.keys() <= FIELDS[what], f"fields of a {what}: {sorted(found)}")
    empty = [name for name, value in found.items() if value in ({}, [], None)]
    need(set(empty) <= {"value"}, f"empty fields of a {what}: {empty}")


def _check_poly(kind: str | None, poly: list[float] | None) -> None:
    if poly is None:
        return
    need(NUMBERS.get(kind or "", len(poly)) == len(poly), f"a shape of kind {kind}")
    if kind in POINTS:
        parts: list[int] = [0]
        for number in poly:
            if number == SENTINEL:
                need(kind in (None, "p2d", "p3d"), "parts of what has none")
                parts.append(0)
            else:
                parts[-1] += 1
        need(all(part and part % POINTS[kind] == 0 for part in parts), f"points of kind {kind}")
