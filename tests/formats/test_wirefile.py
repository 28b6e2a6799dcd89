"""Frames from JSON: every common way of writing several, and what is refused."""

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import FormatError
from hyperstore.formats.wirefile import read_frames
from hyperstore.limits import JSON_CHUNK_BYTES, JSON_VALUE_CHARS_MAX


def read(data: bytes) -> list[dict[str, object]]:
    """Return all frames in some bytes."""
    return [one.wire for one in read_frames(io.BytesIO(data), "frames.json")]


@pytest.mark.parametrize(
    "text",
    [
        '{"id": 1}\n{"id": 2}\n',
        '[{"id": 1}, {"id": 2}]',
        '{"id": 1} {"id": 2}',
        '{"id": 1}{"id": 2}',
        '[{"id": 1}]\n[{"id": 2}]',
        '[[{"id": 1}], [], [{"id": 2}]]',
        '\ufeff[\n\t{"id": 1},\r\n{"id": 2}\n]\n',
    ],
)
def test_frames_are_read_from_lines_and_lists(text: str) -> None:
    """What jq, json.dump and a shell loop write."""
    assert read(text.encode()) == [{"id": 1}, {"id": 2}]


def test_nothing_is_no_frame() -> None:
    """An empty pipe adds nothing."""
    assert read(b"") == read(b" \n") == read(b"[]") == []


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b'{"id": 1', "line 1, column 9"),
        (b'[{"id": 1}', "line 1, column 11"),
        (b'[{"id": 1} {"id": 2}]', "line 1, column 12"),
        (b'{"id": 1},', "line 1, column 10"),
        (b"\n  3", "line 2, column 3"),
        (b'"text"', "line 1, column 1"),
        (b"]", "line 1, column 1"),
        (b'{"a": NaN}', "line 1, column 1"),
        (b'{"a": 1, "a": 2}', "line 1, column 1"),
        (b'{"a": \xff}', "line 1"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "line 1"),
        (b'{"a": ' + b"[" * 100_000, "line 1"),
    ],
)
def test_what_is_no_frame_is_refused_with_its_place(data: bytes, place: str) -> None:
    """One error, which an editor can jump to."""
    with pytest.raises(FormatError, match=f"frames.json: {place}"):
        read(data)


class _Drip(io.BytesIO):
    """A pipe that gives one piece at a time."""

    def __init__(self, data: bytes, size: int = 7) -> None:
        super().__init__(data)
        self._size = size

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read(self._size)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.floats(allow_nan=False))))
def test_frames_come_whole_however_the_pipe_cuts_them(frames: list[dict[str, object]]) -> None:
    """A cut may fall inside a number, an escape or a character."""
    values = [frame for frame in frames if "Infinity" not in json.dumps(frame)]
    text = "\n".join(json.dumps(frame, ensure_ascii=False) for frame in values)
    data = text.encode("utf-8", "replace")
    wanted = [json.loads(line) for line in data.decode().split("\n") if line]
    assert [one.wire for one in read_frames(_Drip(data), "pipe")] == wanted


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    """A frame across the border of two pieces comes whole."""
    frame = {"id": "x" * 1_000, "n": [1.5] * 50}
    count = 3 * JSON_CHUNK_BYTES // len(json.dumps(frame))
    path = tmp_path / "frames.json"
    path.write_text(json.dumps([frame] * count))
    with path.open("rb") as stream:
        assert sum(one.wire == frame for one in read_frames(stream, "frames.json")) == count


@pytest.mark.parametrize("size", [1, 7, JSON_CHUNK_BYTES])
def test_each_frame_is_placed_in_its_file(size: int) -> None:
    """An error that names neither line nor item sends people through a million frames."""
    text = '{"id": 0}\n\n  {"id": 1,\n"meta": {}} {"id": 2}[{"id": 3},\n{"id": 4}]\n{"id": 5}'
    found = [(one.wire["id"], one.place) for one in read_frames(_Drip(text.encode(), size), "f")]
    assert found == [
        (0, "f: line 1"),
        (1, "f: line 3"),
        (2, "f: line 4"),
        (3, "f: line 4, item [0]"),
        (4, "f: line 5, item [1]"),
        (5, "f: line 6"),
    ]


class _Endless(io.RawIOBase):
    """A pipe on which one frame does not end for long; it counts what is taken from it."""

    def __init__(self) -> None:
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        text = b"x" * size if self.taken else b'{"id": "'
        if self.taken > 8 * JSON_VALUE_CHARS_MAX:
            return b""
        self.taken += len(text)
        return text


def test_a_frame_without_end_is_refused_in_bounded_memory() -> None:
    """What writes into a pipe may have gone wrong."""
    pipe = _Endless()
    with pytest.raises(FormatError, match="longer than"):
        list(read_frames(pipe, "pipe"))  # type: ignore[arg-type]
    assert pipe.taken <= 4 * JSON_VALUE_CHARS_MAX
