"""What a URI is, and which ones nobody follows."""

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.errors import FrameError, HyperstoreError, NotFoundError, RefusedError, UsageError
from hyperstore.frames.frame import SingleFrame
from hyperstore.media.local import local_file
from hyperstore.media.uri import Bucket, Web, file_name, locate, refusal, shown

FOLLOWED = [
    ("/data/a b.jpg", "/data/a b.jpg"),
    ("file:///data/a b.jpg", "/data/a b.jpg"),
    ("FILE://localhost/data/a.jpg", "/data/a.jpg"),
    ("file:///data/50%20.jpg", "/data/50%20.jpg"),
    ("https://h/a@2x.jpg?u=a@b", Web("https://h/a@2x.jpg?u=a@b")),
    ("s3://bucket/a/b c@2x.jpg", Bucket("s3", "bucket", "a/b c@2x.jpg")),
    ("s3://nas:9000/bucket/k", Bucket("s3", "bucket", "k", "nas:9000")),
    ("s3://[::1]:9000/bucket/k", Bucket("s3", "bucket", "k", "[::1]:9000")),
    ("gs://bucket/k%20?x", Bucket("gs", "bucket", "k%20?x")),
    ("azure://acc.blob.core.windows.net/c01/k", Bucket("azure", "c01", "k", "", "acc")),
    ("azure://h:10000/acc/c01/k", Bucket("azure", "c01", "k", "h:10000", "acc")),
    ("azure://container/k", Bucket("azure", "container", "k")),
]
HOSTILE = [
    "http://u:p@h/x",
    "http://u@h/x",
    "s3://key:secret@h:9000/b/k",
    "https://good.example\\@bad/x",
    "http://h/a/../b",
    "http://h/%2e%2E/b",
    "http://h/a\\..\\b",
    "file:///data/../etc/passwd",
    "s3://b/../k",
    "http://h/a\nb",
    "http://h/a%0d%0aX: y",
    "gs://b/a\x7f",
    "/a\0b",
    "file:///a\0b",
    "http://h/" + "a" * 8200,
    "s3://b/" + "é" * 4200,
]
NOWHERE = [
    "text://a question",
    "data:image/png;base64,AAAA",
    "root:cats/a.jpg",
    "file://server/share/a.jpg",
    "file:a.jpg",
    "s3://bucket",
    "s3:///k",
    "s3://h:x/b/k",
    "s3://h:99999/b/k",
    "s3://b cket/k",
    "gs://h:80/b/k",
    "azure://h:80/acc",
]


@pytest.mark.parametrize(("uri", "place"), FOLLOWED)
def test_so_03_uris_lead_where_they_say(uri: str, place: object) -> None:
    """Every form that users of ClearML write finds its object."""
    assert refusal(uri) is None
    assert locate(uri) == place


@pytest.mark.parametrize("uri", HOSTILE)
def test_hostile_uris_are_refused(uri: str) -> None:
    """What climbs, splits lines or carries a password is followed by nobody and kept by no frame.

    A local path is the exception: Python's own `abspath` has resolved its dots when it is kept.
    """
    with pytest.raises(RefusedError, match="not followed"):
        locate(uri)
    with pytest.raises(FrameError):
        SingleFrame(source=uri)


def test_a_password_is_not_repeated_in_the_message() -> None:
    """An error ends in logs that others read."""
    with pytest.raises(FrameError) as failure:
        SingleFrame(source="https://user:canary@h/x")
    assert "canary" not in str(failure.value)


@pytest.mark.parametrize("uri", NOWHERE)
def test_pointers_are_kept_and_not_followed(uri: str) -> None:
    """What a scheme of the user's own means, only he knows."""
    assert refusal(uri) is None
    with pytest.raises(UsageError):
        local_file(uri)


def test_st_11_a_local_name_is_taken_as_it_is_written(tmp_path: os.PathLike[str]) -> None:
    """A file whose name holds a percent sign is that file; other programs' escapes are read too."""
    for name in ("50%25.jpg", "a b.jpg"):
        with open(os.path.join(tmp_path, name), "w") as file:  # noqa: PTH118, PTH123
            file.write("x")
    assert local_file(f"file://{tmp_path}/50%25.jpg") == f"{tmp_path}/50%25.jpg"
    assert local_file(f"file://{tmp_path}/a b.jpg") == f"{tmp_path}/a b.jpg"
    assert local_file(f"file://{tmp_path}/a%20b.jpg") == f"{tmp_path}/a b.jpg"


def test_st_11_another_picture_of_the_decoded_name_is_no_answer(tmp_path: Path) -> None:
    """Where the hash is recorded: the file of the name as it is written may have been deleted."""
    (tmp_path / "a b.jpg").write_bytes(b"x")
    uri = f"file://{tmp_path}/a%20b.jpg"
    mine, other = (hashlib.sha256(data).hexdigest() for data in (b"x", b"y"))
    assert local_file(uri, sha256=mine) == f"{tmp_path}/a b.jpg"
    assert local_file(uri, sha256="their own") == f"{tmp_path}/a b.jpg"
    with pytest.raises(NotFoundError, match="is another one"):
        local_file(uri, sha256=other)
    frame = SingleFrame(source=uri, hash=other)
    assert frame.get_local_source() is None
    # Of a file with its own name nothing is asked: whoever edits his own is not refused it.
    assert local_file(f"file://{tmp_path}/a b.jpg", sha256=other) == f"{tmp_path}/a b.jpg"


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("s3://b/x/cat.jpg", "cat.jpg"),
        ("https://h/a%20cat.PNG?size=3#x", "a_cat.PNG"),
        ("https://h/", "h"),
        ("https://h", "h"),
        ("s3://b/.hidden", "hidden"),
        ("s3://b/éé/é", "_"),
        ("gs://b/lidar.pcd.bin", "lidar.pcd.bin"),
        ("s3://b/" + "n" * 300 + ".tiff", "n" * 75 + ".tiff"),
        ("s3://b/" + "n" * 300, "n" * 80),
    ],
)
def test_st_11_a_copy_keeps_the_extension(uri: str, name: str) -> None:
    """Libraries tell by it what a file is; a long name is cut before it."""
    assert file_name(uri) == name


@given(st.text(max_size=40), st.sampled_from(["", "s3://", "http://", "file:///", "azure://h:1/"]))
def test_any_text_is_a_place_or_one_of_our_errors(text: str, start: str) -> None:
    """URIs come from files of strangers."""
    uri = start + text
    try:
        place = locate(uri)
    except HyperstoreError:
        pass
    else:
        assert isinstance(place, str | Web | Bucket)
    name = file_name(uri)
    assert name
    assert "/" not in name
    assert not name.startswith(".")
    assert shown(uri).isascii()
