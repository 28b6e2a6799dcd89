"""Every reader of bytes from outside, fed anything: one of our errors, in bounded memory."""

import io
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore import codec
from hyperstore.dataset.config import read_config
from hyperstore.errors import HyperstoreError
from hyperstore.formats.wirefile import read_frames
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.frames.stored import check_frame, order_key_of, roi_count_of
from hyperstore.frames.wire import decode_plain
from hyperstore.history.commit import (
    Changes,
    DatasetRecord,
    Snapshot,
    Tag,
    VersionRecord,
    decode_commit,
    decode_record,
    decode_snapshot,
    decode_tag,
    new_commit,
)
from hyperstore.history.resolve import parse_range, parse_revision
from hyperstore.ids import CommitId, ObjectId, SnapshotId
from hyperstore.storage.header import Header, decode_header, encode_header
from hyperstore.tree import node

ID = ObjectId(bytes(range(32)))
COMMIT = new_commit(
    snapshot=SnapshotId(ID),
    parents=[CommitId(ID)],
    place=("0" * 32, "1" * 32),
    who="Ada",
    message="One",
    time_ms=5,
    changes=Changes(),
)
GOOD: dict[str, bytes] = {
    "snapshot": codec.pack(Snapshot(count=3, roots={"frames": ID, "order": ID})),
    "commit": codec.pack(COMMIT),
    "tag": codec.pack(Tag(commit=ID, message="m", name="v1", tagger="Ada", time=5)),
    "dataset": codec.pack(DatasetRecord(created=5, id="0" * 32, name="cells")),
    "version": codec.pack(VersionRecord(created=5, dataset="0" * 32, id="1" * 32, name="a")),
    "node": node.make_leaf([b"a", b"b"], [ID, ID]).payload(),
    "header": encode_header(Header("0" * 32, 1, "lmdb-0.9", "blake3", "own")),
    "lines": b'{"id": "a", "sources": [{"id": "default", "uri": "s3://a"}]}\n[{"id": "b"}]',
}


def lines(data: bytes) -> object:
    return [one.wire for one in read_frames(io.BytesIO(data), "frames.jsonl")]


def stream(data: bytes) -> object:
    return list(codec.stream_unpack(io.BytesIO(data), what="stream"))


READERS: dict[str, Callable[[bytes], object]] = {
    "codec": lambda data: codec.decode(data, what="value"),
    "stream": stream,
    "snapshot": lambda data: decode_snapshot(data, ID),
    "commit": lambda data: decode_commit(data, ID),
    "tag": lambda data: decode_tag(data, ID),
    "record": lambda data: decode_record(data, ID),
    "node": node.decode,
    "header": lambda data: decode_header(memoryview(data)),
    "frame": lambda data: decode_plain(data, roots=NO_ROOTS),
    "check": check_frame,
    "order": order_key_of,
    "count": roi_count_of,
    "lines": lines,
}


def feed(data: bytes) -> None:
    """Give bytes to every reader; whatever is not ours comes out."""
    for read in READERS.values():
        with suppress(HyperstoreError):
            read(data)


@given(st.binary(max_size=120))
def test_random_bytes_let_nothing_foreign_out(data: bytes) -> None:
    """Bytes of no meaning at all."""
    feed(data)


@given(st.sampled_from(sorted(GOOD)), st.data())
def test_mutated_bytes_let_nothing_foreign_out(kind: str, data: st.DataObject) -> None:
    """Bytes that nearly mean something: cut, overwritten, with others put in between."""
    payload = bytearray(GOOD[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(payload)))
        noise = data.draw(st.binary(max_size=6))
        payload[at : at + data.draw(st.integers(0, 6))] = noise
    feed(bytes(payload))


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-3, 2**64 - 1)
        | st.floats()
        | st.text(max_size=3)
        | st.binary(max_size=33),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    ["_type", "id", "roots", "frames", "parents", "sources", "rois", "x"]
                )
                | st.integers(0, 3),
                inner,
                max_size=5,
            )
        ),
        max_leaves=12,
    )
)
def test_well_formed_values_of_another_shape_let_nothing_foreign_out(value: object) -> None:
    """MessagePack that any program might send, with keys that ours have."""
    feed(msgpack.packb(value))


@given(st.text(max_size=40) | st.text('@~^{}."\\a0', max_size=20))
def test_any_text_is_a_revision_or_one_error(text: str) -> None:
    """What people type."""
    with suppress(HyperstoreError):
        parse_revision(text)
    with suppress(HyperstoreError):
        parse_range(text)


@given(st.binary(max_size=60) | st.text("[]=\"'user.namegc\n 0", max_size=40).map(str.encode))
def test_any_settings_are_read_or_one_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """A file that people edit."""
    path: Path = tmp_path_factory.getbasetemp() / "config.toml"
    path.write_bytes(data)
    with suppress(HyperstoreError):
        read_config(path)


CLAIMS = {
    "list of four thousand million": b"\xdd\xff\xff\xff\xff",
    "map of four thousand million": b"\xdf\xff\xff\xff\xff",
    "text of four gigabytes": b"\xdb\xff\xff\xff\xff",
    "bytes of four gigabytes": b"\xc6\xff\xff\xff\xff",
    "extension of four gigabytes": b"\xc9\xff\xff\xff\xff\x01",
    "lists in lists": b"\x91" * 50_000,
    "maps in maps": b"\x81\xa1a" * 50_000,
    "big lists in lists": b"\xdd\x00\x0f\xff\xff" * 20_000,
    "nothing, a million times": b"\xdd\x00\x20\x00\x00" + b"\xc0" * 0x200000,
    "lists of nothing": b"\xdc\xff\xff" + b"\x90" * 0xFFFF,
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 50_000,
    "open text": b'{"a": "' + b"x" * 200_000,
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_of_more_than_there_is_costs_no_memory(claim: str) -> None:
    """Sizes are believed only as far as bytes are there; nesting ends at its limit."""
    data = CLAIMS[claim]
    for name, read in READERS.items():
        tracemalloc.start()
        try:
            with suppress(HyperstoreError):
                read(data)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 64 * 1024 * 1024, name
