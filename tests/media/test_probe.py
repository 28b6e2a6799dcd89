"""What a file says of itself is read without decoding it; a broken one is said to be so."""

from pathlib import Path

import pytest
from blake3 import blake3

from hyperstore.media.probe import Probe, probe, verify
from tests.support.pictures import bomb, encoded, quarters, turned_to


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("TIFF", "image/tiff"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
        ("AVIF", "image/avif"),
    ],
)
def test_a_picture_says_what_it_is(kind: str, content_type: str, tmp_path: Path) -> None:
    """The kind follows from the bytes, not from the name."""
    data = encoded(quarters(30, 20), kind)
    path = tmp_path / "picture.dat"
    path.write_bytes(data)
    wanted = Probe(content_type, 30, 20, len(data), blake3(data).hexdigest(), None)
    assert (probe(path), verify(path), probe(data)) == (wanted, wanted, wanted)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_width_and_height_are_those_that_are_looked_at(kind: str) -> None:
    """A ROI's numbers mean the picture as it is shown."""
    found = probe(turned_to(6, kind))
    assert (found.width, found.height) == (64, 32)


def test_what_is_broken_or_empty_is_listed_and_never_raised(tmp_path: Path) -> None:
    """One bad file among thousands is an entry in a list."""
    half = encoded(quarters(64, 64), "PNG")[:-40]
    assert probe(half).fault is None
    assert "broken" in str(verify(half).fault)
    assert "empty" in str(probe(b"").fault)
    assert "no picture" in str(probe(b"hello").fault)
    assert probe(b"hello").hash == blake3(b"hello").hexdigest()
    assert "no file" in str(probe(tmp_path / "gone").fault)
    assert "folder" in str(probe(tmp_path).fault)


def test_a_bomb_is_measured_and_not_decoded() -> None:
    """Its size is a fact like others."""
    found = verify(bomb(10_000, 9_000))
    assert (found.width, found.height) == (10_000, 9_000)
    assert "10000 x 9000" in str(found.fault)
    assert "pixels" in str(probe(bomb(60_000, 60_000)).fault)
