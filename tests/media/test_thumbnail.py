"""Thumbnails: what they show, when they are made, and what happens beside them."""

import io
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from PIL import Image

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, RefusedError, UsageError
from hyperstore.media.rawfile import Source
from hyperstore.media.thumbnail import Thumbnail, thumbnail
from hyperstore.media.thumbnails import thumbnails
from tests.support.pictures import CORNERS, bomb, corners_of, encoded, quarters, turned_to


def _shown(made: Thumbnail) -> Image.Image:
    return Image.open(io.BytesIO(made.data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_thumbnail_is_upright_and_in_its_box(kind: str, orientation: int) -> None:
    """The box is for what is looked at: 64 x 32, whichever way it lies in the file."""
    found = _shown(thumbnail(turned_to(orientation, kind), box=(24, 24)))
    assert (found.size, corners_of(found)) == ((24, 12), CORNERS)


def test_a_thumbnail_is_never_larger_than_its_source() -> None:
    """Blowing up a small picture only costs bytes."""
    assert _shown(thumbnail(encoded(quarters(20, 10), "PNG"), box=(256, 256))).size == (20, 10)


def test_transparency_is_kept_and_only_where_there_is_some() -> None:
    """A PNG of a photograph would be ten times as large."""
    holes = thumbnail(encoded(Image.new("RGBA", (4, 4), (1, 2, 3, 0)), "PNG"))
    whole = thumbnail(encoded(Image.new("RGBA", (4, 4), (1, 2, 3, 255)), "PNG"))
    assert (holes.content_type, whole.content_type) == ("image/png", "image/jpeg")
    assert _shown(holes).getpixel((0, 0))[3] == 0  # type: ignore[index]


def test_a_thumbnail_is_made_once_for_each_content_and_size(tmp_path: Path) -> None:
    """A copy under another name has its thumbnail already; another size or frame has not."""
    data, folder = encoded(quarters(64, 64), "PNG"), tmp_path / "previews"
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    first.write_bytes(data)
    second.write_bytes(data)
    made = thumbnail(first, box=(32, 32), folder=folder)
    assert made.path is not None
    Path(made.path).write_bytes(b"kept\xff\xd9")
    assert thumbnail(second, box=(32, 32), folder=folder).data == b"kept\xff\xd9"
    assert thumbnail(data, box=(31, 31), folder=folder).path != made.path
    changed = encoded(quarters(64, 63), "PNG")
    assert thumbnail(changed, box=(32, 32), folder=folder).path != made.path


def test_a_thumbnail_cut_short_by_a_power_cut_is_made_again(tmp_path: Path) -> None:
    """None is synced to the disk, since it costs nothing to make it again."""
    data = encoded(quarters(64, 64), "PNG")
    made = thumbnail(data, folder=tmp_path)
    assert made.path is not None
    for short in (b"", made.data[:50], bytes(len(made.data))):
        Path(made.path).write_bytes(short)
        assert thumbnail(data, folder=tmp_path) == made
        assert Path(made.path).read_bytes() == made.data


def test_many_who_make_one_thumbnail_leave_one_whole_file(tmp_path: Path) -> None:
    """Everyone writes a file of their own and renames it."""
    data = encoded(quarters(64, 64), "PNG")
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: thumbnail(data, folder=tmp_path), range(40)))
    files = [path for path in tmp_path.rglob("*.jpg") if path.is_file()]
    assert len(set(made)) == 1
    assert [path.read_bytes() for path in files] == [made[0].data]


