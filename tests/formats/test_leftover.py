"""What a killed export left behind: a later one takes it away, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hyperstore.formats import coco, voc
from hyperstore.formats.leftover import hidden_name

_DAY_S = 24 * 3600
_KILLED = """
import os, signal, sys
from pathlib import Path
from hyperstore.formats import coco, voc

def frames():
    yield {"id": "a", "sources": [{"id": "default", "uri": "/a.jpg"}],
           "_voc": {"images": [{"files": ["x"], "record": {"filename": "a.jpg"}}]}}
    os.kill(os.getpid(), signal.SIGKILL)

place = Path(sys.argv[2])
if sys.argv[1] == "coco":
    coco.write(frames(), {}, place)
else:
    voc.write(frames(), place, fetch=str)
"""


def _kill_export(form: str, place: Path) -> Path:
    """Export in a process that is killed in the middle; answers what it left."""
    before = set(place.parent.iterdir())
    done = subprocess.run([sys.executable, "-c", _KILLED, form, str(place)], check=False)
    assert done.returncode == -signal.SIGKILL
    (left,) = set(place.parent.iterdir()) - before
    assert left.name.startswith(".")
    return left


def _age(place: Path, seconds: float) -> None:
    then = time.time() - seconds
    for path in (*place.rglob("*"), place):
        os.utime(path, (then, then))


def test_what_a_killed_export_left_is_swept_by_one_a_day_later(tmp_path: Path) -> None:
    """Be it a file or a folder; until then it may be somebody's who is at work."""
    left = [_kill_export("coco", tmp_path / "out.json"), _kill_export("voc", tmp_path / "out")]
    assert (left[1] / "Annotations" / "a.xml").is_file()
    coco.write([], {}, tmp_path / "new.json")
    voc.write([], tmp_path / "new", fetch=str)
    assert all(place.exists() for place in left)
    for place in left:
        _age(place, _DAY_S + 60)
    coco.write([], {}, tmp_path / "new.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "new.json"]


def test_a_folder_export_sweeps_too(tmp_path: Path) -> None:
    """Also within the folder itself, where it writes among files; and such a rest holds nothing."""
    out = tmp_path / "out"
    out.mkdir()
    (out / hidden_name()).mkdir()
    beside = tmp_path / hidden_name()
    beside.write_text("x")
    voc.write([], out, fetch=str)
    assert len(list(out.iterdir())) == 1
    for place in (*out.iterdir(), beside):
        _age(place, _DAY_S + 60)
    voc.write([], out, fetch=str)
    voc.write([], tmp_path / "other", fetch=str)
    assert list(out.iterdir()) == []
    assert not beside.exists()


def test_nothing_else_is_swept(tmp_path: Path) -> None:
    """Other names, links under such a name, and an old folder that is still being filled."""
    for name in (".hidden", ".hyperstore", ".hyperstore-export-mine", "." + "ab" * 16):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("mine")
    busy = tmp_path / hidden_name()
    (busy / "Annotations" / "cam0").mkdir(parents=True)
    (tmp_path / hidden_name()).symlink_to(tmp_path / ".hidden")
    before = {path.name for path in tmp_path.iterdir()}
    for path in list(tmp_path.iterdir()):
        _age(path, 30 * _DAY_S)
    (busy / "Annotations" / "cam0" / "1.xml").write_text("<annotation/>")
    coco.write([], {}, tmp_path / "out.json")
    assert {path.name for path in tmp_path.iterdir()} == before | {"out.json"}
    assert (tmp_path / ".hidden" / "file").read_text() == "mine"
