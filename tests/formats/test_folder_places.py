"""Whose labels a picture gets: by content and place, never by a name alone."""

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import BoundingBox2D, ConflictError, FormatError
from hyperstore.formats.folderfacts import Reading
from hyperstore.formats.folderindex import Index
from tests.support.folders import Pictures
from tests.support.pictures import draw


def label(pictures: Pictures) -> None:
    """Draw in each frame a box that names its picture by the hash."""
    for frame in pictures.frames():
        frame.annotations.append(BoundingBox2D([1, 1, 2, 2], labels=[str(frame.hash)]))
        pictures.draft.update_frames([frame])


def labels(pictures: Pictures) -> list[tuple[str, list[str]]]:
    """Return of each frame the hash of its picture, and its labels."""
    return sorted(
        (str(one.hash), [word for roi in one.annotations for word in roi.labels])
        for one in pictures.frames()
    )


def meanwhile(act: Callable[[], None]) -> Callable[[Iterable[Reading]], Iterator[Reading]]:
    """Return what lets another thread act once the files were read."""

    def meddling(readings: Iterable[Reading]) -> Iterator[Reading]:
        yield from readings
        thread = threading.Thread(target=act)
        thread.start()
        thread.join()

    return meddling


@pytest.mark.parametrize("keeps", [False, True])
def test_another_folder_of_the_same_names_is_other_frames(
    pictures: Pictures, tmp_path: Path, keeps: bool
) -> None:
    """Whether the first is still there or not: nobody wants the labels of day one on day two."""
    for seed in (1, 2):
        draw(tmp_path / "day1" / f"{seed}.png", seed)
        draw(tmp_path / "day2" / f"{seed}.png", 10 + seed)
        draw(tmp_path / "day3" / f"{seed}.png", 20 + seed)
    pictures.add(tmp_path / "day1", copy_media=keeps)
    label(pictures)
    before = labels(pictures)
    assert pictures.add(tmp_path / "day2", copy_media=keeps).added == 2
    (tmp_path / "day1").rename(tmp_path / "away")
    report = pictures.add(tmp_path / "day3", copy_media=keeps)
    assert (report.added, report.moved) == (2, 0)
    after = labels(pictures)
    assert len(after) == 6
    assert [one for one in after if one[1]] == before


def test_a_folder_whose_root_is_not_set_here_is_not_gone(tmp_path: Path) -> None:
    """It may lie on another machine: its frames stay where they are."""
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        pictures = Pictures(store.create_dataset("cells").version(), tmp_path / "pics")
        store.set_config("roots.data", str(tmp_path / "data"))
    draw(tmp_path / "data" / "a.png", 1)
    draw(tmp_path / "other" / "a.png", 2)
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        pictures.draft = store.dataset("cells").version("Current")
        pictures.add(tmp_path / "data")
        label(pictures)
        store.set_config("roots.data", None)
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        pictures.draft = store.dataset("cells").version("Current")
        assert pictures.add(tmp_path / "other").added == 1
        uris = {one.source: len(one.annotations) for one in pictures.frames()}
        assert uris == {"root:data/a.png": 1, str(tmp_path / "other/a.png"): 0}


def test_after_an_upload_to_a_folder_the_first_one_can_be_added(
    pictures: Pictures, tmp_path: Path
) -> None:
    """What was uploaded keeps its labels, and an edited original is a picture of its own."""
    pictures.draw("a.png", 1)
    pictures.add()
    label(pictures)
    pictures.draft.add_frames(
        list(pictures.draft),
        auto_upload_destination=str(tmp_path / "nas"),
        local_dataset_root_path=str(pictures.folder),
    )
    assert [name for name, _ in pictures.add().copies] == ["a.png"]
    before = labels(pictures)
    pictures.draw("a.png", 5)
    assert pictures.add().added == 1
    assert [one for one in labels(pictures) if one[1]] == before


def test_a_name_whose_content_nobody_recorded_is_refused(pictures: Pictures) -> None:
    """It may be the picture or not; the message says how to know."""
    pictures.draw("a.png", 1)
    pictures.add()
    wire = pictures.at("a.png").to_dict()
    wire["sources"] = [{"id": "default", "uri": "s3://bucket/a.png"}]
    pictures.draft.add_frames([wire])
    with pytest.raises(FormatError, match="of which no hash is recorded"):
        pictures.add()


