"""Parquet, Hugging Face and WebDataset by the command: out, and back in one operation."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import lines
from tests.formats.test_webdataset import png, tar
from tests.support.command import Command
from tests.support.frames import wire
from tests.support.pictures import draw


@pytest.fixture
def pictured(store: Command, tmp_path: Path) -> Command:
    """Return the command where `cells@Current` holds three frames whose pictures are there."""
    frames = []
    for at in range(3):
        path = draw(tmp_path / f"in/{at}.png", at)
        source = {"id": "default", "uri": str(path), "width": 6, "height": 4}
        frames.append(wire(f"f{at}", timestamp=at, number=at) | {"sources": [source]})
    store("add", "-", stdin=lines(frames))
    store("commit", "-m", "Add three")
    return store


def frames_of(command: Command, version: str) -> list[dict[str, object]]:
    """Return the frames of a version."""
    return command("ls", version, "--json").rows()


@pytest.mark.parametrize(
    ("out", "back", "said"),
    [
        ("export parquet cells@Current f.parquet", "import parquet f.parquet", "3 frames"),
        ("export hf cells@Current hf --whole", "import hf hf", "1 category, 3 frames"),
        (
            "export webdataset cells@Current wds",
            "import webdataset wds",
            "1 tar, 3 files, 3 frames",
        ),
        (
            "export webdataset cells@Current wds --frames 2 --bytes 100000",
            "import webdataset wds/shard-000000.tar wds/shard-000001.tar",
            "2 tars, 3 files, 3 frames",
        ),
    ],
)
def test_what_goes_out_comes_back_the_same(
    pictured: Command, out: str, back: str, said: str
) -> None:
    """As one operation, which one undo takes back."""
    told = pictured(*out.split()).out
    assert told.startswith("Exported ")
    assert all(part in told for part in said.split(", "))
    told = pictured(*back.split(), "--dataset", "again", "-m", "Import").out
    assert "Created dataset again" in told
    assert "Imported 3 frames into again@Current" in told
    assert frames_of(pictured, "again@Current") == frames_of(pictured, "cells@Current")
    pictured("undo")
    assert "again" not in pictured("dataset").out


def test_plain_tables_are_written_too(pictured: Command) -> None:
    """One table, for programs that join by themselves."""
    said = pictured("export", "parquet", "cells@Current", "rois.parquet", "--table", "rois").out
    assert said == "Exported 3 rows to rois.parquet\n"
    assert pq.read_table("rois.parquet").num_rows == 3


def test_importing_twice_changes_nothing(pictured: Command) -> None:
    """And an edited frame goes back to what the file says."""
    pictured("export", "parquet", "cells@Current", "f.parquet")
    said = pictured("import", "parquet", "f.parquet", "--dataset", "cells").out
    assert "Nothing has changed" in said
    pictured("edit", "f0", "--set", "meta.number=7")
    said = pictured("import", "parquet", "f.parquet", "--dataset", "cells").out
    assert "1 frame changed back to what the files say" in said


def test_pictures_of_strangers_are_kept_in_the_store_or_where_asked(
    store: Command, tmp_path: Path
) -> None:
    """They are nowhere else."""
    tar(tmp_path / "a.tar", {"1.png": png(1), "1.cls": b"cat", "2.png": png(2)})
    said = store("import", "webdataset", "a.tar", "--dataset", "kept").out
    assert "Imported 2 frames, 2 files into kept@Current" in said
    uris = [frame["sources"][0]["uri"] for frame in frames_of(store, "kept@Current")]  # type: ignore[index]
    assert all(uri.startswith("media:") for uri in uris)
    assert store("media", "verify").code == 0
    store("import", "webdataset", "a.tar", "--dataset", "written", "--pictures", "new")
    places = [frame["sources"][0]["uri"] for frame in frames_of(store, "written@Current")]  # type: ignore[index]
    assert [Path(uri.removeprefix("file://")).read_bytes() for uri in places] == [png(1), png(2)]


def test_frames_of_ours_may_be_kept_whole(pictured: Command, tmp_path: Path) -> None:
    """With --keep, and then the folder of pictures may go."""
    for out, back in (("hf --whole", "hf"), ("webdataset", "webdataset")):
        form, *more = out.split()
        pictured("export", form, "cells@Current", f"out-{form}", *more)
        said = pictured("import", back, f"out-{form}", "--dataset", form, "--keep").out
        assert "3 files" in said
        for frame in frames_of(pictured, f"{form}@Current"):
            assert frame["sources"][0]["uri"].startswith("media:")  # type: ignore[index]


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ("import parquet none.parquet --dataset new", "no file"),
        ("import parquet text --dataset new", "no Parquet file"),
        ("import hf text --dataset new", "no Parquet file"),
        ("import hf . --dataset new", "no Parquet files"),
        ("import webdataset text --dataset new", "text"),
        ("import webdataset . --dataset new", "no tar files"),
    ],
)
def test_what_is_wrong_imports_nothing(
    pictured: Command, tmp_path: Path, words: str, part: str
) -> None:
    """One line, and the dataset is not made."""
    (tmp_path / "text").write_text("text")
    assert part in pictured.fails(*words.split(), code=128)
    assert "new" not in pictured("dataset").out


@pytest.mark.parametrize("form", ["hf", "webdataset"])
def test_a_folder_that_holds_files_is_left_alone(
    pictured: Command, tmp_path: Path, form: str
) -> None:
    """Unless --force lets the export write among them."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("mine")
    assert "holds files" in pictured.fails("export", form, "cells@Current", "out", code=128)
    pictured("export", form, "cells@Current", "out", "--force")
    assert (tmp_path / "out" / "mine").read_text() == "mine"
