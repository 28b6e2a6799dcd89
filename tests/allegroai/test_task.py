"""Task and its run: what a program says of itself is in the store afterwards."""

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

import hyperstore
from hyperstore import NotFoundError, SingleFrame, UsageError
from hyperstore.allegroai import (
    DatasetVersion,
    InputModel,
    Logger,
    OutputModel,
    Task,
)
from hyperstore.dataset.runs import list_runs, status_of
from hyperstore.history.run import Run
from hyperstore.limits import RUN_EVENTS_BYTES_MAX, RUN_PARAMETERS_MAX
from tests.cli.test_rights import without_rights
from tests.support.programs import run_program, write_program

pytestmark = pytest.mark.usefixtures("default_store")


def recorded(folder: Path) -> list[Run]:
    """Return the runs of a store, newest first."""
    with hyperstore.open(folder) as store:
        return list_runs(store.handle)


PROGRAM = """\
    import argparse, sys
    from allegroai import Dataset, DatasetVersion, SingleFrame
    from clearml import Task

    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--api-key")
    parser.add_argument("--end", default="")
    task = Task.init(
        project_name="lab", task_name="train", task_type=Task.TaskTypes.data_processing, tags=["a"]
    )
    given = parser.parse_args()
    settings = task.connect({"optimizer": {"lr": 0.5, "password": "secret"}})
    assert settings == {"optimizer": {"lr": 0.5, "password": "secret"}}
    Dataset.create("cells")
    version = DatasetVersion.get_current(dataset_name="cells")
    version.add_frames([SingleFrame(source="s3://bucket/a.png")])
    exec(given.end)
"""


def test_a_program_is_recorded_with_all_that_it_says(tmp_path: Path) -> None:
    """Name, arguments, parameters, place and what it wrote, and no secrets among them."""
    write_program(tmp_path, PROGRAM)
    words = ("program.py", "--epochs", "5", "--api-key", "abc")
    done = run_program(tmp_path, *words)
    assert done.code == 0, done.err
    (run,) = recorded(tmp_path / ".hyperstore")
    assert (run.name, run.project, run.program.type, run.tags) == (
        "train",
        "lab",
        "data_processing",
        ["a"],
    )
    assert run.program.arguments == ["--epochs", "5", "--api-key", "***"]
    assert run.parameters == {
        "Args": {"epochs": "5", "api_key": '"***"', "end": '""'},
        "General": {"optimizer/lr": "0.5", "optimizer/password": '"***"'},
    }
    assert (run.program.script, run.status) == (str(tmp_path / "program.py"), "completed")
    assert run.started <= run.ended
    assert [one.version_name for one in run.touched] == ["Current"]
    assert len(run.touched[0].written) == 1


@pytest.mark.parametrize(
    ("end", "status", "error"),
    [
        ("", "completed", ""),
        ("sys.exit(0)", "completed", ""),
        ("sys.exit(3)", "failed", "exit status 3"),
        ("sys.exit('words')", "failed", "words"),
        ("raise ValueError('boo')", "failed", "ValueError: boo"),
        ("raise KeyboardInterrupt", "aborted", "KeyboardInterrupt"),
        ("task.close(); raise ValueError('late')", "completed", ""),
        ("task.mark_failed(status_reason='no')", "failed", "no"),
        ("task.mark_stopped()", "aborted", ""),
        ("import os; os.kill(os.getpid(), 9)", "lost", ""),
        ("import os; os.fork() or sys.exit(4)", "completed", ""),
    ],
)
def test_a_run_ends_as_its_program_did(tmp_path: Path, end: str, status: str, error: str) -> None:
    """A child's end is not the program's, and what follows the task is not the task's."""
    write_program(tmp_path, PROGRAM)
    run_program(tmp_path, "program.py", "--end", end)
    (run,) = recorded(tmp_path / ".hyperstore")
    assert (status_of(run), run.error) == (status, error)


def test_without_the_runner_a_task_is_recorded_too(tmp_path: Path) -> None:
    """A program may as well have changed its imports; only its exit status nobody sees."""
    text = PROGRAM.replace("from allegroai", "from hyperstore.allegroai")
    text = text.replace("from clearml", "from hyperstore.allegroai")
    write_program(tmp_path, text)
    words = ("program.py", "--end", "raise ValueError('boo')")
    assert run_program(tmp_path, *words, command=()).code == 1
    (run,) = recorded(tmp_path / ".hyperstore")
    assert (run.status, run.error) == ("failed", "ValueError: boo")


