"""What a run records of arguments and settings, and what it must never hold."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hyperstore.allegroai import InputModel, OutputModel, Task

pytestmark = pytest.mark.usefixtures("default_store")


def parsed(*words: str, namespace: object = None) -> object:
    """Parse a command line as programs do."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--conn")
    parser.add_argument("--lr", type=float)
    return parser.parse_args(list(words), namespace=namespace)


def test_arguments_are_recorded_that_were_parsed_before() -> None:
    """Many programs parse first, and begin their task with what they were told."""
    parsed("--lr", "0.5")
    assert Task.init("p", "t").get_parameters(cast=True) == {"Args/conn": None, "Args/lr": 0.5}


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        (True, {"conn", "lr"}),
        (False, set()),
        ({}, set()),
        ({"conn": False}, {"lr"}),
        ({"*": False, "lr": True}, {"lr"}),
    ],
)
def test_a_program_says_which_arguments_are_recorded(
    wish: bool | dict[str, bool], names: set[str]
) -> None:
    """A name that is said not to be recorded is the one that must not be."""
    parsed("--lr", "0.5")
    task = Task.init("p", "t", auto_connect_arg_parser=wish)
    assert set(task.get_parameters_as_dict().get("Args", {})) == names
    parsed("--lr", "0.25")
    assert set(task.get_parameters_as_dict().get("Args", {})) == names


def test_each_task_says_for_itself_which_arguments_are_recorded() -> None:
    """The first of a process does not decide for the second."""
    Task.init("p", "one", auto_connect_arg_parser=False).close()
    task = Task.init("p", "two")
    parsed("--lr", "0.5")
    assert task.get_parameter("Args/lr", cast=True) == 0.5
    task.close()
    parsed("--lr", "0.25")
    assert task.get_parameter("Args/lr", cast=True) == 0.5


def test_parsing_into_what_says_nothing_goes_on() -> None:
    """A namespace may be anything that takes attributes."""

    class Slots:
        __slots__ = ("conn", "lr")

    task = Task.init("p", "t")
    held = Slots()
    assert parsed("--lr", "2", namespace=held) is held
    assert task.get_parameter("Args/lr", cast=True) == 2.0


SECRETS: Mapping[str, object] = {
    "conn": "postgres://u:hunter2@h/db",
    "db": {"url": "mysql://u:hunter2@h", "password": "hunter2"},
    "servers": [{"host": "h", "api_key": "hunter2"}, {"deep": [{"token": "hunter2"}]}],
    "words": ["--password", "hunter2", "--secret=hunter2"],
    "credentials": {"user": "hunter2"},
    "object": argparse.Namespace(password="hunter2"),
    "pair": ("https://h/x?sig=hunter2",),
}


def test_no_secret_is_readable_at_any_depth() -> None:
    """Settings are dicts of lists of dicts, and addresses have passwords in them."""
    task = Task.init("p", "t")
    task.connect(dict(SECRETS))
    parsed("--conn", "postgres://u:hunter2@h/db")
    task.mark_failed(status_reason="no answer of postgres://u:hunter2@h/db")
    assert "hunter2" not in repr(task.run)
    assert task.get_parameter("Args/conn") == "postgres://***@h/db"
    assert task.get_parameter("General/servers", cast=True) == [
        {"host": "h", "api_key": "***"},
        {"deep": [{"token": "***"}]},
    ]


class Base:
    rate = 0.5
    hidden = print


class Settings(Base):
    batch = 4
    names = ("a",)


@dataclass(slots=True)
class Slotted:
    depth: int = 3
    layers: list[int] = field(default_factory=lambda: [1, 2])


def test_classes_slots_and_models_are_connected() -> None:
    """As programs write their settings, and what they begin from."""
    task = Task.init("p", "t")
    slotted, model = Slotted(), OutputModel(task=task, name="net")
    assert task.connect(Settings) is Settings
    assert task.connect(slotted, name="S") is slotted
    assert task.connect(model) is model
    model.update_weights(register_uri="s3://bucket/a.pt")
    task.connect(InputModel(name="net"))
    assert task.get_parameters_as_dict(cast=True) == {
        "General": {"rate": 0.5, "batch": 4},
        "S": {"depth": 3, "layers": [1, 2]},
        "Models": {"output/net": model.id, "input/net": model.id},
    }


def test_parameters_are_set_by_names_and_by_words() -> None:
    """As the documents have it, in the place of all others."""
    task = Task.init("p", "t")
    task.set_parameters({"Args/a": 1}, lr=1)
    assert task.get_parameters(cast=True) == {"Args/a": 1, "General/lr": 1}
    task.update_parameters(lr=2)
    assert task.get_parameters(cast=True) == {"Args/a": 1, "General/lr": 2}


def test_a_task_to_be_continued_may_be_named() -> None:
    """By True or by its id; it is a run of its own all the same."""
    first = Task.init("p", "t", reuse_last_task_id=False)
    first.close()
    again = Task.init("p", "t", reuse_last_task_id=first.id, continue_last_task=first.id)
    assert again.id != first.id


def test_small_answers_are_recorded() -> None:
    """What costs nothing to say is said."""
    task = Task.init("p", "t")
    task.set_progress(40)
    task.set_user_properties({"name": "who", "value": "me"}, {"a": 1}, b="x")
    task.set_packages(["numpy"])
    task.reload()
    found = Task.get_task(task_id=task.id)
    assert found.get_progress() == 40
    assert found.get_user_properties(value_only=True) == {"who": "me", "a": 1, "b": "x"}
    assert found.get_user_properties()["a"] == {"value": 1}


def test_a_seed_is_for_the_tasks_that_follow() -> None:
    """And nothing is seeded without one."""
    import random

    Task.set_random_seed(7)
    Task.init("p", "one").close()
    first = random.random()
    Task.init("p", "two").close()
    assert random.random() == first == random.Random(7).random()
    Task.set_random_seed(None)
    random.seed(3)
    Task.init("p", "three").close()
    assert random.random() == random.Random(3).random()


def test_reports_count_from_where_the_task_begins(default_store: Path) -> None:
    """In numbers, also where the program counts by NumPy's."""
    import json

    class Index:  # As NumPy's integers: no int, though it stands for one.
        def __index__(self) -> int:
            return 5

    task = Task.init("p", "t")
    assert task.set_initial_iteration(100) == 100
    logger = task.logger
    logger.report_scalar("loss", "a", 0.5, Index())  # type: ignore[arg-type]
    logger.report_scatter2d("s", "a", [[1, 2]], iteration=1, mode="markers")
    logger.report_scatter3d("s", "a", [[1, 2, 3]], 1)
    logger.report_surface("s", "a", [[1]], 1, xaxis="x")
    logger.report_vector("v", "a", [1, 2], 1)
    logger.report_line_plot("l", [{"name": "one", "data": [[0, 1]]}], "x", "y", iteration=1)
    path = default_store / "runs" / task.id / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert [one["iteration"] for one in events] == [105, *[101] * 5]
    kinds = ["scalar", "scatter2d", "scatter3d", "surface", "histogram", "line"]
    assert [one["kind"] for one in events] == kinds
    assert events[-1]["values"] == [[0, 1]]
