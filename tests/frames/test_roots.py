"""Local files: stored relative to a root, answered as absolute paths."""

import pickle
from pathlib import Path
from typing import Any

import pytest

from hyperstore.codec import Unfit
from hyperstore.errors import FrameError
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import read_frame
from hyperstore.frames.roots import NO_ROOTS, Roots, absolute_uri, local_path
from hyperstore.frames.wire import decode_plain

Wire = dict[str, Any]
ROOTS = Roots({"": "/data", "pictures": "/data/images", "nas": "/mnt/nas/"})


@pytest.mark.parametrize(
    ("uri", "stored"),
    [
        ("file:///data/a.jpg", "root:/a.jpg"),
        ("file:///data/b/a b%20.jpg", "root:/b/a b%20.jpg"),
        ("file:///data/images/a.jpg", "root:pictures/a.jpg"),
        ("file:///mnt/nas/é.jpg", "root:nas/é.jpg"),
        ("file:///database/a.jpg", "file:///database/a.jpg"),
        ("file:///data/../etc/passwd", "file:///data/../etc/passwd"),
        ("file:///data/./a.jpg", "file:///data/./a.jpg"),
        ("file:///data//a.jpg", "file:///data//a.jpg"),
        ("file:///data", "file:///data"),
        ("file:///data/", "file:///data/"),
        ("file://host/data/a.jpg", "file://host/data/a.jpg"),
        ("s3://data/a.jpg", "s3://data/a.jpg"),
    ],
)
def test_a_file_inside_a_root_is_stored_relative(uri: str, stored: str) -> None:
    """The longest root wins; a path with two forms stays as it is; all come back."""
    assert ROOTS.stored(uri) == stored
    assert ROOTS.absolute(stored) == uri


@pytest.mark.parametrize(
    ("given", "uri"),
    [
        ("/a/b.jpg", "file:///a/b.jpg"),
        ("/a/../b.jpg", "file:///b.jpg"),
        (Path("/a/b c.jpg"), "file:///a/b c.jpg"),
        ("a:b/c", f"file://{Path.cwd()}/a:b/c"),
        ("2020-01-01T10:00.jpg", f"file://{Path.cwd()}/2020-01-01T10:00.jpg"),
        ("text://hello", "text://hello"),
        ("urn:x:y", "urn:x:y"),
        ("data:image/png;base64,AA", "data:image/png;base64,AA"),
        ("file:///a/../b", "file:///a/../b"),
        ("s3://b/é", "s3://b/é"),
    ],
)
def test_bare_paths_are_made_absolute_and_pointers_are_left_alone(given: object, uri: str) -> None:
    """Any scheme is a pointer, invented ones too."""
    assert absolute_uri(given, "uri") == uri


def test_a_relative_path_is_absolute_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It means the file that was there when the frame was made; links are not followed."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    frame = SingleFrame(source="link/a.jpg")
    monkeypatch.chdir("/")
    assert frame.source == str(tmp_path / "link" / "a.jpg")


@pytest.mark.parametrize("given", ["", "root:/a", "root:x/y", "/a\0b", "/\udcff", b"/a", 3, None])
def test_what_is_no_uri_is_refused(given: object) -> None:
    """Names that are not UTF-8 are refused by name; the store's own form is nobody else's."""
    with pytest.raises(Unfit):
        absolute_uri(given, "uri")
    if given is not None:
        with pytest.raises(FrameError):
            SingleFrame(source=given)  # type: ignore[arg-type]


def frame() -> Wire:
    """Return a wire frame with a local source, mask and preview."""
    return {
        "id": "f",
        "sources": [
            {
                "id": "default",
                "uri": "file:///data/a.jpg",
                "preview": {"uri": "file:///data/images/p.jpg"},
                "masks": [{"id": "00", "uri": "file:///mnt/nas/m.png"}],
            }
        ],
    }


def test_two_laptops_agree() -> None:
    """The same folder in two places gives the same bytes, and each reads its own paths."""
    here = prepare(frame(), roots=ROOTS)
    moved = {"": "/home/x", "pictures": "/home/x/images", "nas": "/n"}
    there_frame = frame()
    source = there_frame["sources"][0]
    source["uri"] = "/home/x/a.jpg"
    source["preview"] = "/home/x/images/p.jpg"
    source["masks"][0]["uri"] = "/n/m.png"
    there = prepare(there_frame, roots=Roots(moved))
    assert there.payload.replace(b"f", b"") == here.payload.replace(b"f", b"")
    assert here.order_key == there.order_key
    back = read_frame(here.payload, home=None, object_id=None, roots=Roots(moved))
    assert isinstance(back, SingleFrame)
    assert (back.source, back.preview_uri) == ("/home/x/a.jpg", "/home/x/images/p.jpg")
    assert back.masks_source == {"00": "/n/m.png"}
    assert back.to_dict()["sources"][0]["uri"] == "file:///home/x/a.jpg"  # type: ignore[index]


def test_a_root_that_is_not_known_here_leaves_the_pointer() -> None:
    """Reading goes on; writing it back would give the pointer another meaning, and is refused."""
    payload = prepare(frame(), roots=ROOTS).payload
    back = decode_plain(payload, roots=Roots({"": "/data"}))
    with pytest.raises(FrameError, match="masks"):
        prepare(back, roots=NO_ROOTS)


def test_roots_are_plain_values() -> None:
    """They travel with what needs them."""
    assert pickle.loads(pickle.dumps(ROOTS)) == ROOTS != NO_ROOTS
    assert hash(Roots({"": "/data/"})) == hash(Roots({"": "/data"}))
    assert local_path("file:///a") == "/a"
    with pytest.raises(ValueError, match="slash"):
        Roots({"a/b": "/x"})
