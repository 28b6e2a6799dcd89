"""What the reference promises of package, tasks and storage, row by row."""

from pathlib import Path

import hyperstore
from hyperstore.dataset.runs import list_runs
from tests.support.programs import run_program, write_program


def answer(folder: Path, text: str, *words: str) -> str:
    """Run a program, and return what it printed."""
    write_program(folder, text)
    done = run_program(folder, "program.py", *words)
    assert done.code == 0, done.err
    return done.out


def test_pk_01_the_top_level_names_are_there(tmp_path: Path) -> None:
    """Programs begin with this line."""
    text = """\
        from allegroai import (
            Dataset, DatasetVersion, SingleFrame, FrameGroup, DataView, IterationOrder, Task,
            OutputModel, DataPipe,
        )
        import hyperstore
        assert SingleFrame is hyperstore.SingleFrame and FrameGroup is hyperstore.FrameGroup
        assert Dataset is hyperstore.Dataset and DatasetVersion is hyperstore.DatasetVersion
        print(IterationOrder.random == "random", OutputModel.__name__, Task.__name__)
    """
    assert answer(tmp_path, text) == "True OutputModel Task\n"


def test_pk_01_the_same_names_come_by_a_changed_import() -> None:
    """The other way to port a program: without the runner."""
    import hyperstore.allegroai as allegroai
    from hyperstore.allegroai import SingleFrame
    from hyperstore.allegroai.dataframe import Polygon2D

    assert allegroai.SingleFrame is SingleFrame is hyperstore.SingleFrame
    assert allegroai.Polygon2D is Polygon2D is hyperstore.Polygon2D
    assert set(allegroai.__all__) <= set(dir(allegroai))


def test_pk_02_the_submodules_are_there(tmp_path: Path) -> None:
    """With the names that class paths of the reference put in each."""
    text = """\
        from allegroai.dataframe import (
            SingleFrame, FrameGroup, Annotation, ImageAnnotation, Mask, Polygon2D,
            ComplexPolygon2D, Polygon3D, ComplexPolygon3D, KeyPoints2D, KeyPoints3D, Ellipse2D,
            BoundingBox2D, BoundingBox3D,
        )
        from allegroai.datasetversion import DatasetVersion
        from allegroai.dataview import DataView
        from allegroai.backend_interface import DatasetVersion as Other
        from allegroai.backend_api.services import frames, datasets
        import allegroai.backend_api.services.frames as again
        assert Other is DatasetVersion and again is frames
        print(frames.__name__, datasets.__name__)
    """
    names = "allegroai.backend_api.services.frames allegroai.backend_api.services.datasets\n"
    assert answer(tmp_path, text) == names


def test_pk_03_image_annotations_are_at_the_top_too(tmp_path: Path) -> None:
    """The documents use the name unqualified."""
    text = """\
        import allegroai
        from allegroai import ImageAnnotation
        from allegroai.dataframe import ImageAnnotation as Same
        print(ImageAnnotation is Same is allegroai.ImageAnnotation)
    """
    assert answer(tmp_path, text) == "True\n"


def test_pk_04_usage_errors_are_the_runtime_errors_of_clearml(tmp_path: Path) -> None:
    """And what is there already, or is not there, is a ValueError."""
    text = """\
        from allegroai import Dataset, DatasetVersion, UsageError
        Dataset.create("cells")
        said = []
        for call in (
            lambda: DatasetVersion.get_version(dataset_name="a", dataset_id="b"),
            lambda: Dataset.get(dataset_name="nothing"),
            lambda: Dataset.create("cells", raise_if_exists=True),
        ):
            try:
                call()
            except ValueError as error:
                said.append((isinstance(error, UsageError), isinstance(error, RuntimeError)))
        print(said)
    """
    assert answer(tmp_path, text) == "[(True, True), (False, False), (False, False)]\n"


