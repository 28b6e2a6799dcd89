"""What a user could write by hand without versions: packed frames in LMDB under their hash.

One put under the hash, one in an index of ids and one in an index of order, in one transaction.
An update leaves the old bytes where they are, as the fewest writes that keep the indexes right.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import lmdb
import msgpack
from blake3 import blake3

__all__ = ["Contender"]

Frame = dict[str, Any]


def order_key(frame: Frame) -> bytes:
    """Return a key that sorts by context, then time, then id."""
    timestamp = int(frame["timestamp"]) + 2**63
    context = str(frame["context_id"]).encode()
    return b"%s\0%s%s" % (context, timestamp.to_bytes(8, "big"), str(frame["id"]).encode())


class Contender:
    """Frames by hash, and two indexes that hold hashes."""

    def __init__(self, folder: Path) -> None:
        self._env = lmdb.open(str(folder), map_size=1 << 40, max_dbs=3)
        self._frames = self._env.open_db(b"frames")
        self._ids = self._env.open_db(b"ids")
        self._order = self._env.open_db(b"order")

    def ingest(self, frames: Iterable[Frame]) -> None:
        with self._env.begin(write=True) as txn:
            for frame in frames:
                packed = msgpack.packb(frame)
                name = blake3(packed).digest()
                txn.put(name, packed, db=self._frames)
                txn.put(str(frame["id"]).encode(), name, db=self._ids)
                txn.put(order_key(frame), name, db=self._order)

    def update(self, frames: Iterable[Frame]) -> None:
        self.ingest(frames)

    def read_decoded(self) -> int:
        count = 0
        with self._env.begin(buffers=True) as txn:
            for _, name in txn.cursor(db=self._order):
                frame = msgpack.unpackb(txn.get(name, db=self._frames))
                count += len(frame["sources"]) and len(frame["meta"]) > 0
        return count

    def get_decoded(self, frame_id: str) -> Frame:
        with self._env.begin(buffers=True) as txn:
            name = txn.get(frame_id.encode(), db=self._ids)
            return msgpack.unpackb(txn.get(name, db=self._frames))

    def close(self) -> None:
        self._env.close()
