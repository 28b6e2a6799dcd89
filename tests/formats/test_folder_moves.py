"""Files that moved keep their frames; where nobody can know, nobody guesses."""

import hashlib
from pathlib import Path

from hyperstore import BoundingBox2D
from tests.support.folders import Pictures
from tests.support.pictures import draw


def label(pictures: Pictures, *names: str) -> None:
    """Draw in the frame of each file a box with the name of the file."""
    for name in names:
        frame = pictures.at(name)
        frame.annotations.append(BoundingBox2D([1, 1, 2, 2], labels=[name]))
        pictures.draft.update_frames([frame])


def labels(pictures: Pictures) -> dict[str, list[str]]:
    """Return the labels of each frame by the path of its file."""
    start = str(pictures.folder) + "/"
    return {
        str(one.source).removeprefix(start): [
            word for roi in one.annotations for word in roi.labels
        ]
        for one in pictures.frames()
    }


def test_a_renamed_file_keeps_its_frame(pictures: Pictures) -> None:
    """The id and what was drawn stay, the URI follows."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    label(pictures, "a.png")
    before = pictures.at("a.png").id
    (pictures.folder / "deep").mkdir()
    (pictures.folder / "a.png").rename(pictures.folder / "deep" / "c.png")
    report = pictures.add()
    assert (report.moved, report.added, report.gone, report.unchanged) == (1, 0, [], 1)
    assert pictures.at("deep/c.png").id == before
    assert labels(pictures) == {"deep/c.png": ["a.png"], "b.png": []}
    assert (pictures.add().unchanged, pictures.add().read) == (2, 0)


def test_a_renamed_folder_keeps_all_its_frames(pictures: Pictures, tmp_path: Path) -> None:
    """As frames of ten thousand files do; twins among them keep theirs by their names."""
    for seed in range(40):
        pictures.draw(f"{seed % 4}/{seed}.png", seed // 2)
    pictures.add()
    before = pictures.names()
    pictures.folder.rename(tmp_path / "renamed")
    report = pictures.add(tmp_path / "renamed")
    assert (report.moved, report.added, report.gone) == (40, 0, [])
    pictures.folder = tmp_path / "renamed"
    assert pictures.names() == before


def test_a_folder_inside_is_renamed(pictures: Pictures) -> None:
    """Ids follow from paths only once: the frames go with their files."""
    for seed in range(10):
        pictures.draw(f"old/{seed}.png", seed)
    pictures.add()
    before = {name.removeprefix("old/"): one for name, one in pictures.names().items()}
    (pictures.folder / "old").rename(pictures.folder / "new")
    assert pictures.add().moved == 10
    assert {name.removeprefix("new/"): one for name, one in pictures.names().items()} == before


def test_files_that_change_places_take_their_labels_along(pictures: Pictures) -> None:
    """What is drawn belongs to the picture, not to the name."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    label(pictures, "a.png", "b.png")
    (pictures.folder / "a.png").rename(pictures.folder / "x")
    (pictures.folder / "b.png").rename(pictures.folder / "a.png")
    (pictures.folder / "x").rename(pictures.folder / "b.png")
    assert pictures.add().moved == 2
    assert labels(pictures) == {"a.png": ["b.png"], "b.png": ["a.png"]}


def test_a_new_file_under_the_name_of_one_that_moved_is_a_new_frame(pictures: Pictures) -> None:
    """Its id is taken, so it gets another, which stays as well."""
    pictures.draw("a.png", 1)
    pictures.add()
    label(pictures, "a.png")
    (pictures.folder / "a.png").rename(pictures.folder / "b.png")
    pictures.draw("a.png", 2)
    report = pictures.add()
    assert (report.moved, report.added) == (1, 1)
    assert labels(pictures) == {"b.png": ["a.png"], "a.png": []}
    names = pictures.names()
    assert pictures.add(verify=True).unchanged == 2
    assert pictures.names() == names


