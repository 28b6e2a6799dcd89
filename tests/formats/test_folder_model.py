"""Folders that change at random, held to a slow twin: labels follow content."""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import hyperstore
from hyperstore import BoundingBox2D, SingleFrame
from hyperstore.media.rawfile import sha256_of
from tests.support.folders import Pictures
from tests.support.pictures import draw

NAMES = ("a.png", "b.png", "c.png", "s/a.png", "s/b.png", "u/a.png")
CONTENTS = 4

steps = st.tuples(
    st.sampled_from(["new", "new", "edit", "move", "move", "copy", "swap", "delete", "folder"]),
    st.integers(0, len(NAMES) - 1),
    st.integers(0, len(NAMES) - 1),
    st.integers(0, CONTENTS - 1),
)
rounds = st.lists(
    st.tuples(st.lists(steps, min_size=1, max_size=5), st.sampled_from(["", "", "prune", "send"])),
    min_size=1,
    max_size=5,
)


@dataclass
class Known:
    """A frame as the twin knows it; what was sent away has no place."""

    place: str | None
    content: str
    label: str


class Twin:
    """The laws of `add`, each checked by looking at everything."""

    def __init__(self) -> None:
        self.frames: dict[str, Known] = {}

    def check(self, disk: dict[str, str], found: dict[str, Known], *, pruned: bool) -> None:
        """Hold the frames that a version has now to those that it had, and to the disk."""
        standing = {
            name: one
            for name, one in self.frames.items()
            if one.place is not None and disk.get(one.place) == one.content
        }
        settled = {one.place for one in standing.values()}
        loose = Counter(content for path, content in disk.items() if path not in settled)
        lost = Counter(one.content for name, one in self.frames.items() if name not in standing)
        places = Counter(one.place for one in self.frames.values())
        for name, was in self.frames.items():
            now = found.get(name)
            if now is None:
                assert pruned, "a frame is gone"
                assert was.place is not None
                assert was.content not in disk.values(), "a frame is pruned whose picture is there"
                continue
            assert now.label == was.label
            if name in standing:
                assert now == was
            elif loose[was.content] == 1 == lost[was.content]:
                (path,) = (
                    path
                    for path, content in disk.items()
                    if content == was.content and path not in settled
                )
                assert now == Known(None if was.place is None else path, was.content, was.label)
            elif was.place in disk and not loose[was.content] and places[was.place] == 1:
                edited = disk[was.place]
                taken = lost[edited] and loose[edited] == 1 == lost[edited]
                if not taken and not lost[edited]:
                    assert now == Known(was.place, edited, was.label), "an edit costs a label"
            if now.content != was.content:
                assert now.place == was.place is not None
                assert not loose[was.content], "a label stays while its picture goes elsewhere"
                assert places[was.place] == 1, "a label comes to one of two pictures"
        here = Counter((one.place, one.content) for one in found.values())
        sent = Counter(one.content for one in found.values() if one.place is None)
        for path, content in disk.items():
            assert here[path, content] == 1 or sent[content], "a file has no frame, or two"


def state(pictures: Pictures) -> dict[str, Known]:
    """Return the frames of the draft by id."""
    found = {}
    for frame in pictures.frames():
        place: str | None = str(frame.source)
        if str(frame.source).startswith("media:"):
            place = frame.context_id
        elif str(frame.source).startswith("s3:"):
            place = None
        short = None if place is None else place.rpartition("/pics/")[2]
        said = [word for roi in frame.annotations for word in roi.labels]
        found[frame.id] = Known(short, str(frame.hash), "".join(said))
    return found


def label(pictures: Pictures, number: int) -> None:
    """Give each frame that has none a label of its own."""
    fresh: list[SingleFrame] = [one for one in pictures.frames() if not len(one.annotations)]
    for at, frame in enumerate(fresh):
        frame.annotations.append(BoundingBox2D([1, 1, 2, 2], labels=[f"{number}.{at}"]))
    pictures.draft.update_frames(fresh)


def act(folder: Path, contents: list[bytes], step: tuple[str, int, int, int]) -> None:
    """Do one thing to the files of a folder, never leaving it empty."""
    verb, first, second, content = step
    one, two = folder / NAMES[first], folder / NAMES[second]
    for path in (one, two):
        path.parent.mkdir(parents=True, exist_ok=True)
    if verb == "new" or (verb == "edit" and one.exists()):
        one.write_bytes(contents[content])
    elif verb == "folder":
        if (
            not any((folder / "u").iterdir() if (folder / "u").exists() else ())
            and (folder / "s").exists()
        ):
            shutil.rmtree(folder / "u", ignore_errors=True)
            (folder / "s").rename(folder / "u")
    elif not one.exists() or one == two:
        return
    elif verb == "move":
        one.rename(two)
    elif verb == "copy":
        shutil.copy(one, two)
    elif verb == "swap" and two.exists():
        one.rename(folder / "x")
        two.rename(one)
        (folder / "x").rename(two)
    elif verb == "delete" and len(disk_of(folder)) > 1:
        one.unlink()


def disk_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256_of(str(path)) for path in folder.rglob("*.png")
    }


@contextmanager
def folder_of_pictures() -> Iterator[tuple[Pictures, list[bytes]]]:
    """Give a folder, its draft, and the contents that files may have."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as made:
        root = Path(os.path.realpath(made))
        contents = [draw(root / "x.png", seed).read_bytes() for seed in range(CONTENTS)]
        with hyperstore.init(root / ".hyperstore") as store:
            (root / "pics").mkdir()
            yield Pictures(store.create_dataset("cells").version(), root / "pics"), contents


def play(
    changes: list[tuple[list[tuple[str, int, int, int]], str]], *, keeps: bool, sends: bool
) -> None:
    """Change a folder and add it, again and again."""
    with folder_of_pictures() as (pictures, contents):
        twin = Twin()
        act(pictures.folder, contents, ("new", 0, 0, 0))
        for number, (acts, how) in enumerate(changes):
            for step in acts:
                act(pictures.folder, contents, step)
            disk = disk_of(pictures.folder)
            prune = how == "prune"
            report = pictures.add(verify=True, prune=prune, copy_media=keeps)
            found = state(pictures)
            listed = {*report.gone, *(path for path, _ in report.unsure)}
            stale = {
                one.place
                for one in found.values()
                if one.place is not None and disk.get(one.place) != one.content
            }
            assert keeps or listed == stale, "a frame is stale, and nobody is told"
            twin.check(disk, found, pruned=prune)
            before = pictures.draft.content_id
            pictures.add(verify=True, copy_media=keeps)
            assert pictures.draft.content_id == before, "adding once more changes something"
            label(pictures, number)
            local = any(str(one.source).startswith("/") for one in pictures.frames())
            if how == "send" and sends and local:
                pictures.draft.move_sources(pictures.folder, "s3://bucket/pics")
            twin.frames = state(pictures)


@given(rounds)
def test_labels_follow_content(
    changes: list[tuple[list[tuple[str, int, int, int]], str]],
) -> None:
    """Of files that frames lead to."""
    play(changes, keeps=False, sends=False)


@given(rounds)
def test_labels_follow_content_of_kept_files(
    changes: list[tuple[list[tuple[str, int, int, int]], str]],
) -> None:
    """Whose frames know by their context where the originals lay."""
    play(changes, keeps=True, sends=False)


@given(rounds)
def test_labels_follow_content_of_files_sent_away(
    changes: list[tuple[list[tuple[str, int, int, int]], str]],
) -> None:
    """Of which nothing is known but their content: a name is no reason to take one for it."""
    play(changes, keeps=False, sends=True)
