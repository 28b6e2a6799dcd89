"""Which of a version's files, or which task, an export gives back."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hyperstore.errors import UsageError
from hyperstore.formats.coco_categories import Categories
from hyperstore.formats.combine import Wire, mapping, same, sequence
from hyperstore.formats.report import Report

__all__ = ["Choice", "choose", "join", "refuse_masks"]

_SHAPED = {"instances", "keypoints"}
_TASKS = ("instances", "keypoints", "captions", "labels", "panoptic")


@dataclass(slots=True)
class Choice:
    """What is exported: files by key, and whether frames of no file come with them."""

    task: str
    keys: list[str]
    known: dict[str, str]  # Every file of the version, and its task.
    whole: bool
    fields: Wire = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    masked: dict[str, str] = field(default_factory=dict)  # Of `keys`, those read with PNGs; names.

    @property
    def is_joined(self) -> bool:
        """Whether several files become one, so that ids have to be new."""
        return len(self.keys) > 1

    def takes(self, task: str) -> bool:
        """Whether ROIs made by hand, of that task, go into this export.

        Boxes and key points go together where the version has no file of their own task.
        """
        if task == self.task:
            return True
        return {task, self.task} == _SHAPED and task not in self.known.values()


def choose(version_meta: Mapping[str, object], of: str | None) -> Choice:
    """Find what `of` names: a task or a file; None where there is only one task to give."""
    files = {
        key: mapping(item)
        for key, item in mapping(mapping(version_meta.get("_coco")).get("files")).items()
    }
    tasks = {key: str(item.get("task")) for key, item in files.items()}
    if of is None:
        if len(set(tasks.values())) > 1:
            raise UsageError(f"say which file or task to export: {_offer(files, tasks)}")
        of = next(iter(tasks.values()), "instances")
    if of in _TASKS or of in tasks.values():
        keys = sorted(key for key, task in tasks.items() if task == of)
        choice = Choice(of, keys, tasks, whole=True)
    else:
        keys = sorted(key for key, item in files.items() if of in _names(str(item.get("name"))))
        if len(keys) != 1:
            found = "several files have" if keys else "no file or task has"
            raise UsageError(f"{found} the name {of}; there are {_offer(files, tasks)}")
        choice = Choice(tasks[keys[0]], keys, tasks, whole=False)
    choice.masked = {
        key: str(files[key].get("name")) for key in keys if files[key].get("masks") is True
    }
    if keys:
        first = files[keys[0]]
        choice.fields = dict(mapping(first.get("fields")))
        choice.absent = {str(name) for name in sequence(first.get("absent"))}
    return choice


def refuse_masks(choice: Choice) -> None:
    """Refuse files whose segments became masks: as plain COCO they would lose them."""
    for name in choice.masked.values():
        raise UsageError(f"{name} was imported with its PNGs; `export panoptic` gives it back")


def _names(name: str) -> tuple[str, ...]:
    last = name.rsplit("/", 1)[-1]
    return name, last, last.removesuffix(".json")


def _offer(files: Mapping[str, Wire], tasks: Mapping[str, str]) -> str:
    offer = [
        *sorted(set(tasks.values())),
        *sorted(str(item.get("name")) for item in files.values()),
    ]
    return ", ".join(offer) if offer else "only what was made by hand: " + ", ".join(_TASKS[:4])


def join(choice: Choice, version_meta: Mapping[str, object], report: Report) -> Categories:
    """Return the categories of the files chosen; with several, set the fields that all share."""
    files = mapping(mapping(version_meta.get("_coco")).get("files"))
    if not choice.is_joined:
        return Categories(choice.fields.get("categories"), place="categories", report=Report())
    listed = [
        item
        for key in choice.keys
        for item in sequence(mapping(mapping(files.get(key)).get("fields")).get("categories"))
    ]
    one: list[object] = []
    for item in listed:
        known = [mapping(other).get("name") for other in one]
        if mapping(item).get("name") not in known:
            one.append(item)
    ids = [mapping(item).get("id") for item in one]
    if len({repr(value) for value in ids}) < len(ids):
        one = [mapping(item) | {"id": number} for number, item in enumerate(one, 1)]
        report.note("file whose categories got new ids to be joined", number=len(choice.keys))
    choice.absent = set()
    for key in choice.keys[1:]:
        other = mapping(mapping(files.get(key)).get("fields"))
        for name, value in other.items():
            if name != "categories" and not same(choice.fields.setdefault(name, value), value):
                report.note(f"field {name!r} that differs between the files; the first counts")
    choice.fields["categories"] = one
    return Categories(one, place="categories", report=Report())