def test_a_frame_whose_file_was_overwritten_never_comes_back_on_another(
    pictures: Pictures,
) -> None:
    """Two frames had the place, so that an edit there is neither; both are listed."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    label(pictures)
    (pictures.folder / "b.png").rename(pictures.folder / "a.png")
    report = pictures.add()
    assert (report.moved, report.gone) == (1, ["a.png"])
    before = labels(pictures)
    pictures.draw("a.png", 3)
    report = pictures.add()
    assert (report.added, report.changed, report.gone) == (1, 0, ["a.png"])
    assert [one for one in labels(pictures) if one[1]] == before


def test_content_in_two_places_is_no_edit_of_a_third(pictures: Pictures) -> None:
    """A picture is copied and renamed, and another one takes its name: no label crosses."""
    path = pictures.draw("a.png", 1)
    pictures.add()
    label(pictures)
    before = labels(pictures)
    (pictures.folder / "x1.png").write_bytes(path.read_bytes())
    path.rename(pictures.folder / "x2.png")
    pictures.draw("a.png", 7)
    report = pictures.add(prune=True)
    assert (report.added, report.pruned, report.unsure) == (3, 0, [("a.png", "x1.png")])
    assert [one for one in labels(pictures) if one[1]] == before


def test_pictures_named_one_by_one_are_not_taken_for_edited(pictures: Pictures) -> None:
    """Where the old content went only the whole folder tells."""
    path = pictures.draw("a.png", 1)
    pictures.add()
    label(pictures)
    before = labels(pictures)
    path.rename(pictures.folder / "b.png")
    pictures.draw("a.png", 2)
    with pytest.raises(FormatError, match="add its whole folder"):
        pictures.add(only=["a.png"])
    pictures.add()
    assert [one for one in labels(pictures) if one[1]] == before


def test_files_that_change_places_while_they_are_read_are_told(pictures: Pictures) -> None:
    """One is read before and the other after: it looks like an edit, and is none."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    before = pictures.draft.content_id

    def swap(readings: Iterable[Reading]) -> Iterator[Reading]:
        for reading in readings:
            if reading.found.path == "b.png":
                # As if it had been read in the moment after.
                (first,) = (one.facts for one in held if one.found.path == "a.png")
                for old, new in (("a.png", "x"), ("b.png", "a.png"), ("x", "b.png")):
                    (pictures.folder / old).rename(pictures.folder / new)
                reading = reading._replace(facts=first)
            held.append(reading)
            yield reading

    held: list[Reading] = []
    with pytest.raises(FormatError, match=r"'b\.png' changed while the folder was read"):
        pictures.add(progress=swap, verify=True)
    assert pictures.draft.content_id == before
    assert pictures.add().moved == 2


def test_a_frame_that_somebody_else_made_meanwhile_is_not_overwritten(pictures: Pictures) -> None:
    """Two people add one new folder, and the faster one labels it."""
    pictures.draw("a.png", 1)

    def other() -> None:
        pictures.add()
        label(pictures)

    with pytest.raises(ConflictError):
        pictures.add(progress=meanwhile(other))
    ((digest, found),) = labels(pictures)
    assert found == [digest]
    assert pictures.add().unchanged == 1


