"""What `clearml` answers: tasks, loggers, storage, models, and the newer names of datasets."""

from importlib import import_module

TYPE_CHECKING = False  # As typing has it.

if TYPE_CHECKING:
    from hyperstore.allegroai.dataentry import DataEntry, DataSubEntry
    from hyperstore.allegroai.dataentryimage import DataEntryImage, DataSubEntryImage
    from hyperstore.allegroai.hyperdataset import HyperDataset, HyperDatasetManagement
    from hyperstore.allegroai.hyperdataview import HyperDatasetQuery
    from hyperstore.allegroai.hyperdataview import HyperDataView as DataView
    from hyperstore.allegroai.model import InputModel, OutputModel
    from hyperstore.allegroai.storage import StorageManager
    from hyperstore.allegroai.task import Logger, Task
    from hyperstore.allegroai.tasktypes import TaskTypes

__all__ = [
    "DataEntry",
    "DataEntryImage",
    "DataSubEntry",
    "DataSubEntryImage",
    "DataView",
    "HyperDataset",
    "HyperDatasetManagement",
    "HyperDatasetQuery",
    "InputModel",
    "Logger",
    "OutputModel",
    "StorageManager",
    "Task",
    "TaskTypes",
]


_OTHERWISE = {"DataView": "HyperDataView"}  # Which `allegroai` has under that name too.


def __getattr__(name: str) -> object:
    """Load a public name (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'hyperstore.allegroai.clearml' has no attribute {name!r}")
    here = _OTHERWISE.get(name, name)
    found: object = getattr(import_module("hyperstore.allegroai"), here)
    globals()[name] = found
    return found
