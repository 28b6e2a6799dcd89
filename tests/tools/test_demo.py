"""The demo's story runs to its end, so that what a stranger types first never rots."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.shared import shared_data

PROJECT = Path(__file__).resolve().parents[2]
# As `main` does, but by this interpreter, which has all that is needed.
STORY = """
import sys
from pathlib import Path
from demo import Demo, choose_data, tell_story

python, folder = Path(sys.executable), Path(sys.argv[1])
given = Path(sys.argv[2]) if len(sys.argv) > 2 else None
tell_story(Demo(folder, python), choose_data(given, folder, python))
"""

pytestmark = pytest.mark.slow


def tell(folder: Path, *data: Path, project: Path = PROJECT) -> str:
    """Run the story in a folder, and return what it shows."""
    done = subprocess.run(
        [sys.executable, "-c", STORY, str(folder), *map(str, data)],
        env={**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{project / 'tools'}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "error" not in done.stderr
    assert "No faults" in done.stdout
    found = done.stdout.partition("$ hyperstore query ")[2].partition("$ hyperstore stats")[0]
    assert " (checked)" in found
    assert "annotated" in done.stdout
    return done.stdout


def test_a_clone_with_nothing_beside_it_draws_a_dataset(tmp_path: Path) -> None:
    """Offline, with several contexts and their times; every annotation is exported."""
    project = tmp_path / "clone"
    for name in ("hyperstore", "tools"):
        shutil.copytree(PROJECT / name, project / name)
    work = tmp_path / "work"
    work.mkdir()
    said = tell(work, project=project)
    assert "48 pictures of four cameras" in said
    assert "camera-2 1600000000047 ms" in said
    exported = json.loads((work / "exported.json").read_bytes())
    assert (len(exported["images"]), len(exported["annotations"])) == (48, 156)
    names = {one["name"] for one in exported["categories"]}
    assert any(name.endswith(" (checked)") for name in names)


def test_a_folder_of_pascal_voc_is_shown(tmp_path: Path) -> None:
    """What the demo shows where the shared datasets lie beside the checkout."""
    said = tell(tmp_path, shared_data("bccd"))
    assert "364 images" in said
    exported = json.loads((tmp_path / "exported.json").read_bytes())
    assert (len(exported["images"]), len(exported["annotations"])) == (364, 4888)


def test_a_coco_file_is_shown(tmp_path: Path) -> None:
    """Anybody's own dataset."""
    file = shared_data("coco-mini") / "annotations" / "instances_val2017.json"
    said = tell(tmp_path, file)
    assert "79 images" in said
    exported = json.loads((tmp_path / "exported.json").read_bytes())
    assert len(exported["annotations"]) == 624
