"""Adding a folder, and adding it again: what is read, what is recorded, what is left alone."""

import hashlib
import os
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import hyperstore
from hyperstore import BoundingBox2D
from hyperstore.errors import ConflictError, FormatError, UsageError
from hyperstore.formats.folder import add_folder
from hyperstore.formats.folderfacts import Reading
from tests.support.folders import Pictures
from tests.support.pictures import bomb, draw, turned_to


def test_sf_24_a_picture_is_recorded_with_what_its_file_says(pictures: Pictures) -> None:
    """Size and hash are how a picture is known again, wherever it goes."""
    path = pictures.draw("deep/a.png", 7, (31, 17))
    report = pictures.add()
    assert (report.added, report.read, report.refused) == (1, 1, [])
    wire = pictures.at("deep/a.png").to_dict()
    data = path.read_bytes()
    assert wire["sources"] == [
        {
            "id": "default",
            "uri": f"file://{path}",
            "content_type": "image/png",
            "width": 31,
            "height": 17,
            "meta": {"hash": {"source": hashlib.sha256(data).hexdigest()}, "size": len(data)},
        }
    ]


def test_a_picture_that_lies_on_its_side_has_the_size_that_is_looked_at(
    pictures: Pictures,
) -> None:
    """Boxes are drawn on what people see."""
    (pictures.folder / "a.jpg").write_bytes(turned_to(6, "JPEG"))
    pictures.add()
    frame = pictures.at("a.jpg")
    assert (frame.width, frame.height) == (64, 32)


def test_two_folders_with_the_same_pictures_give_the_same_frames(tmp_path: Path) -> None:
    """Two laptops that register one folder agree on every byte, whatever their clocks say."""
    found = []
    for place, age in (("one", 10), ("other/deeper", 86_400)):
        root = tmp_path / place
        for seed in range(30):
            draw(root / f"pics/{seed % 3}/{seed}.png", seed, age_s=age)
        with hyperstore.init(root / ".hyperstore") as store:
            draft = store.create_dataset("cells").version()
            add_folder(draft, root / "pics")
            found.append(draft.content_id)
    assert found[0] == found[1]


