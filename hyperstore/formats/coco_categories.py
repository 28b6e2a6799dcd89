"""The categories of one COCO file: ids to labels and back. Names may repeat."""

from hyperstore.errors import FormatError, a_type
from hyperstore.formats.combine import Wire
from hyperstore.formats.report import Report

__all__ = ["Categories", "key_of"]


def key_of(value: object) -> str | None:
    """Return what two ids are compared by: 7 and 7.0 are one id, 7 and "7" two; None for no id."""
    if type(value) is int:
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return f'"{value}' if isinstance(value, str) else None


class Categories:
    """What the file's list says, and the categories that an export had to add."""

    def __init__(self, listed: object, *, place: str, report: Report) -> None:
        self._label_by_key: dict[str, str] = {}
        self._id_by_label: dict[str, object] = {}
        self._next = 1
        self.added: list[Wire] = []
        if listed is None:
            return
        if not isinstance(listed, list):
            raise FormatError(f"{place}: categories is {a_type(listed)}, not a list")
        for index, item in enumerate(listed):
            self._read(item, f"{place}: categories[{index}]", report)

    def _read(self, item: object, place: str, report: Report) -> None:
        if not isinstance(item, dict):
            raise FormatError(f"{place} is {a_type(item)}, not an object")
        key = key_of(item.get("id"))
        if key is None:
            raise FormatError(f"{place}.id is {str(item.get('id'))[:60]}, not a number or a string")
        name = item.get("name")
        if name is not None and not isinstance(name, str):
            raise FormatError(f"{place}.name is {a_type(name)}, not a string")
        if not name:
            report.note("category without a name, labelled by its id", place)
        label = name or f"category {item['id']}"
        if key in self._label_by_key:
            report.note("category id that stands twice (the first counts)", place)
            return
        self._label_by_key[key] = label
        if label in self._id_by_label:
            report.note("category name that stands twice", place)
        self._id_by_label.setdefault(label, item["id"])
        if type(item["id"]) is int:
            self._next = max(self._next, item["id"] + 1)

    def label(self, category_id: object) -> str | None:
        """Return the label of the category, or None where there is none of that id."""
        key = key_of(category_id)
        return None if key is None else self.by_key(key)

    def by_key(self, key: str) -> str | None:
        return self._label_by_key.get(key)

    def id_of(self, label: str) -> object:
        """Return the id of the first category of that name, None where there is none."""
        return self._id_by_label.get(label)

    def add(self, label: str) -> None:
        """Make a category for a label that the file has not."""
        self.added.append({"id": self._next, "name": label, "supercategory": ""})
        self._id_by_label[label] = self._next
        self._label_by_key[str(self._next)] = label
        self._next += 1
