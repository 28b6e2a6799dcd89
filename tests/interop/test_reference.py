"""The table of what ClearML promises is whole, and each row is held by a test or says why not."""

import re
from pathlib import Path

import pytest

from hyperstore import Dataset, DatasetVersion, UsageError
from tests.support.programs import run_program, write_program

TESTS = Path(__file__).resolve().parents[1]
TABLE = TESTS.parent / "hyperstore" / "REFERENCE.md"
# How many rows each entity has, as they are numbered without a gap.
ROWS = {
    "PK": 6,
    "SF": 26,
    "AN": 30,
    "FG": 15,
    "SO": 7,
    "MK": 8,
    "PV": 3,
    "MD": 7,
    "DS": 21,
    "DV": 23,
    "FR": 26,
    "OR": 7,
    "VW": 44,
    "LQ": 12,
    "ST": 12,
    "TK": 6,
    "IE": 5,
}
_REASONS = ("**Otherwise**: ", "**Not yet**: ", "**Not here**: ")
_REASON_CHARACTERS_MIN = 40


def _rows() -> dict[str, str]:
    """Return what the table says of each row, by its id."""
    found: dict[str, str] = {}
    for ids, _, here in re.findall(
        r"^\| ((?:[A-Z]{2}-\d{2}(?:, )?)+) \| (.+?) \| (.+) \|$", TABLE.read_text(), re.MULTILINE
    ):
        for one in ids.split(", "):
            assert one not in found, f"{one} stands in two rows"
            found[one] = here
    return found


def _held() -> set[str]:
    """Return the rows after which a test is named: `sf_01`, or `an_19_to_an_28` for several.

    Or which the first words of its docstring name.
    """
    held: set[str] = set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text()
        held |= set(re.findall(r'^    """([A-Z]{2}-\d\d)[.;:]', text, re.MULTILINE))
        for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE):
            for kind, first, last in re.findall(r"_([a-z]{2})_(\d\d)_to_\1_(\d\d)(?=_)", name):
                held |= {f"{kind.upper()}-{at:02}" for at in range(int(first), int(last) + 1)}
            named = re.findall(r"(?<=_)([a-z]{2})_(\d\d)(?=_)", name)
            held |= {f"{kind.upper()}-{at}" for kind, at in named}
    return held


def test_pk_01_names_at_the_top_level(tmp_path: Path) -> None:
    """In a program as it stands, and by the changed import."""
    names = "Dataset DatasetVersion SingleFrame FrameGroup DataView IterationOrder Task OutputModel"
    wanted = ", ".join([*names.split(), "DataPipe", "ImageAnnotation"])
    for module in ("allegroai", "hyperstore.allegroai"):
        program = write_program(tmp_path, f"from {module} import {wanted}; print('all')")
        assert run_program(tmp_path, program.name).out == "all\n"


def test_pk_02_names_below(tmp_path: Path) -> None:
    """By the paths that programs and the class reference have."""
    annotations = (
        "Annotation, ImageAnnotation, Mask, Polygon2D, ComplexPolygon2D, Polygon3D,"
        " ComplexPolygon3D, KeyPoints2D, KeyPoints3D, Ellipse2D, BoundingBox2D, BoundingBox3D"
    )
    lines = [
        f"from allegroai.dataframe import SingleFrame, FrameGroup, {annotations}",
        "from allegroai.datasetversion import DatasetVersion",
        "from allegroai.dataview import DataView, IterationOrder",
        "from allegroai.backend_interface import DatasetVersion as other",
        "from allegroai.backend_api.services import frames, datasets",
        "print(DatasetVersion is other)",
    ]
    program = write_program(tmp_path, "\n".join(lines))
    assert run_program(tmp_path, program.name).out == "True\n"


def test_pk_05_programs_mix_in_tasks_and_storage(tmp_path: Path) -> None:
    """Every call of the row, in one program, without a server."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("here")
    program = write_program(
        tmp_path,
        """
        from clearml import StorageManager, Task
        Task.add_requirements("numpy")
        task = Task.init("project", "register", task_type=Task.TaskTypes.data_processing)
        assert Task.current_task() is task
        task.get_logger().report_scalar("loss", "train", 0.5, 1)
        sent = StorageManager.upload_file("data/a.txt", task.get_output_destination() + "/a.txt")
        print(open(StorageManager.get_local_copy(remote_url=sent)).read())
        print(list(StorageManager.list("data")))
        print(open(StorageManager.download_folder("data") + "/a.txt").read())
        """,
    )
    done = run_program(tmp_path, program.name)
    assert (done.code, done.err.count("Traceback")) == (0, 0)
    said = done.out.splitlines()
    assert said[-3:] == ["here", "['a.txt']", "here"]


@pytest.mark.usefixtures("default_store")
def test_pk_04_errors_are_of_the_kinds_that_programs_catch() -> None:
    """Selectors that exclude each other as in `clearml`; what is missing or taken by value."""
    dataset = Dataset.create("cells")
    with pytest.raises(RuntimeError) as told:
        DatasetVersion.get_version(dataset_name="cells", dataset_id=dataset.id)
    assert isinstance(told.value, UsageError)
    with pytest.raises(ValueError, match="cells"):
        Dataset.create("cells", raise_if_exists=True)
    with pytest.raises(ValueError, match="cels"):
        Dataset.get("cels")
    with pytest.raises(ValueError, match="nowhere"):
        dataset.get_version(version_name="nowhere")
    with pytest.raises(ValueError, match="no frame"):
        DatasetVersion.get_single_frame("x", dataset_name="cells")


def test_the_table_has_every_row_once() -> None:
    """A row that is left out is a promise that nobody looks at."""
    numbered = {f"{kind}-{at + 1:02}" for kind, count in ROWS.items() for at in range(count)}
    assert set(_rows()) == numbered


def test_each_row_is_held_by_a_test_or_says_why_not() -> None:
    """In the table, with a reason of some length."""
    held = _held()
    bare = []
    for row, here in _rows().items():
        reason = next((here.removeprefix(one) for one in _REASONS if here.startswith(one)), "")
        if row not in held and len(reason) < _REASON_CHARACTERS_MIN:
            bare.append(row)
    assert not bare, f"neither a test nor a reason: {bare}"


def test_no_test_is_named_after_a_row_that_is_not_there() -> None:
    """Such a test promises nothing that anybody can look up."""
    known = set(_rows())
    assert {one for one in _held() if one[:2] in ROWS} <= known