def test_a_frame_that_somebody_else_changed_meanwhile_is_not_pruned(pictures: Pictures) -> None:
    """Who labels it wants it."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    (pictures.folder / "a.png").unlink()
    with pytest.raises(ConflictError):
        pictures.add(prune=True, progress=meanwhile(lambda: label(pictures)))
    assert [found for _, found in labels(pictures)] == [[one] for one, _ in labels(pictures)]
    assert pictures.add(prune=True).pruned == 1


def test_prune_spares_what_is_refused_under_another_name(pictures: Pictures) -> None:
    """A picture is renamed, and its mask does not fit: its labels are not lost for that."""
    for name, seed in (("a.png", 1), ("a_m.png", 2), ("z.png", 3), ("z_m.png", 4)):
        pictures.draw(name, seed)
    pictures.add(masks="{stem}_{mask}.png")
    (pictures.folder / "a.png").rename(pictures.folder / "b.png")
    (pictures.folder / "a_m.png").unlink()
    pictures.draw("b_m.png", 5, (1, 1))
    report = pictures.add(masks="{stem}_{mask}.png", prune=True, skip_invalid=True)
    assert (report.pruned, report.unsure) == (0, [("a.png", "b.png")])
    assert len(pictures.draft) == 2


def test_prune_spares_what_may_be_there(pictures: Pictures, tmp_path: Path) -> None:
    """A file that is no picture of the pattern, or lies elsewhere, is not gone."""
    pictures.draw("left/a.png", 1)
    pictures.draw("right/a.png", 2)
    pictures.add()
    report = pictures.add(images="left/{path}.png", prune=True)
    assert (report.pruned, report.gone, len(pictures.draft)) == (0, [], 2)


def test_a_kept_file_that_was_lost_is_kept_again(pictures: Pictures, tmp_path: Path) -> None:
    """As the message about it says; masks too."""
    pictures.draw("a.png", 1)
    pictures.draw("a_m.png", 2)
    options: dict[str, object] = {"masks": "{stem}_{mask}.png", "copy_media": True}
    pictures.add(**options)
    content = pictures.draft.content_id
    media = tmp_path / ".hyperstore" / "media"
    kept = [path for path in media.rglob("*") if len(path.name) == 64]
    assert len(kept) == 2
    for path in kept:
        path.unlink()
    pictures.add(**options)
    assert all(path.exists() for path in kept)
    assert pictures.draft.content_id == content


def test_a_mask_that_was_uploaded_stays_while_its_file_is_the_same(pictures: Pictures) -> None:
    """And leads to the file again when that has other content."""
    pictures.draw("a.png", 1)
    pictures.draw("a_m.png", 2)
    pictures.add(masks="{stem}_{mask}.png")
    pictures.draft.move_sources(pictures.folder / "a_m.png", "s3://bucket/a_m.png")
    pictures.add(masks="{stem}_{mask}.png", verify=True)
    assert pictures.at("a.png").masks_source == {"m": "s3://bucket/a_m.png"}
    pictures.draw("a_m.png", 3)
    pictures.add(masks="{stem}_{mask}.png")
    assert pictures.at("a.png").masks_source == {"m": str(pictures.folder / "a_m.png")}


def test_a_store_that_was_moved_from_its_pictures_finds_them(tmp_path: Path) -> None:
    """Its roots are others then, so that what was settled is not."""
    draw(tmp_path / "pics" / "a.png", 1)
    os.utime(tmp_path / "pics" / "a.png", (1, 1))
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        pictures = Pictures(store.create_dataset("cells").version(), tmp_path / "pics")
        pictures.add()
        assert (pictures.add().read, pictures.add().unchanged) == (0, 1)
    (tmp_path / "far").mkdir()
    (tmp_path / ".hyperstore").rename(tmp_path / "far" / ".hyperstore")
    with hyperstore.open(tmp_path / "far" / ".hyperstore") as store:
        pictures.draft = store.dataset("cells").version("Current")
        assert pictures.add().moved == 1
        assert pictures.at("a.png").source == str(tmp_path / "pics/a.png")


def test_the_index_of_another_folder_is_not_believed(pictures: Pictures, tmp_path: Path) -> None:
    """Whoever copies the files of a cache about gets no facts of other pictures."""
    path = pictures.draw("a.png", 1)
    os.utime(path, (1, 1))
    pictures.add()
    other = tmp_path / "other"
    other.mkdir()
    cache = tmp_path / ".hyperstore" / "cache"
    (mine,) = (cache / "folders").iterdir()
    known = Index(cache, pictures.folder)
    assert list(known.rows) == ["a.png"]
    strange = Index(cache, other)
    strange.save(only=None)
    (name,) = set((cache / "folders").iterdir()) - {mine}
    name.write_bytes(mine.read_bytes())
    found = Index(cache, other)
    assert (found.rows, found.settled()) == ({}, None)


def test_a_fault_is_not_remembered(pictures: Pictures) -> None:
    """Rights are given back, and programs installed, without a change of the file."""
    pictures.draw("a.png", 1)
    bad = pictures.write("bad.png", "no picture")
    for path in (bad, pictures.folder / "a.png"):
        os.utime(path, (1, 1))
    assert (pictures.add().read, pictures.add().read) == (2, 1)


def test_a_file_that_another_program_names_otherwise_is_known(pictures: Pictures) -> None:
    """`file:` URIs have several spellings of one path."""
    path = pictures.draw("a b.png", 1)
    quoted = str(path).replace(" ", "%20")
    for uri in (f"file://{quoted}", f"FILE://{path}", f"file://localhost{path}"):
        wire = {"id": "x", "sources": [{"id": "default", "uri": uri}]}
        pictures.draft.add_frames([wire])
        report = pictures.add()
        assert (report.added, report.changed) == (0, 1)
        assert len(pictures.draft) == 1
        pictures.draft.delete_frames(["x"])


def test_a_side_file_is_merged_from_what_the_frame_remembers(pictures: Pictures) -> None:
    """Pictures change places and their side files do not: each gets what its file says."""
    said = {"a": "car", "b": "bus"}
    for seed, (name, word) in enumerate(said.items()):
        pictures.draw(f"{name}.png", seed)
        pictures.write(f"{name}.json", json.dumps({"labels": [word], "metadata": {"k": word}}))
    pictures.add(side="{stem}.json")
    folder = pictures.folder
    for old, new in (("a.png", "x"), ("b.png", "a.png"), ("x", "b.png")):
        (folder / old).rename(folder / new)
    assert pictures.add(side="{stem}.json").moved == 2
    for name, word in said.items():
        frame = pictures.at(f"{name}.png")
        assert [one.labels for one in frame.annotations] == [[word]]
        assert frame.metadata == {"k": word}


def test_what_a_side_file_says_of_context_and_time_follows_it(pictures: Pictures) -> None:
    """As all else does: what changed in the file comes, what somebody changed here stays."""
    pictures.draw("a.png", 1)
    for context, time in (("one", 5), ("two", 9)):
        pictures.write("a.json", json.dumps({"context_id": context, "timestamp": time}))
        pictures.add(side="{stem}.json")
        frame = pictures.at("a.png")
        assert (frame.context_id, frame.timestamp) == (context, time)
    frame.context_id = "mine"
    pictures.draft.update_frames([frame])
    pictures.write("a.json", json.dumps({"context_id": "three", "timestamp": 10}))
    pictures.add(side="{stem}.json")
    frame = pictures.at("a.png")
    assert (frame.context_id, frame.timestamp) == ("mine", 10)


def test_a_side_file_that_becomes_a_pipe_or_vanishes_is_one_error(pictures: Pictures) -> None:
    """Nobody writes to the pipe, so that who opened it as a file would wait for ever."""
    pictures.draw("a.png", 1)
    path = pictures.write("a.json", "{}")

    def piped() -> None:
        path.unlink()
        os.mkfifo(path)

    with pytest.raises(FormatError, match=r"a\.json is no regular file"):
        pictures.add(side="{stem}.json", progress=meanwhile(piped))
    path.unlink()
    pictures.draw("b.png", 2)
    pictures.write("a.json", "{}")
    report = pictures.add(side="{stem}.json", progress=meanwhile(path.unlink), skip_invalid=True)
    assert ([name for name, _ in report.refused], report.added) == (["a.png"], 1)


def test_a_legend_is_laid_beside_what_is_said(pictures: Pictures, tmp_path: Path) -> None:
    """Two folders have two legends; where they clash nobody guesses."""
    pictures.draw("a.png", 1)
    pictures.draw("a_m.png", 2)
    pictures.draft.set_masks_labels({(1, 2, 3): ["hand"]})
    legend = tmp_path / "legend.json"
    legend.write_text('{"9,9,9": "x"}')
    pictures.add(masks="{stem}_{mask}.png", legend=legend)
    wanted = {(1, 2, 3): ("hand",), (9, 9, 9): ("x",)}
    assert pictures.draft.get_masks_labels() == wanted
    legend.write_text('{"9,9,9": "y"}')
    with pytest.raises(FormatError, match=r"\(9, 9, 9\) means \['y'\]"):
        pictures.add(masks="{stem}_{mask}.png", legend=legend)
    assert pictures.draft.get_masks_labels() == wanted


GROUPS = {"group": "{camera}/{group}_{any}.png"}


def test_a_member_of_a_group_that_is_gone_is_listed_and_pruned(pictures: Pictures) -> None:
    """With the boxes that are its alone; the group stays."""
    for camera, seed in (("l", 1), ("r", 2)):
        pictures.draw(f"{camera}/0_x.png", seed)
    pictures.add(**GROUPS)
    (group,) = pictures.groups()
    for camera in ("l", "r"):
        group[camera].annotations.append(BoundingBox2D([1, 1, 2, 2], labels=[camera]))
    pictures.draft.update_frames([group])
    (pictures.folder / "r" / "0_x.png").unlink()
    assert pictures.add(**GROUPS).gone == ["r/0_x.png"]
    assert sorted(pictures.groups()[0]) == ["l", "r"]
    assert pictures.add(**GROUPS, prune=True).gone == []
    (group,) = pictures.groups()
    assert sorted(group) == ["l"]
    assert [one.labels for one in group["l"].annotations] == [["l"]]


def test_a_group_follows_a_member_that_was_renamed(pictures: Pictures) -> None:
    """Where the other one was edited at the same time."""
    for camera, seed in (("l", 1), ("r", 2)):
        pictures.draw(f"{camera}/0_x.png", seed)
    pictures.add(**GROUPS)
    before = [one.id for one in pictures.groups()]
    (pictures.folder / "r" / "0_x.png").rename(pictures.folder / "r" / "0_y.png")
    pictures.draw("l/0_x.png", 3)
    assert pictures.add(**GROUPS).changed == 1
    (group,) = pictures.groups()
    assert [group.id] == before
    assert group["r"].source == str(pictures.folder / "r" / "0_y.png")


def test_members_that_change_groups_do_not_take_labels_along(pictures: Pictures) -> None:
    """Labels of a camera are of its picture: a mixed group is a new one."""
    for camera, seed in (("l", 1), ("r", 5)):
        for group in (0, 1):
            pictures.draw(f"{camera}/{group}_x.png", seed + group)
    pictures.add(**GROUPS)
    before = sorted(one.id for one in pictures.groups())
    folder = pictures.folder / "r"
    for old, new in (("0_x.png", "x"), ("1_x.png", "0_x.png"), ("x", "1_x.png")):
        (folder / old).rename(folder / new)
    report = pictures.add(**GROUPS)
    assert (report.added, report.changed, len(report.unsure)) == (2, 0, 2)
    assert set(before) < {one.id for one in pictures.groups()}


def test_a_group_follows_a_member_that_alone_was_renamed(pictures: Pictures) -> None:
    """All of its content is there, and one file has another name."""
    for camera, seed in (("l", 1), ("r", 2)):
        pictures.draw(f"{camera}/0_x.png", seed)
    pictures.add(**GROUPS)
    (pictures.folder / "r" / "0_x.png").rename(pictures.folder / "r" / "0_y.png")
    pictures.add(**GROUPS)
    (group,) = pictures.groups()
    assert group["r"].source == str(pictures.folder / "r" / "0_y.png")


def test_a_kept_file_that_is_edited_is_kept_anew(pictures: Pictures) -> None:
    """With its labels: the frame leads to the bytes that are there now."""
    pictures.draw("a.png", 1)
    pictures.add(copy_media=True)
    label(pictures)
    ((_, before),) = labels(pictures)
    path = pictures.draw("a.png", 2)
    assert pictures.add(copy_media=True).changed == 1
    (frame,) = pictures.frames()
    kept = frame.get_local_source()
    assert kept is not None
    assert Path(kept).read_bytes() == path.read_bytes()
    assert [found for _, found in labels(pictures)] == [before]


def test_a_file_that_breaks_is_refused_and_not_gone(pictures: Pictures) -> None:
    """It may be a copy under way: its frame and labels stay, with --prune too."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    pictures.write("a.png", "no picture")
    report = pictures.add(prune=True)
    assert [name for name, _ in report.refused] == ["a.png"]
    assert (report.gone, report.pruned, len(pictures.draft)) == ([], 0, 2)