def test_what_is_broken_is_listed_with_the_reason(pictures: Pictures, tmp_path: Path) -> None:
    """One bad file of ten thousand is no reason to stop."""
    good = pictures.draw("good.png")
    whole = draw(tmp_path / "whole.jpg", 3, (200, 200)).read_bytes()
    (pictures.folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    shades = draw(tmp_path / "whole.png", 3, (200, 200)).read_bytes()
    (pictures.folder / "cut.png").write_bytes(shades[:-30])
    (pictures.folder / "empty.png").touch()
    (pictures.folder / "words.png").write_text("no picture")
    (pictures.folder / "bomb.png").write_bytes(bomb(200_000, 200_000))
    os.mkfifo(pictures.folder / "pipe.png")
    (pictures.folder / "lost.png").symlink_to("nowhere.png")
    (pictures.folder / "round.png").symlink_to("round.png")
    (pictures.folder / "name\udcff.png").write_bytes(good.read_bytes())
    (pictures.folder / "folder.png").mkdir()
    report = pictures.add()
    reasons = dict(report.refused)
    said = {
        "cut.jpg": "broken",
        "cut.png": "broken",
        "empty.png": "is empty",
        "words.png": "no picture",
        "bomb.png": "refused",
        "pipe.png": "no regular file",
        "lost.png": "leads nowhere",
        "round.png": "cannot be read",
        "name\udcff.png": "not UTF-8",
    }
    assert reasons.keys() == said.keys()
    assert all(words in reasons[name] for name, words in said.items()), reasons
    assert list(pictures.names()) == ["good.png"]
    assert dict(pictures.add().refused).keys() == said.keys()


def test_decode_finds_what_a_header_does_not_tell(pictures: Pictures) -> None:
    """Of a file that is whole by its ends, only decoding tells that its middle is not."""
    path = pictures.draw("a.png", 3, (200, 200))
    data = bytearray(path.read_bytes())
    at = data.index(b"IDAT") + 12
    data[at : at + 8] = bytes(8)
    path.write_bytes(data)
    pictures.draw("b.png", 4)
    assert pictures.add().added == 2
    report = pictures.add(decode=True)
    assert [name for name, _ in report.refused] == ["a.png"]
    assert (report.read, report.unchanged, report.gone) == (2, 1, [])


def test_links_to_folders_are_said_and_not_followed(pictures: Pictures, tmp_path: Path) -> None:
    """A loop has no end, and a link may lead to the whole disk; a link to a picture is one."""
    path = pictures.draw("a.png")
    draw(tmp_path / "outside" / "b.png", 1)
    (pictures.folder / "loop").symlink_to(pictures.folder)
    (pictures.folder / "away").symlink_to(tmp_path / "outside")
    (pictures.folder / "link.png").symlink_to(path)
    report = pictures.add()
    assert sorted(pictures.names()) == ["a.png", "link.png"]
    assert [name for name, _ in report.passed_over] == ["away", "loop"]


def test_hidden_files_and_the_store_itself_are_no_pictures(tmp_path: Path) -> None:
    """A store may lie in the folder that it registers, thumbnails and all."""
    draw(tmp_path / "a.png")
    draw(tmp_path / ".cache" / "b.png")
    with hyperstore.init(tmp_path / "store") as store:
        draw(tmp_path / "store" / "previews" / "c.png")
        draft = store.create_dataset("cells").version()
        assert add_folder(draft, tmp_path).files == 1


def test_a_folder_without_pictures_is_an_error(pictures: Pictures) -> None:
    """Most likely another folder was meant; nothing is deleted for that, with --prune neither."""
    pictures.draw("a.png")
    pictures.add()
    (pictures.folder / "a.png").unlink()
    with pytest.raises(UsageError, match="no pictures"):
        pictures.add(prune=True)
    assert len(pictures.draft) == 1


@pytest.mark.slow
@pytest.mark.slow
def test_ten_thousand_unchanged_files_are_not_opened_again(pictures: Pictures) -> None:
    """Adding a folder again costs a look at each file; a store that is read from scratch, all."""
    for seed in range(10_000):
        pictures.draw(f"{seed % 50:02}/{seed:05}.png", seed)
    first = pictures.add()
    root = pictures.draft.content_id
    again = pictures.add()
    assert (first.read, first.added) == (10_000, 10_000)
    assert (again.read, again.unchanged, again.files) == (0, 10_000, 10_000)
    frame = pictures.at("07/00007.png")
    frame.metadata["seen"] = True
    pictures.draft.update_frames([frame])
    assert pictures.add().read == 0
    pictures.draw("07/00007.png", 999_999)
    one = pictures.add()
    assert (one.read, one.changed, one.unchanged) == (1, 1, 9_999)
    assert pictures.draft.content_id != root


def test_an_unchanged_file_is_not_read(pictures: Pictures) -> None:
    """What says that it is unchanged is path, size, time and inode."""
    path = pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    assert pictures.add().read == 0
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    os.utime(path, ns=(times[0], times[1] + 1))
    assert pictures.add().read == 1
    data = path.read_bytes()
    path.rename(path.with_suffix(".old"))
    path.write_bytes(data)
    os.utime(path, ns=(times[0], times[1] + 1))
    assert pictures.add().read == 1, "another inode"
    assert pictures.add().read == 0


def test_verify_finds_an_edit_that_hid_itself(pictures: Pictures) -> None:
    """Same size, same time, same inode: only the bytes tell."""
    path = pictures.draw("a.png", 1)
    pictures.add()
    before = path.stat()
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    with path.open("r+b") as file:
        file.write(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert pictures.add().changed == 0
    report = pictures.add(verify=True)
    assert report.read == 1
    assert report.changed + len(report.refused) == 1


def test_a_file_that_has_only_just_changed_is_read_again(pictures: Pictures) -> None:
    """It may change again within the tick of the clock, and no time would tell."""
    path = pictures.draw("a.png", 1)
    os.utime(path)
    pictures.add()
    assert pictures.add().read == 1


def test_what_is_remembered_may_be_lost_or_damaged(pictures: Pictures, tmp_path: Path) -> None:
    """The index is derived: without it all is read again, and nothing else is different."""
    for seed in range(20):
        pictures.draw(f"{seed}.png", seed)
    pictures.add()
    root = pictures.draft.content_id
    (index,) = (tmp_path / ".hyperstore" / "cache" / "folders").iterdir()
    whole = index.read_bytes()
    assert pictures.add().read == 0
    for damaged in (b"", whole[:7], whole[: len(whole) // 2], b"\xff" * len(whole)):
        index.write_bytes(damaged)
        assert pictures.add().unchanged == 20
        assert pictures.add(every_ms=5).unchanged == 20
        assert pictures.add().read == 0
    for at in range(0, len(whole), 37):
        index.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        assert pictures.add().unchanged == 20
    index.unlink()
    assert (pictures.add().read, pictures.draft.content_id) == (20, root)


def test_a_cache_that_cannot_be_written_costs_time_only(pictures: Pictures, tmp_path: Path) -> None:
    """A full disk or a folder without rights is no reason not to add."""
    pictures.draw("a.png")
    cache = tmp_path / ".hyperstore" / "cache"
    cache.mkdir(exist_ok=True)
    (cache / "folders").write_text("in the way")
    assert pictures.add().added == 1
    assert pictures.add().unchanged == 1


def test_a_changed_picture_keeps_what_people_said_of_it(pictures: Pictures) -> None:
    """Facts follow the file; labels and metadata are people's."""
    pictures.draw("a.png", 1, (6, 4))
    pictures.add()
    frame = pictures.at("a.png")
    frame.annotations.append(BoundingBox2D([1, 1, 2, 2], labels=["cat"]))
    frame.metadata["by"] = "me"
    pictures.draft.update_frames([frame])
    data = pictures.draw("a.png", 2, (8, 5)).read_bytes()
    assert pictures.add().changed == 1
    found = pictures.at("a.png")
    assert found.id == frame.id
    assert (found.width, found.height, found.size) == (8, 5, len(data))
    assert found.hash == hashlib.sha256(data).hexdigest()
    assert [one.labels for one in found.annotations] == [["cat"]]
    assert found.metadata == {"by": "me"}


def test_what_people_changed_in_a_frame_is_not_changed_back(pictures: Pictures) -> None:
    """Adding again is no reset, with what is remembered and without."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    frame = pictures.at("a.png")
    frame.width, frame.context_id = 999, "mine"
    pictures.draft.update_frames([frame])
    root = pictures.draft.content_id
    pictures.add()
    pictures.add(verify=True)
    assert pictures.draft.content_id == root


def test_a_frame_that_was_removed_comes_back_with_its_file(pictures: Pictures) -> None:
    """Adding a folder says: all of this."""
    pictures.draw("a.png", 1)
    pictures.add()
    root = pictures.draft.content_id
    pictures.draft.delete_frames([pictures.at("a.png").id])
    report = pictures.add()
    assert (report.read, report.added, pictures.draft.content_id) == (0, 1, root)


def test_frames_whose_files_are_gone_are_listed_and_pruned_on_request(pictures: Pictures) -> None:
    """A disk that is not mounted must not cost anybody their labels."""
    pictures.draw("a.png", 1)
    pictures.draw("deep/b.png", 2)
    pictures.add()
    (pictures.folder / "deep" / "b.png").unlink()
    assert pictures.add().gone == ["deep/b.png"]
    assert pictures.add().gone == ["deep/b.png"]
    assert len(pictures.draft) == 2
    report = pictures.add(prune=True)
    assert (report.pruned, report.gone, len(pictures.draft)) == (1, [], 1)


def test_other_frames_are_none_of_a_folders_business(pictures: Pictures, tmp_path: Path) -> None:
    """Frames from elsewhere are neither gone nor changed."""
    pictures.draft.add_frames(
        [
            {"id": "s3", "sources": [{"id": "default", "uri": "s3://bucket/gone.png"}]},
            {"id": "far", "sources": [{"id": "default", "uri": str(tmp_path / "far/gone.png")}]},
        ]
    )
    pictures.draw("a.png")
    report = pictures.add(prune=True)
    assert (report.added, report.gone, report.pruned, len(pictures.draft)) == (1, [], 0, 3)


def test_one_relative_name_in_two_folders_is_two_frames(pictures: Pictures) -> None:
    """`add train val` must not let val's pictures take the frames of train's."""
    pictures.draw("train/1.png", 1)
    pictures.draw("val/1.png", 2)
    pictures.add(pictures.folder / "train")
    first = pictures.names()["train/1.png"]
    assert pictures.add(pictures.folder / "val").added == 1
    names = pictures.names()
    assert names["train/1.png"] == first
    assert sorted(names) == ["train/1.png", "val/1.png"]
    for part in ("train", "val", "train"):
        assert pictures.add(pictures.folder / part, verify=True).unchanged == 1
    assert pictures.names() == names


def test_a_copy_of_a_folder_is_no_second_set_of_frames(pictures: Pictures) -> None:
    """The frames are there already; where they are to lead is for `mv` to say."""
    pictures.draw("train/1.png", 1)
    pictures.draw("copy/1.png", 1)
    pictures.add(pictures.folder / "train")
    root = pictures.draft.content_id
    report = pictures.add(pictures.folder / "copy")
    assert report.copies == [("1.png", str(pictures.folder / "train/1.png"))]
    assert pictures.draft.content_id == root


def test_an_error_in_the_middle_stores_nothing(pictures: Pictures) -> None:
    """All of a folder or nothing, and the next run is as if it were the first."""
    pictures.draw("a.png", 1)
    pictures.write("a.json", '{"metadata": {"n": 1}}')
    pictures.draw("b.png", 2)
    pictures.write("b.json", '{"colour": 1}')
    with pytest.raises(FormatError, match=r"b\.json: a side file has no key 'colour'"):
        pictures.add(side="{stem}.json")
    assert len(pictures.draft) == 0
    pictures.write("b.json", "{}")
    assert pictures.add(side="{stem}.json").added == 2


def test_kept_bytes_are_kept_once(pictures: Pictures, tmp_path: Path) -> None:
    """After a rename of a kept file no byte is copied, and the frame is the same one."""
    pictures.draw("a.png", 1)
    pictures.add()
    names = pictures.names()
    assert pictures.add(copy_media=True).changed == 1
    frame = pictures.frames()[0]
    assert frame.id == names["a.png"]
    kept = sorted(path for path in (tmp_path / ".hyperstore" / "media").rglob("*"))
    (pictures.folder / "a.png").rename(pictures.folder / "b.png")
    report = pictures.add(copy_media=True)
    assert (report.added, report.moved, len(pictures.draft)) == (0, 1, 1)
    assert sorted(path for path in (tmp_path / ".hyperstore" / "media").rglob("*")) == kept
    assert pictures.add(copy_media=True).read == 0


def test_files_that_vanish_while_others_are_read_are_listed(pictures: Pictures) -> None:
    """Somebody else may be sorting the folder at the same time."""
    for seed in range(600):
        pictures.draw(f"{seed:03}.png", seed)

    def meddling(readings: Iterable[Reading]) -> Iterator[Reading]:
        for at, reading in enumerate(readings):
            if at == 0:
                (pictures.folder / "598.png").unlink()
                (pictures.folder / "599.png").rename(pictures.folder / "600.png")
            yield reading

    report = pictures.add(progress=meddling)
    assert [name for name, _ in report.refused] == ["598.png", "599.png"]
    assert report.added == 598
    assert pictures.add().added == 1


def test_a_context_is_that_of_frames_that_have_none(pictures: Pictures) -> None:
    """Given later, it comes later; one that somebody set stays."""
    pictures.draw("a.png", 1)
    pictures.draw("b.png", 2)
    pictures.add()
    frame = pictures.at("a.png")
    frame.context_id = "mine"
    pictures.draft.update_frames([frame])
    assert pictures.add(context="drive").changed == 1
    assert pictures.at("a.png").context_id == "mine"
    assert pictures.at("b.png").context_id == "drive"


def test_a_frame_that_others_change_meanwhile_keeps_what_they_did(pictures: Pictures) -> None:
    """Between the reading of a folder and the writing of its frames lies a long time."""
    for seed in range(3):
        pictures.draw(f"{seed}.png", seed)
    pictures.add()
    pictures.draw("1.png", 70)

    def meddling(readings: Iterable[Reading]) -> Iterator[Reading]:
        yield from readings
        thread = threading.Thread(target=label)
        thread.start()
        thread.join()

    def label() -> None:
        frame = pictures.at("1.png")
        frame.metadata["by"] = "somebody else"
        pictures.draft.update_frames([frame])

    with pytest.raises(ConflictError):
        pictures.add(progress=meddling)
    assert pictures.at("1.png").metadata == {"by": "somebody else"}
    assert pictures.add().changed == 1
    assert pictures.at("1.png").metadata == {"by": "somebody else"}


def test_a_copy_of_a_store_without_its_cache_goes_on(pictures: Pictures, tmp_path: Path) -> None:
    """On another disk every inode is another; the frames are the same, byte for byte."""
    for seed in range(5):
        pictures.draw(f"{seed}.png", seed)
    pictures.add()
    root = pictures.draft.content_id
    other = tmp_path / "laptop"
    shutil.copytree(pictures.folder, other / "pics")
    shutil.copytree(tmp_path / ".hyperstore", other / ".hyperstore")
    with hyperstore.open(other / ".hyperstore") as store:
        draft = store.dataset("cells").version("Current")
        report = add_folder(draft, other / "pics")
        assert (report.unchanged, report.moved, report.copies) == (5, 0, [])
        assert draft.content_id == root
