"""The public surface: names that programs rely on, and the errors they catch."""

import re

import hyperstore
from hyperstore import errors

NAMES = [
    "Annotation",
    "BoundingBox2D",
    "BoundingBox3D",
    "ComplexPolygon2D",
    "ComplexPolygon3D",
    "ConflictError",
    "CorruptError",
    "DataView",
    "Dataset",
    "DatasetVersion",
    "DiskFullError",
    "Ellipse2D",
    "ExistsError",
    "ForkError",
    "FormatError",
    "FrameError",
    "FrameGroup",
    "HyperstoreError",
    "ImageAnnotation",
    "IterationOrder",
    "KeyPoints2D",
    "KeyPoints3D",
    "LockedError",
    "Mask",
    "MediaError",
    "MissingObjectError",
    "NotFoundError",
    "Polygon2D",
    "Polygon3D",
    "PublishedError",
    "QueryError",
    "RefusedError",
    "SingleFrame",
    "Store",
    "UsageError",
    "init",
    "open",
]


def test_root_names_are_pinned() -> None:
    """A public name is a promise: adding or losing one takes a change here, on purpose."""
    assert hyperstore.__all__ == NAMES
    for name in NAMES:
        assert getattr(hyperstore, name) is not None


def error_classes() -> dict[str, type[Exception]]:
    """Return the errors by name; the module also holds words for their messages."""
    found = {name: getattr(errors, name) for name in errors.__all__}
    return {name: each for name, each in found.items() if isinstance(each, type)}


def test_errors_are_the_tree_that_their_docstring_draws() -> None:
    """The drawing is what people read before they write an except clause."""
    drawn = re.findall(r"^ {4}(\w+)(?:\(([^)]*)\))?  ", errors.__doc__ or "", re.MULTILINE)
    classes = {name: each for name, each in error_classes().items() if name != "HyperstoreError"}
    bases = {
        name: [base.__name__ for base in each.__bases__ if base is not errors.HyperstoreError]
        for name, each in classes.items()
    }
    assert {name: parents.split(", ") if parents else [] for name, parents in drawn} == bases
    for each in classes.values():
        assert issubclass(each, errors.HyperstoreError)


def test_error_messages_are_shown_as_written() -> None:
    """KeyError would show its message in quotes."""
    for each in error_classes().values():
        assert str(each("no frame 'a'")) == "no frame 'a'"
