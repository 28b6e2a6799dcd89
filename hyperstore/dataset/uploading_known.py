"""Which contents a dataset has been given before, and by which URIs.

Frames say by what hash each of their files was recorded. All frames that any version of the
dataset holds are read once, chunk by chunk, and after that only what changed since; what was found
lies in a temporary table on disk, so that memory does not grow with the dataset.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple
from weakref import WeakKeyDictionary

from hyperstore.codec import Struct, decoder
from hyperstore.dataset.draft import dataset_snapshots
from hyperstore.dataset.edit import empty_snapshot, root
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.scratchtable import ScratchTable
from hyperstore.dataset.staging import Staging
from hyperstore.errors import MissingObjectError
from hyperstore.frames.hashes import by_file
from hyperstore.frames.roots import Roots
from hyperstore.history.commit import Snapshot
from hyperstore.ids import NodeId, ObjectId
from hyperstore.limits import UPLOAD_KNOWN_MAX
from hyperstore.tree.diff import diff

__all__ = [
    "Known",
    "KnownContents",
    "hashed_uris",
    "known_contents",
]

_CHUNK = 1_024
_HASH_DIGITS = 64
_LOOKED_AT = 64  # URIs of one content, of which some are of use.
_RECENT = 1_024


class _Pointer(Struct):
    uri: str


class _Meta(Struct):
    hash: object = None


class _Source(Struct):
    uri: str
    masks: list[_Pointer] | None = None
    meta: _Meta | None = None
    preview: _Pointer | None = None


class _Hashed(Struct):
    """What of a stored frame says which contents its URIs have; all else is skipped unread."""

    sources: list[_Source]


_read = decoder(_Hashed)


class Known(NamedTuple):
    """A place of a content; `sure` where this call saw the content there itself."""

    uri: str
    sure: bool


class KnownContents:
    """Contents with their places, for one dataset. Used by many threads."""

    def __init__(self, dataset_id: str) -> None:
        self._dataset = dataset_id
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._scanned: dict[NodeId, str] = {}  # Roots that were read, with their versions.
        self._call = 0
        self._recent: dict[bytes, dict[str, None]] = {}  # What this call noted last,
        self._noted = 0  # and how much that is.
        self._empty = True  # The table, still.
        self._table = ScratchTable(
            "CREATE TABLE known (hash BLOB, uri TEXT, call INTEGER, PRIMARY KEY (hash, uri)) "
            "WITHOUT ROWID"
        )

    @property
    def inherited(self) -> bool:
        """Whether a forked child has it from its parent, and so must leave it alone."""
        return self._process != os.getpid()

    def close(self) -> None:
        """Give up the table."""
        if not self.inherited:
            self._table.close()

    def __del__(self) -> None:
        self.close()

    def begin(self) -> None:
        """Be sure of nothing any more: a call begins."""
        with self._lock:
            self._flush()
            self._call += 1

    def read(self, handle: Handle) -> None:
        """Take note of what the versions of the dataset hold now."""
        with self._reading:
            self._read(handle)

    def places(self, sha256: str, fits: Callable[[str], bool], own: Sequence[str]) -> list[Known]:
        """Return some places of a content: of one's own, then those that are sure, then others."""
        digest = bytes.fromhex(sha256)
        with self._lock:
            recent = self._recent.get(digest, {})
            looked_at = chain(islice(recent, _LOOKED_AT), (uri for uri in own if uri in recent))
            found = dict.fromkeys(looked_at, self._call)
            if not self._empty:
                self._look(digest, own, found)
        known = [Known(uri, call == self._call) for uri, call in found.items() if fits(uri)]
        known.sort(key=lambda one: (own.index(one.uri) if one.uri in own else len(own), -one.sure))
        return known[:UPLOAD_KNOWN_MAX]

    def note(self, sha256: str, uri: str) -> None:
        """Remember that this call saw a content at a place."""
        with self._lock:
            places = self._recent.setdefault(bytes.fromhex(sha256), {})
            self._noted += uri not in places
            places[uri] = None
            if self._noted >= _RECENT:
                self._flush()

    def _look(self, digest: bytes, own: Sequence[str], found: dict[str, int]) -> None:
        """Add what the table has, of one content that may lie at very many places."""
        asked = "SELECT uri, call FROM known WHERE hash = ?"
        rows = list(self._table.rows(f"{asked} LIMIT ?", (digest, _LOOKED_AT)))
        for uri in own if len(rows) == _LOOKED_AT else ():
            rows += self._table.rows(f"{asked} AND uri = ?", (digest, uri))
        for place, call in rows:
            assert isinstance(place, str)
            assert isinstance(call, int)
            found.setdefault(place, call)

    def _flush(self) -> None:
        """Move what was noted into the table."""
        rows = [(digest, uri, self._call) for digest, uris in self._recent.items() for uri in uris]
        self._recent, self._noted = {}, 0
        self._insert("INSERT OR REPLACE INTO known VALUES (?, ?, ?)", rows)

    def _insert(self, statement: str, rows: Sequence[tuple[bytes, str, int]]) -> None:
        if rows:
            self._table.change(statement, rows)
            self._empty = False

    def _read(self, handle: Handle) -> None:
        staging = handle.staging()
        now: dict[NodeId, str] = {}
        for version_id, snapshot in dataset_snapshots(handle, staging, self._dataset):
            wanted = root(snapshot, "frames")
            now[wanted] = version_id
            if wanted in self._scanned or not snapshot.count:
                continue
            same = [one for one, version in self._scanned.items() if version == version_id]
            near = same[-1] if same else next(reversed(self._scanned), None)
            try:
                self._scan(handle, staging, near, snapshot)
            except MissingObjectError:  # What was read before may have been collected.
                self._scan(handle, staging, None, snapshot)
            self._scanned[wanted] = version_id
        self._scanned = {one: version for one, version in self._scanned.items() if one in now}

    def _scan(
        self, handle: Handle, staging: Staging, near: NodeId | None, snapshot: Snapshot
    ) -> None:
        before = root(empty_snapshot(staging.nodes), "frames") if near is None else near
        changes = diff(staging.nodes, before, root(snapshot, "frames"))
        new = (ObjectId(one.new) for one in changes if one.new is not None)
        source: Iterator[ObjectId] = handle.pinned(snapshot, new)
        roots = handle.roots
        while chunk := list(islice(source, _CHUNK)):
            rows = [
                (*row, 0)
                for payload in staging.frames(chunk).values()
                for row in hashed_uris(payload, roots)
            ]
            with self._lock:
                self._insert("INSERT OR IGNORE INTO known VALUES (?, ?, ?)", rows)


