"""The compatibility surface: programs written against `allegroai` and `clearml`, answered here.

    from hyperstore.allegroai import DatasetVersion, SingleFrame        # a changed import, or
    $ python -m hyperstore.allegroai train.py --epochs 3                # an unchanged program

Words: a *face* is a module under the name that such a program imports, `clearml.storage` or
`allegroai.dataframe`; it holds the objects of this package. The *runner* runs a program with the
faces in place. A *task* is the program's side of what the store records as a run.

Laws. The faces add no second store: datasets, versions and frames are those of `hyperstore`. What
clearml has and this has not is an error that names it, never a call that does nothing and says so
nowhere. Nothing is unpickled, and no name that stands in data is ever imported. A program that does
not ask for a task is not recorded, and recording never fails one that does.

In reading order: `runner.py` runs a program as `python SCRIPT` would; `finder.py` answers its
imports, and `shadow/` those of processes that it starts; `task.py`, with `taskfiles.py` and
`taskrecord.py`, `begin.py`, `parameters.py`, `destination.py`, `ending.py` and `tasktypes.py`, is
the run, and `taskviews.py` its data views, which are `connected.py`; `logger.py`, `model.py`, and
`storage.py` with `archive.py`, stand beside it. `dataframe.py`, `datasetversion.py`, `dataview.py`,
`backend_interface.py` and `backend_api/` are module paths that programs import, and `clearml.py`
what that name answers. `hyperdataset.py` is the newer names of a version, and `hyperdataview.py`
those of a data view, with `dataentry.py`, `dataentryimage.py` and `notes.py` (what they hold),
`adding.py`, `entries.py` and `entryclasses.py` (how that becomes frames, and comes back),
`vectors.py` and `neighbours.py`.

Why not a package called `clearml` on the path of this process too? Because a finder comes first
even where the real one is installed and the program's folder holds another, and names load when
asked for. Why, then, a folder on `PYTHONPATH` for children? Because they are started by anybody,
multiprocessing, joblib or a shell, and only the environment reaches all of them.
"""

from importlib import import_module

TYPE_CHECKING = False  # As typing has it.

if TYPE_CHECKING:
    from hyperstore.allegroai.dataentry import DataEntry, DataSubEntry
    from hyperstore.allegroai.dataentryimage import DataEntryImage, DataSubEntryImage
    from hyperstore.allegroai.dataframe import (
        Annotation,
        BoundingBox2D,
        BoundingBox3D,
        ComplexPolygon2D,
        ComplexPolygon3D,
        Ellipse2D,
        FrameGroup,
        ImageAnnotation,
        KeyPoints2D,
        KeyPoints3D,
        Mask,
        Polygon2D,
        Polygon3D,
        SingleFrame,
    )
    from hyperstore.allegroai.datasetversion import Dataset, DatasetVersion
    from hyperstore.allegroai.dataview import DataPipe, DataView, IterationOrder
    from hyperstore.allegroai.hyperdataset import HyperDataset, HyperDatasetManagement
    from hyperstore.allegroai.hyperdataview import HyperDatasetQuery, HyperDataView
    from hyperstore.allegroai.model import InputModel, OutputModel
    from hyperstore.allegroai.storage import StorageManager
    from hyperstore.allegroai.task import Logger, Task
    from hyperstore.allegroai.tasktypes import TaskTypes
    from hyperstore.errors import UsageError

__all__ = [
    "Annotation",
    "BoundingBox2D",
    "BoundingBox3D",
    "ComplexPolygon2D",
    "ComplexPolygon3D",
    "DataEntry",
    "DataEntryImage",
    "DataPipe",
    "DataSubEntry",
    "DataSubEntryImage",
    "DataView",
    "Dataset",
    "DatasetVersion",
    "Ellipse2D",
    "FrameGroup",
    "HyperDataView",
    "HyperDataset",
    "HyperDatasetManagement",
    "HyperDatasetQuery",
    "ImageAnnotation",
    "InputModel",
    "IterationOrder",
    "KeyPoints2D",
    "KeyPoints3D",
    "Logger",
    "Mask",
    "OutputModel",
    "Polygon2D",
    "Polygon3D",
    "SingleFrame",
    "StorageManager",
    "Task",
    "TaskTypes",
    "UsageError",
]

_MODULES = {
    "allegroai.dataentry": ("DataEntry", "DataSubEntry"),
    "allegroai.dataentryimage": ("DataEntryImage", "DataSubEntryImage"),
    "allegroai.dataframe": (
        "Annotation",
        "BoundingBox2D",
        "BoundingBox3D",
        "ComplexPolygon2D",
        "ComplexPolygon3D",
        "Ellipse2D",
        "FrameGroup",
        "ImageAnnotation",
        "KeyPoints2D",
        "KeyPoints3D",
        "Mask",
        "Polygon2D",
        "Polygon3D",
        "SingleFrame",
    ),
    "allegroai.datasetversion": ("Dataset", "DatasetVersion"),
    "allegroai.dataview": ("DataPipe", "DataView", "IterationOrder"),
    "allegroai.hyperdataset": ("HyperDataset", "HyperDatasetManagement"),
    "allegroai.hyperdataview": ("HyperDataView", "HyperDatasetQuery"),
    "allegroai.model": ("InputModel", "OutputModel"),
    "allegroai.storage": ("StorageManager",),
    "allegroai.task": ("Logger", "Task"),
    "allegroai.tasktypes": ("TaskTypes",),
    "errors": ("UsageError",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hyperstore.allegroai' has no attribute {name!r}")
    found: object = getattr(import_module(f"hyperstore.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
