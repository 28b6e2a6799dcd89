"""What runs leave: no run writes over another's, and nobody over one's own unnoticed."""

import tempfile
from pathlib import Path

import pytest

from hyperstore import MediaError, UsageError
from hyperstore.allegroai import InputModel, OutputModel, Task
from hyperstore.dataset.runs import list_runs

pytestmark = pytest.mark.usefixtures("default_store")


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Return a file that each run writes anew."""
    return tmp_path / "best.pt"


def leave(weights: Path, said: str, output: str | None, upload: str | None = None) -> str:
    """Run a training that leaves a model and an artifact; return the model's id."""
    task = Task.init("lab", "train", output_uri=output)
    weights.write_text(said)
    model = OutputModel(task=task, name="net")
    model.update_weights(str(weights), upload_uri=upload)
    task.upload_artifact("metrics", {"said": said})
    task.close()
    return model.id


@pytest.mark.parametrize("where", ["output_uri", "upload_uri", "neither"])
def test_two_runs_of_one_name_leave_their_own_files(
    tmp_path: Path, weights: Path, where: str
) -> None:
    """Below one bucket the second training would change what the first one is said to have left."""
    output = str(tmp_path / "bucket") if where == "output_uri" else None
    upload = str(tmp_path / "bucket") if where == "upload_uri" else None
    ids = [leave(weights, said, output, upload) for said in ("first", "second")]
    assert [Path(InputModel(one).get_weights()).read_text() for one in ids] == ["first", "second"]
    found = [Task.get_task(task_id=one.partition(".")[0]) for one in ids]
    assert [one.artifacts["metrics"].get() for one in found] == [
        {"said": "first"},
        {"said": "second"},
    ]
    assert [one.models["output"][0].id for one in found] == ids


def test_models_of_one_run_do_not_share_a_file(tmp_path: Path) -> None:
    """A generator and its critic are both called model.pt where they are written."""
    task = Task.init("lab", "gan")
    for name in ("generator", "critic"):
        file = tmp_path / name / "model.pt"
        file.parent.mkdir()
        file.write_text(name)
        OutputModel(task=task, name=name).update_weights(str(file))
    for name in ("generator", "critic"):
        assert Path(InputModel(name=name).get_weights()).read_text() == name


def test_what_was_written_over_is_not_answered_as_what_was_left(weights: Path) -> None:
    """By its SHA-256, which stands in the record."""
    model = InputModel(leave(weights, "learnt", None))
    task = Task.get_task(task_name="train")
    Path(model.get_weights()).write_text("forged")
    Path(task.artifacts["metrics"].get_local_copy()).write_text("{}")
    with pytest.raises(MediaError, match="SHA-256"):
        model.get_weights()
    with pytest.raises(MediaError, match="SHA-256"):
        task.artifacts["metrics"].get()


def test_two_artifacts_of_one_place_are_refused(tmp_path: Path) -> None:
    """One would be lost, and its name lead to the other."""
    task = Task.init("lab", "t")
    file = tmp_path / "b.json"
    file.write_text("file")
    task.upload_artifact("a", file)
    with pytest.raises(UsageError, match="'a/b'"):
        task.upload_artifact("a/b", {"x": 1})
    assert Path(str(task.artifacts["a"].get())).read_text() == "file"


def test_names_of_any_kind_lead_to_a_place_below(tmp_path: Path) -> None:
    """A task may be called by what is no path, or by one that leads out."""
    base = tmp_path / "bucket"
    task = Task.init("../a b/..", "x: lr=0.1 / ü", output_uri=str(base))
    assert task.upload_artifact("a", {})
    place = Path(task.get_output_destination())
    assert place.resolve().is_relative_to(base)
    assert place.name.endswith(task.id)


def test_a_name_given_again_stands_for_what_was_left_last() -> None:
    """And once only, or nobody could tell which."""
    task = Task.init("lab", "t")
    task.upload_artifact("a", {"x": 1})
    task.upload_artifact("a", "text")
    assert task.artifacts["a"].get() == "text"
    assert [one.name for one in task.run.artifacts] == ["a"]


def test_a_model_is_found_by_its_project(weights: Path) -> None:
    """Names of models are used again in every project."""
    first = leave(weights, "lab's", None)
    task = Task.init("other", "train")
    OutputModel(task=task, name="net").update_weights(str(weights))
    assert InputModel(name="net", project="lab").id == first
    assert InputModel(name="net").id != first


def test_a_run_without_a_store_leaves_its_files_somewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A store that cannot be written stops no program, and the place is said once."""
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("HYPERSTORE_DIR", str(tmp_path / "file" / "store"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    task = Task.init("lab", "t")
    for name in ("a", "b"):
        assert task.upload_artifact(name, {"x": name})
    assert task.artifacts["b"].get() == {"x": "b"}
    assert caplog.text.count("are left in") == 1


def test_the_record_holds_no_password_of_where_files_go() -> None:
    """Though the task itself still knows it."""
    task = Task.init("lab", "t", output_uri="s3://user:hunter2@host/bucket?token=abc")
    assert task.output_uri == "s3://user:hunter2@host/bucket?token=abc"
    (run,) = list_runs(task._handle)  # type: ignore[arg-type]
    assert run.program.output == "s3://***@host/bucket?***"
