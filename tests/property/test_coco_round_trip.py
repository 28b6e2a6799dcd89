"""Laws of COCO in and out, over files with every oddity that a reader accepts."""

import tempfile
from pathlib import Path

from hypothesis import given

from hyperstore.formats.combine import Wire
from tests.support.coco import DictVersion, coco_files, put, value_of


@given(coco_files())
def test_an_export_equals_what_was_imported(data: Wire) -> None:
    """Whatever stands in a file that is read comes back, with the types of its numbers."""
    with tempfile.TemporaryDirectory() as name:
        folder, version = Path(name), DictVersion()
        version.read(put(folder / "in" / "a.json", data))
        found, _ = version.write(folder / "out.json")
    assert value_of(found) == value_of(data)


@given(coco_files(), coco_files())
def test_each_of_two_files_comes_back_from_one_version(one: Wire, two: Wire) -> None:
    """Files about the same pictures share frames, and stay apart."""
    with tempfile.TemporaryDirectory() as name:
        folder, version = Path(name), DictVersion()
        version.read(put(folder / "in" / "a.json", one), put(folder / "in" / "b.json", two))
        first, _ = version.write(folder / "out.json", of="in/a.json")
        second, _ = version.write(folder / "out.json", of="in/b.json")
    assert (value_of(first), value_of(second)) == (value_of(one), value_of(two))


@given(coco_files(), coco_files())
def test_importing_again_changes_nothing(one: Wire, two: Wire) -> None:
    """A registration script may run twice: frames, ids and order stay."""
    with tempfile.TemporaryDirectory() as name:
        folder, version = Path(name), DictVersion()
        files = put(folder / "in" / "a.json", one), put(folder / "in" / "b.json", two)
        version.read(*files)
        before = dict(version.frames), version.meta
        version.read(files[0])
        version.read(files[1])
        version.read(*files)
    assert (version.frames, version.meta) == before


@given(coco_files(), coco_files())
def test_one_call_and_two_make_the_same_frames(one: Wire, two: Wire) -> None:
    """What a version holds does not hang on how the files were handed over, or in what order."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = put(folder / "in" / "a.json", one), put(folder / "in" / "b.json", two)
        versions = [DictVersion() for _ in range(3)]
        versions[0].read(*files)
        versions[1].read(files[0])
        versions[1].read(files[1])
        versions[2].read(files[1])
        versions[2].read(files[0])
    bare = [_without_ids(version) for version in versions]
    assert bare[0] == bare[1] == bare[2]


def _without_ids(version: DictVersion) -> list[object]:
    """The stand-in numbers ROIs as they come; the frames layer derives ids from their content."""
    found: list[object] = []
    for frame in version.sorted():
        rois = frame.get("rois", [])
        assert isinstance(rois, list)
        found.append(frame | {"rois": [{**roi, "id": ""} for roi in rois]})
    return found