def test_one_process_has_one_task_at_a_time() -> None:
    """Another name is a mistake; after close it is another run."""
    first = Task.init(project_name="p", task_name="one")
    assert Task.init(project_name="p", task_name="one") is first
    assert Task.current_task() is first
    with pytest.raises(UsageError, match="close"):
        Task.init(project_name="p", task_name="two")
    first.close()
    assert Task.current_task() is None
    second = Task.init(project_name="p", task_name="two")
    assert second.id != first.id
    assert [one.name for one in Task.get_tasks(project_name="p")] == ["two", "one"]
    assert Task.get_task(task_id=first.id).status == "completed"
    assert Task.get_task(project_name="p", task_name="two").status == "in_progress"
    with pytest.raises(NotFoundError):
        Task.get_task(task_name="three")


@pytest.mark.parametrize(
    "call",
    [
        lambda: Task.init(task_type="dancing"),
        lambda: Task.init(project_name="p").connect(5),
        lambda: Task.init(project_name="p").connect(print),
        lambda: Task.init(project_name="p").upload_artifact("a", object()),
        lambda: Task.init(project_name="p").upload_artifact("../a", {}),
        lambda: Task.init(project_name="p").set_name(""),
        lambda: Task.init(task_name=3),  # type: ignore[arg-type]
        lambda: Task.init(project_name="p").set_progress(101),
        lambda: Task.init(project_name="p").set_base_docker("image"),
        lambda: Task.init(project_name="p").set_dataview(5),  # type: ignore[arg-type]
        lambda: Task.create(project_name="p"),
        lambda: Task.init(project_name="p").execute_remotely(),
        lambda: Task.get_task(task_filter={"status": ["x"]}),
        lambda: OutputModel(),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(call: Callable[[], object]) -> None:
    """Rather than a record of nonsense."""
    with pytest.raises(UsageError):
        call()


def test_an_unknown_argument_is_told_the_closest() -> None:
    """Versions of clearml differ in what they take."""
    with pytest.raises(TypeError, match="project_name"):
        Task.init(projectname="p")  # type: ignore[call-arg]


class Settings:
    """Attributes of the class are settings too."""

    batch = 4
    names = ("a",)

    def __init__(self) -> None:
        self.rate = 0.25
        self._hidden = 1


def test_everything_that_can_be_connected_is_recorded_and_returned() -> None:
    """Dicts, parsers, what they parse, and plain objects."""
    task = Task.init(project_name="p")
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", default=3)
    for one, name in ((parser, None), (Settings(), "S"), ({"a": float("nan"), "b": {}}, None)):
        assert task.connect(one, name=name) is one
    assert task.connect_configuration("model.yaml", name="model") == "model.yaml"
    assert task.connect_label_enumeration({"car": 1}) == {"car": 1}
    said = task.get_parameters_as_dict(cast=True)
    assert said["Args"] == {"depth": 3}
    assert said["S"] == {"batch": 4, "rate": 0.25}
    assert said["Labels"] == {"car": 1}
    assert said["Configuration"] == {"model": "model.yaml"}
    assert str(said["General"]) == "{'a': nan, 'b': {}}"
    assert task.get_parameter("S/rate") == "0.25"
    task.set_parameters({"S/rate": 1, "x": "y"})
    assert task.get_parameters(cast=True) == {"S/rate": 1, "General/x": "y"}


def test_parameters_without_end_are_bounded() -> None:
    """A record is read each time that runs are listed."""
    task = Task.init(project_name="p")
    circle: dict[str, object] = {}
    circle["self"] = circle
    task.connect({f"k{n}": "x" * 100_000 if n == 0 else n for n in range(RUN_PARAMETERS_MAX + 9)})
    task.connect({"circle": circle, "key": object}, name="more")
    assert sum(map(len, task.run.parameters.values())) == RUN_PARAMETERS_MAX
    assert len(task.run.parameters["General"]["k0"]) < 5_000


def test_text_that_is_no_text_is_recorded_all_the_same(
    default_store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Names of files need not be UTF-8, and a program is given them as arguments."""
    odd = "a\udcff"
    task = Task.init(project_name=odd, task_name=odd, tags=[odd], output_uri=odd)
    task.connect({odd: odd}, name=odd)
    task.set_comment(odd)
    task.mark_failed(status_reason=odd)
    assert caplog.text.count("not recorded") == 0
    (run,) = list_runs(task._handle)  # type: ignore[arg-type]
    assert (run.name, run.error, run.tags) == ("a\\udcff", "a\\udcff", ["a\\udcff"])
    assert run.parameters == {"a\\udcff": {"a\\udcff": '"a\\udcff"'}}


def test_files_go_to_the_store_or_where_the_program_says(
    default_store: Path, tmp_path: Path
) -> None:
    """And the record leads to them."""
    task = Task.init(project_name="p")
    folder = Path(task.get_output_destination())
    assert folder == default_store / "runs" / task.id
    assert folder.is_dir()
    file = tmp_path / "best.bin"
    file.write_bytes(b"weights")
    assert task.upload_artifact("notes", {"a": 1})
    assert task.upload_artifact("file", file)
    assert task.upload_artifact("folder", folder)
    task.output_uri = str(tmp_path / "out")
    model = OutputModel(task=task, name="net", label_enumeration={"car": 1})
    place = tmp_path / "out" / "p" / f"{task.name}.{task.id}"
    assert model.update_weights(str(file)) == str(place / "models" / "net" / "best.bin")
    assert json.loads(Path(task.artifacts["notes"].get_local_copy()).read_text()) == {"a": 1}
    assert Path(task.artifacts["file"].get_local_copy()).read_bytes() == b"weights"
    task.close()
    again = InputModel(name="net")
    assert again.id == model.id
    assert Path(again.get_weights()).read_bytes() == b"weights"
    assert file.exists()
    with pytest.raises(NotFoundError):
        InputModel(name="other")


def test_reports_are_kept_beside_the_run(
    default_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line each; only text is printed."""
    Logger.current_logger().report_text("to nobody", print_console=False)
    task = Task.init(project_name="p")
    logger = task.get_logger()
    logger.report_scalar("loss", "train", value=0.5, iteration=3)
    logger.report_scalar(title="loss", series="train", value=float("inf"), iteration=4)
    logger.report_text("hello")
    Logger.current_logger().report_histogram("h", "s", values=[1, 2], iteration=0)
    logger.report_image("i", "s", iteration=1, local_path="/a.png")
    lines = (default_store / "runs" / task.id / "events.jsonl").read_text().splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds == ["scalar", "scalar", "text", "histogram", "image"]
    assert json.loads(lines[0])["value"] == 0.5
    assert capsys.readouterr().out == "hello\n"


def test_reports_end_where_their_file_is_full(
    default_store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A program in an endless loop must not fill the disk; it is told once."""
    task = Task.init(project_name="p")
    path = Path(task.get_output_destination()) / "events.jsonl"
    with path.open("wb") as file:
        file.truncate(RUN_EVENTS_BYTES_MAX)
    for _ in range(3):
        task.get_logger().report_scalar("a", "b", 1, 1)
    assert path.stat().st_size == RUN_EVENTS_BYTES_MAX
    assert len([one for one in caplog.records if "full" in one.message]) == 1


@pytest.mark.skipif(os.name != "posix", reason="rights of POSIX")
def test_a_program_on_a_store_that_it_may_only_read_runs_all_the_same(tmp_path: Path) -> None:
    """It is told once that nothing is recorded."""
    folder = tmp_path / ".hyperstore"
    with hyperstore.init(folder) as store:
        version = store.create_dataset("cells").version()
        version.add_frames([SingleFrame(source="s3://bucket/a.png")])
    text = """\
        import shutil
        from allegroai import DatasetVersion
        from clearml import Task
        task = Task.init(project_name="p", task_name="t")
        task.set_comment("kept in memory")
        task.upload_artifact("a", {"x": 1})
        kept = task.artifacts["a"].get()
        shutil.rmtree(task.get_output_destination())
        print(len(DatasetVersion.get_version(dataset_name="cells")), task.comment, kept)
    """
    write_program(tmp_path, text)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    done = run_program(tmp_path, "program.py", before=without_rights)
    assert (done.code, done.out) == (0, "1 kept in memory {'x': 1}\n"), done.err
    assert (done.err.count("not recorded"), done.err.count("are left in")) == (1, 1)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_version_that_a_task_makes_says_which() -> None:
    """DV-23."""
    task = Task.init(project_name="p")
    version = DatasetVersion.create_new_dataset("cells").get_version()
    assert version.to_dict()["task"] == task.id