def test_thumbnails_that_were_looked_at_longest_ago_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each here is a third of the limit. One that was looked at since it was made stays."""
    pictures = [encoded(quarters(200, 200 + at), "PNG") for at in range(4)]
    folder = tmp_path / "store" / "previews"
    size = len(thumbnail(pictures[0]).data)
    monkeypatch.setenv("HYPERSTORE_MEDIA_PREVIEWS_MAX_BYTES", str(int(size * 3.6)))
    made = [thumbnail(data, folder=folder) for data in pictures[:3]]
    for at, one in enumerate(made):
        assert one.path is not None
        os.utime(one.path, (time.time() - 1000 + at, 0))
    assert thumbnail(pictures[0], folder=folder) == made[0]
    last = thumbnail(pictures[3], folder=folder)
    kept = {str(path) for path in folder.rglob("*.jpg")}
    assert kept == {one.path for one in (made[0], made[2], last)}
    # A limit that nothing fits in keeps nothing, and shows all the same.
    monkeypatch.setenv("HYPERSTORE_MEDIA_PREVIEWS_MAX_BYTES", "10")
    other = thumbnail(pictures[1], folder=folder)
    assert (other.data, other.path) == (made[1].data, None)


def test_where_nothing_can_be_kept_it_is_made_all_the_same(tmp_path: Path) -> None:
    """A store on a read-only disk is still looked at. A file in the way stands for one here."""
    (tmp_path / "previews").write_bytes(b"")
    made = thumbnail(encoded(quarters(8, 8), "PNG"), folder=tmp_path / "previews")
    assert (made.path, _shown(made).size) == (None, (8, 8))


@pytest.mark.parametrize("box", [(0, 10), (10,), (10, 10.0), (5000, 10), (True, 10), 5, "ab", None])
def test_a_box_that_is_none_is_refused(box: object) -> None:
    """Before any file is touched."""
    with pytest.raises(UsageError, match="box is"):
        thumbnail(b"", box=box)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="box is"):
        thumbnails([], box=box)  # type: ignore[arg-type]


@pytest.mark.parametrize("workers", [0, 2])
def test_many_come_in_order_with_an_error_in_the_place_of_each_bad_one(
    workers: int, tmp_path: Path
) -> None:
    """A list of 10,000 files has a few that are broken, empty, gone or hostile."""
    sources: list[Path] = []
    for at in range(40):
        path = tmp_path / f"{at:02}.png"
        path.write_bytes(encoded(quarters(64, 32 + at), "PNG"))
        sources.append(path)
    sources[3].write_bytes(b"")
    sources[11].unlink()
    sources[20].write_bytes(bomb(9_000, 9_000))
    sources[21].write_bytes(sources[22].read_bytes()[:90])
    found = list(thumbnails(sources, box=(128, 128), folder=tmp_path / "p", workers=workers))
    errors = {at: type(one) for at, one in enumerate(found) if isinstance(one, HyperstoreError)}
    assert errors == {3: MediaError, 11: NotFoundError, 20: RefusedError, 21: MediaError}
    sizes = [_shown(one).height for one in found if isinstance(one, Thumbnail)]
    assert sizes == [32 + at for at in range(40) if at not in errors]
    again = list(thumbnails(sources, box=(128, 128), folder=tmp_path / "p", workers=0))
    assert [one for one in again if isinstance(one, Thumbnail)] == [
        one for one in found if isinstance(one, Thumbnail)
    ]


class _Deadly(os.PathLike[str]):
    """A path that ends the process that opens it, as a fault in a decoder would."""

    def __fspath__(self) -> str:
        os._exit(7)


def test_a_picture_that_kills_its_worker_costs_itself_only() -> None:
    """Decoders are C code that strangers feed."""
    good = encoded(quarters(8, 8), "PNG")
    sources: list[Source] = [*[good] * 10, _Deadly(), *[good] * 30]
    found = list(thumbnails(sources, workers=2))
    assert [at for at, one in enumerate(found) if not isinstance(one, Thumbnail)] == [10]
    assert "died" in str(found[10])


def test_a_script_without_a_guard_is_told_what_it_needs(tmp_path: Path) -> None:
    """Spawned workers run the script's top level again; Python's own message is 30 lines long."""
    script = tmp_path / "script.py"
    script.write_text(
        "from hyperstore.media.thumbnails import thumbnails\n"
        "from hyperstore.errors import UsageError\n"
        "try:\n    list(thumbnails([b'x'] * 20, workers=1))\n"
        "except UsageError as error:\n    print('said:', error)\n"
    )
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "said: no worker process started" in done.stdout


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """Parts of files that nobody will finish do not pile up; young ones may be at work."""
    old, young = tmp_path / "partial" / "1-a", tmp_path / "partial" / "1-b"
    old.parent.mkdir()
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (0, 0))
    list(thumbnails([], folder=tmp_path, workers=0))
    assert (old.exists(), young.exists()) == (False, True)


@pytest.mark.parametrize(
    ("sources", "workers"), [([], "x"), ([], -1), ([], 1.5), ("c.jpg", 0), (b"c.jpg", 0)]
)
def test_sources_and_workers_that_are_none_are_refused(sources: object, workers: object) -> None:
    """At the call; the letters of a path are no sources."""
    with pytest.raises(UsageError):
        thumbnails(sources, workers=workers)  # type: ignore[arg-type]
