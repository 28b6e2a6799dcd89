"""Names of pictures that no file of the format gave: two pictures never have one."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from hyperstore.formats import coco
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.newpictures import NewPictures
from tests.support.panoptic import PanopticVersion
from tests.support.voc import VocVersion

_BOX = {"label": ["cat"], "poly": [1, 2, 4, 2, 4, 6, 1, 6], "meta": {"_type": "b2d"}}
_CAMERAS = ("/rig/cam0/0001.jpg", "/rig/cam1/0001.jpg", "/rig/cam1/0002.jpg")


def _frame(name: str, uri: str, **more: object) -> Wire:
    source = {"id": "default", "uri": uri, "width": 8, "height": 8}
    return {"id": name, "sources": [source], "rois": [{"id": "r", **_BOX}], **more}


def _names(
    uris: list[str], *, folder: Path | None = None, taken: tuple[str, ...] = ()
) -> list[str]:
    """Return the name that each picture gets; those `taken` came in with pictures elsewhere."""
    with NewPictures.open(folder) as new:
        for name in taken:
            new.give(name, _frame("given", f"/given/{name}"))
        for number, uri in enumerate(uris):
            new.put(_frame(str(number), uri))
        return [picture.name for picture in new.named()]


_parts = st.sampled_from(["a", "b", "cam0", "1.jpg", "2.jpg", ".", "..", "", "s3", "x y", "Öl"])
_paths = st.lists(_parts, min_size=1, max_size=5).map("/".join)
_uris = st.builds(str.__add__, st.sampled_from(["/", "", "file:///", "s3://b/", "gs://b/"]), _paths)


def _spelled(uri: str) -> str:
    """Return what two spellings of one path have in common; those of a bucket are two."""
    path = uri.removeprefix("file://")
    if "://" in path:
        return path
    found: list[str] = []
    for part in path.split("/"):
        if part == ".." and found and found[-1] != "..":
            found.pop()
        elif (part == ".." and not path.startswith("/")) or part not in ("", ".", ".."):
            found.append(part)
    return ("/" if path.startswith("/") else "") + "/".join(found)


@given(
    st.lists(_uris, max_size=12),
    st.sampled_from([None, Path("/"), Path("/a"), Path("/a/b")]),
    st.lists(_paths, max_size=3),
)
@example(["/x.jpg", "/a/x.jpg", "s3://a/x.jpg"], None, [])
@example(["/a/1.jpg", "/b/1.jpg", "/1.jpg"], Path("/a"), ["1.jpg"])
@example(["/a", "//a", "///a"], None, ["a/a", "../a"])
@example(["s3://b/a.jpg", "s3://b/./a.jpg", "s3:///b/a.jpg"], None, [])
def test_distinct_pictures_have_distinct_names(
    uris: list[str], folder: Path | None, taken: list[str]
) -> None:
    """Also from those that came in; and no name leads anywhere, or says what a reader drops."""
    found = _names(uris, folder=folder, taken=tuple(taken))
    by_picture: dict[str, set[str]] = {}
    for uri, name in zip(uris, found, strict=True):
        path = _spelled(uri)
        by_picture.setdefault(path if path.startswith("/") else f"./{path}", set()).add(name)
        parts = name.split("/")
        assert not {"", ".", ".."}.intersection(parts)
    assert all(len(names) == 1 for names in by_picture.values())
    assert len(set(found)) == len(by_picture)
    for name in taken:
        if _spelled(f"/given/{name}") not in by_picture:
            assert _spelled(f"/{name}")[1:] not in found


@pytest.mark.parametrize(
    ("uris", "folder", "taken", "names"),
    [
        (_CAMERAS, None, (), ["cam0/0001.jpg", "cam1/0001.jpg", "0002.jpg"]),
        (_CAMERAS, "/rig", (), ["cam0/0001.jpg", "cam1/0001.jpg", "cam1/0002.jpg"]),
        (_CAMERAS, None, ("cam1/0001.jpg", "0002.jpg"),
         ["cam0/0001.jpg", "rig/cam1/0001.jpg", "cam1/0002.jpg"]),
        (("/a/x/1.jpg", "/b/x/1.jpg"), None, (), ["a/x/1.jpg", "b/x/1.jpg"]),
        (("/a/1.jpg", "/b/1.jpg"), "/a", (), ["1.jpg", "b/1.jpg"]),
        (("s3://b/1.jpg", "gs://b/1.jpg"), None, (), ["s3/b/1.jpg", "gs/b/1.jpg"]),
        (("/a/1.jpg", "file:///a/./1.jpg"), None, (), ["1.jpg", "1.jpg"]),
        (("s3://b/.", "/"), None, (), ["b", "picture"]),
    ],
)  # fmt: skip
def test_a_name_is_no_longer_than_it_has_to_be(
    uris: tuple[str, ...], folder: str | None, taken: tuple[str, ...], names: list[str]
) -> None:
    """Folders tell pictures apart; who came in, or lies in the folder named, is not renamed."""
    assert _names(list(uris), folder=None if folder is None else Path(folder), taken=taken) == names


def test_names_do_not_depend_on_the_order_of_frames() -> None:
    """Two exports of one version are one file, whatever was added first."""
    uris = [*_CAMERAS, "/other/cam0/0001.jpg", "s3://cam0/0001.jpg"]
    there, back = _names(uris), _names(uris[::-1])
    assert there == back[::-1]


def _two_cameras(version: VocVersion | PanopticVersion, **more: object) -> None:
    for number, uri in enumerate(_CAMERAS):
        version.put(_frame(f"f{number}", uri, **more))


def test_two_cameras_are_two_pictures_in_coco_and_read_back_as_two(tmp_path: Path) -> None:
    """Boxes of one must not land on the other."""
    version, again = PanopticVersion(), PanopticVersion()
    _two_cameras(version)
    found, report = version.write(tmp_path / "out.json")
    names = [mapping(image)["file_name"] for image in sequence(found["images"])]
    assert names == ["cam0/0001.jpg", "cam1/0001.jpg", "0002.jpg"]
    assert (
        report.notes["picture whose name another would have too, named with folders above it"].count
        == 2
    )
    again.read(tmp_path / "out.json")
    assert [len(sequence(frame["rois"])) for frame in again.frames.values()] == [1, 1, 1]


def test_what_came_in_keeps_its_name_beside_what_was_made_by_hand(tmp_path: Path) -> None:
    """Also where the frame made by hand comes first."""
    data: Wire = {"images": [{"id": 7, "file_name": "0001.jpg"}], "annotations": []}
    (tmp_path / "in.json").write_text(json.dumps(data))
    version = PanopticVersion()
    version.read(tmp_path / "in.json", images=tmp_path / "pictures")
    version.put(_frame("0", "/rig/cam0/0001.jpg"))
    report = coco.write(version.sorted(), version.meta, tmp_path / "out.json")
    images = json.loads((tmp_path / "out.json").read_text())["images"]
    assert [(image["id"], image["file_name"]) for image in images] == [
        (7, "0001.jpg"), (8, "cam0/0001.jpg")]  # fmt: skip
    assert report.counts["images"] == 2


def test_two_cameras_are_two_pictures_in_panoptic_coco(tmp_path: Path) -> None:
    """What was written is read again, each segment on its own picture."""
    version, again = PanopticVersion(), PanopticVersion()
    _two_cameras(version)
    version.write_panoptic(tmp_path / "out.json")
    again.read_panoptic(tmp_path / "out.json")
    assert [len(sequence(frame["rois"])) for frame in again.frames.values()] == [1, 1, 1]


def test_two_cameras_are_two_pictures_in_voc_with_lists_and_masks(tmp_path: Path) -> None:
    """Lists and masks name them by the path of the XML, and all are read back from there."""
    version, again = VocVersion(), VocVersion()
    Image.new("P", (8, 8), 1).save(tmp_path / "m.png")
    _two_cameras(version)
    for frame in version.frames.values():
        mapping(sequence(frame["sources"])[0])["masks"] = [
            {"id": "SegmentationClass", "uri": str(tmp_path / "m.png")}
        ]
    version.write_voc(tmp_path / "out")
    wanted = {"cam0/0001", "cam1/0001", "0002"}
    annotations = tmp_path / "out" / "Annotations"
    assert {str(one.relative_to(annotations))[:-4] for one in annotations.rglob("*.xml")} == wanted
    for name in wanted:
        root = ElementTree.parse(annotations / f"{name}.xml").getroot()
        assert (root.findtext("filename"), root.findtext("segmented")) == (f"{name}.jpg", "1")
        assert (tmp_path / "out" / "SegmentationClass" / f"{name}.png").is_file()
    listed = tmp_path / "out" / "ImageSets" / "Main" / "all.txt"
    assert set(listed.read_text().split()) == wanted
    report = again.read_voc(tmp_path / "out")
    assert report.counts == {"images": 3, "objects": 3, "masks": 3}
    assert report.notes == {}
    again.write_voc(tmp_path / "twice")
    for place in (path for path in (tmp_path / "out").rglob("*") if path.is_file()):
        found = tmp_path / "twice" / place.relative_to(tmp_path / "out")
        assert sorted(found.read_bytes().split()) == sorted(place.read_bytes().split())


@pytest.mark.parametrize("uri", ["s3://b/.", "/", "s3://b/..", "http://host"])
def test_a_picture_without_a_name_of_its_own_gets_one(tmp_path: Path, uri: str) -> None:
    """A URI is only a pointer: one odd frame must not stop an export."""
    version = VocVersion()
    version.put(_frame("f", uri))
    version.write_voc(tmp_path / "out")
    (file,) = (tmp_path / "out" / "Annotations").iterdir()
    assert ElementTree.parse(file).getroot().findtext("filename") == file.stem
    coco.write(version.sorted(), {}, tmp_path / "out.json")
    (image,) = json.loads((tmp_path / "out.json").read_text())["images"]
    assert image["file_name"] == file.stem


def test_a_kept_file_is_named_by_where_it_was_kept_from() -> None:
    """Nobody knows a picture by the hash of its bytes; equal files stay two pictures."""
    one, two = "ab" * 32, "cd" * 32
    kept = [
        (one, "root:/cam0/1.jpg", "cam0/1.jpg"),
        (one, "root:/cam1/1.jpg", "cam1/1.jpg"),
        (two, "root:disk/2.jpg", "2.jpg"),
        (two, "s3://bucket/3.jpg", "3.jpg"),
        (one, "a walk", f"{one}"),
        (two, None, f"{two}"),
    ]
    with NewPictures.open(None) as new:
        for number, (digits, context, _) in enumerate(kept):
            new.put(_frame(str(number), f"media:{digits}", context_id=context))
        assert [picture.name for picture in new.named()] == [name for _, _, name in kept]