def hashed_uris(payload: bytes, roots: Roots) -> Iterator[tuple[bytes, str]]:
    """Yield the hash and URI of each file of a stored frame of which both are recorded."""
    for source in _read(payload, what="frame").sources:
        hashes = by_file(None if source.meta is None else source.meta.hash)
        masks = hashes.get("mask_source")
        pairs: list[tuple[object, str]] = [(hashes.get("source"), source.uri)]
        if source.preview is not None:
            pairs.append((hashes.get("preview_source"), source.preview.uri))
        if isinstance(masks, list) and len(masks) == len(source.masks or ()):
            pairs += zip(masks, (one.uri for one in source.masks or ()), strict=True)
        for sha256, uri in pairs:
            if isinstance(sha256, str) and len(sha256) == _HASH_DIGITS:
                with contextlib.suppress(ValueError):  # Some hash of the user's own.
                    yield bytes.fromhex(sha256), roots.absolute(uri)


_of: WeakKeyDictionary[Handle, dict[str, KnownContents]] = WeakKeyDictionary()


def known_contents(handle: Handle, dataset_id: str) -> KnownContents:
    """Return what is known of a dataset, the same for all who share a handle in this process."""
    held = _of.setdefault(handle, {})
    found = held.get(dataset_id)
    if found is None or found.inherited:
        found = held[dataset_id] = KnownContents(dataset_id)
    return found
