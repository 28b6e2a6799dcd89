"""Where files go by a mapping or a root, held to a slow twin that splits paths into parts."""

from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hyperstore.dataset.uploading_wish import UploadWish, upload_wish
from hyperstore.errors import UsageError
from hyperstore.media.uri import Bucket, Web, locate

PARTS = st.sampled_from(
    ["a", "b", "aa", "a b", "50%", "50%25", "é", "猫", "x#y", "q?z=1&w", "+", "@", "~", ".hidden"]
)
PATHS = st.lists(PARTS, min_size=1, max_size=5)
ENDS = st.sampled_from(["/dest", "/dest/a", "s3://pets/up", "gs://pets/up", "http://h:8/up"])


def wish(**asked: object) -> UploadWish:
    """Return what a call asks for."""
    found = upload_wish(
        None,
        dataset_id="d" * 32,
        version_id="v" * 32,
        named=lambda: "a/b",
        store="/nowhere/store",
        **asked,
    )
    assert found is not None
    return found


def leads_to(uri: str) -> list[str]:
    """Return the parts of the path that a server, a bucket or this machine sees."""
    found = locate(uri)
    if isinstance(found, Web):
        return unquote(urlsplit(found.url).path).split("/")[1:]
    path = found.key if isinstance(found, Bucket) else found
    assert isinstance(path, str)
    return path.lstrip("/").split("/")


@given(st.dictionaries(PATHS.map(tuple), ENDS, min_size=1, max_size=4), PATHS)
def test_the_longest_prefix_of_whole_parts_wins(
    mapping: dict[tuple[str, ...], str], path: list[str]
) -> None:
    """And what lies below it keeps its path; the rest stays."""
    asked = {f"/src/{'/'.join(start)}": end for start, end in mapping.items()}
    target = wish(src_to_dst_mapping=asked).target(f"file:///src/{'/'.join(path)}")
    fitting = [start for start in mapping if tuple(path[: len(start)]) == start != tuple(path)]
    if not fitting:
        assert target is None
        return
    longest = max(fitting, key=len)
    assert target is not None
    end = leads_to(f"{mapping[longest]}/x")[:-1]
    assert leads_to(target.uri) == [*end, *path[len(longest) :]]
    assert target.uri.startswith(f"{target.folder}/")


def test_destinations_inside_of_sources_and_of_each_other() -> None:
    """What has come to its destination stays there, unless that is a source of its own."""
    found = wish(src_to_dst_mapping={"/data": "/data/sent", "/a": "/b", "/b": "/c"})
    asked = ["/data/x", "/data/sent/x", "/a/x", "/b/x", "/c/x", "/b", "/bb/x"]
    targets = [found.target(f"file://{path}") for path in asked]
    assert [None if one is None else one.uri for one in targets] == [
        "file:///data/sent/x",
        None,
        "file:///b/x",
        "file:///c/x",
        None,
        None,
        None,
    ]


@given(ENDS, PATHS, PATHS)
def test_a_file_keeps_its_path_below_the_root(end: str, root: list[str], path: list[str]) -> None:
    """One outside of it is an error; one that was sent before stays where it is."""
    base = f"/src/{'/'.join(root)}"
    found = wish(auto_upload_destination=end, local_dataset_root_path=base)
    target = found.target(f"file://{base}/{'/'.join(path)}")
    assert target is not None
    folder = [*leads_to(f"{end}/x")[:-1], "d" * 32, f"a_b.{'v' * 32}"]
    assert leads_to(target.uri) == [*folder, *path]
    assert found.target(target.uri) is None
    assert found.is_ours(target.uri)
    assert found.target("s3://elsewhere/x.jpg") is None
    outside = PurePosixPath("/other", *path)
    with pytest.raises(UsageError, match="outside of local_dataset_root_path"):
        found.target(f"file://{outside}")