def test_twins_are_told_apart_by_their_names(pictures: Pictures) -> None:
    """Two files of one content move: each is known by its own name."""
    pictures.draw("old/a.png", 1)
    pictures.draw("old/b.png", 1)
    pictures.add()
    label(pictures, "old/a.png", "old/b.png")
    (pictures.folder / "old").rename(pictures.folder / "new")
    assert pictures.add().moved == 2
    assert labels(pictures) == {"new/a.png": ["old/a.png"], "new/b.png": ["old/b.png"]}


def test_where_names_do_not_tell_twins_apart_nobody_guesses(pictures: Pictures) -> None:
    """A label on the wrong picture is worse than one to be drawn again; nothing is deleted."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 1)
    pictures.add()
    label(pictures, "a.png", "b.png")
    (pictures.folder / "a.png").rename(pictures.folder / "c.png")
    (pictures.folder / "b.png").rename(pictures.folder / "d.png")
    report = pictures.add()
    assert (report.moved, report.added, report.gone) == (0, 2, [])
    assert sorted(report.unsure) == [("a.png", "c.png"), ("b.png", "c.png")]
    assert pictures.add(prune=True).pruned == 0
    assert labels(pictures) == {"a.png": ["a.png"], "b.png": ["b.png"], "c.png": [], "d.png": []}


def test_a_copy_does_not_take_the_frame_of_the_original(pictures: Pictures) -> None:
    """The original is still there, so nothing has moved."""
    pictures.draw("a.png", 1)
    pictures.add()
    label(pictures, "a.png")
    pictures.draw("b.png", 1)
    report = pictures.add()
    assert (report.moved, report.added) == (0, 1)
    assert labels(pictures) == {"a.png": ["a.png"], "b.png": []}


def test_a_second_frame_of_one_picture_stays_where_it_is(pictures: Pictures) -> None:
    """Who registers a picture twice means both; a copy of it is neither."""
    path = pictures.draw("a.png", 1)
    pictures.add()
    wire = pictures.at("a.png").to_dict()
    pictures.draft.add_frames([{**wire, "id": "second"}])
    pictures.draw("b.png", 1)
    report = pictures.add()
    assert (report.moved, report.added) == (0, 1)
    assert pictures.by_id("second").source == str(path)


def test_a_move_over_the_border_of_the_folder_named_is_seen(
    pictures: Pictures, tmp_path: Path
) -> None:
    """From one registered folder to another, as people sort pictures."""
    pictures.draw("a.png", 1)
    draw(tmp_path / "sorted" / "z.png", 9)
    pictures.add()
    before = pictures.names()["a.png"]
    (pictures.folder / "a.png").rename(tmp_path / "sorted" / "b.png")
    assert pictures.add(tmp_path / "sorted").moved == 1
    assert pictures.by_id(before).source == str(tmp_path / "sorted" / "b.png")


def test_an_uploaded_frame_stays_where_it_was_uploaded_to(pictures: Pictures) -> None:
    """Known by its content; a file of another content is another frame, whatever its name."""
    path = pictures.draw("a.png", 1)
    pictures.add()
    frame = pictures.at("a.png")
    pictures.draft.move_sources(pictures.folder, "s3://bucket")
    assert pictures.add().unchanged == 1
    assert pictures.by_id(frame.id).source == "s3://bucket/a.png"
    path.rename(pictures.folder / "b.png")
    assert pictures.add().unchanged == 1, "known by its content"
    (pictures.folder / "b.png").rename(path)
    pictures.draw("a.png", 2)
    assert pictures.add().added == 1
    assert pictures.by_id(frame.id).source == "s3://bucket/a.png"
    assert pictures.at("a.png").id != frame.id


def test_frames_that_were_imported_get_their_facts(pictures: Pictures) -> None:
    """COCO names the same pictures by the same ids; what it drew stays."""
    path = pictures.draw("a.png", 1)
    pictures.add()
    bare = pictures.at("a.png").to_dict()
    bare["sources"] = [{"id": "default", "uri": str(path)}]
    bare["rois"] = [{"label": ["cat"], "poly": [1, 1, 2, 2]}]
    pictures.draft.add_frames([bare])
    assert pictures.add().changed == 1
    frame = pictures.at("a.png")
    assert frame.hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert [one.labels for one in frame.annotations] == [["cat"]]