def test_pk_05_the_helpers_of_clearml_do_their_work(tmp_path: Path) -> None:
    """Each call that the examples and users' programs make."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    text = """\
        import sys
        from clearml import StorageManager, Task
        Task.add_requirements("tensorboard")
        folder = sys.argv[1]
        task = Task.init(
            project_name="p", task_name="t", task_type=Task.TaskTypes.data_processing,
            output_uri=folder + "/out",
        )
        print(Task.current_task().get_output_destination())
        print(StorageManager.download_folder(folder + "/data"))
        print(StorageManager.list(folder + "/data"))
        print(StorageManager.get_local_copy(remote_url=folder + "/data/a.txt"))
        print(StorageManager.upload_file(folder + "/data/a.txt", folder + "/up/b.txt"))
        task.get_logger().report_scalar("title", "series", value=1, iteration=0)
    """
    here = str(tmp_path)
    place, *said = answer(tmp_path, text, here).splitlines()
    assert place.startswith(f"{here}/out/p/t.")
    assert said == [
        f"{here}/data",
        "['a.txt']",
        f"{here}/data/a.txt",
        f"{here}/up/b.txt",
    ]
    assert (tmp_path / "up" / "b.txt").read_text() == "a"


def test_pk_06_a_frame_is_reached_into_for_its_version(tmp_path: Path) -> None:
    """One program takes `frame._api_object.dataset.version`."""
    text = """\
        from allegroai import Dataset, DatasetVersion, SingleFrame
        version = Dataset.create("cells").get_version()
        version.add_frames([SingleFrame(id="a", source="s3://bucket/a.png")])
        frame = DatasetVersion.get_single_frame("a", dataset_name="cells")
        print(frame._api_object.dataset.version == version.version_id == frame.origin["version_id"])
    """
    assert answer(tmp_path, text) == "True\n"


def test_tk_06_a_run_leads_to_the_versions_that_it_resolved(tmp_path: Path) -> None:
    """The store has what was read, by content, under the run's name."""
    text = """\
        from allegroai import Dataset, DatasetVersion, SingleFrame
        from clearml import Task
        version = Dataset.create("cells").get_version()
        version.add_frames([SingleFrame(id="a", source="s3://bucket/a.png")])
        version.publish_version()
        Task.init(project_name="p", task_name="train")
        for frame in DatasetVersion.get_version(dataset_name="cells", version_name="Current"):
            print(frame.id)
    """
    assert answer(tmp_path, text) == "a\n"
    with hyperstore.open(tmp_path / ".hyperstore") as store:
        (run,) = list_runs(store.handle)
        version = store.dataset("cells").version()
        assert run.name == "train"
        assert [one.hex() for one in run.touched[0].read] == [version.head]
        assert version.record.task == ""


def test_dv_23_a_version_records_the_task_that_made_it(tmp_path: Path) -> None:
    """As its record has it on the wire."""
    text = """\
        from allegroai import DatasetVersion
        from clearml import Task
        task = Task.init(project_name="p", task_name="t")
        dataset = DatasetVersion.create_new_dataset("cells")
        print(dataset.get_version().to_dict()["task"] == task.id)
        print(dataset.create_version(version_name="v").to_dict()["task"] == task.id)
    """
    assert answer(tmp_path, text) == "True\nTrue\n"


def test_st_03_an_upload_destination_is_the_tasks_folder(tmp_path: Path) -> None:
    """As the examples pass it on: files of frames go where the task's files go."""
    (tmp_path / "a.txt").write_text("a")
    text = """\
        import sys
        from allegroai import Dataset, SingleFrame
        from clearml import Task
        task = Task.init(project_name="p", task_name="t")
        version = Dataset.create("cells").get_version()
        frame = SingleFrame(id="a", source=sys.argv[1] + "/a.txt")
        print(version.add_frames(
            [frame],
            auto_upload_destination=task.get_output_destination(),
            local_dataset_root_path=sys.argv[1],
        ))
        print(version.get_frame("a").source.startswith(task.get_output_destination()))
    """
    assert answer(tmp_path, text, str(tmp_path)) == "[]\nTrue\n"
