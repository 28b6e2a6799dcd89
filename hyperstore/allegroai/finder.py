"""Answers every way of importing `allegroai` and `clearml`, by a finder that comes first.

A face is a module of its own, with the name that was asked for and what a module of this package
holds; names are loaded when they are used. So nothing is pickled under a face's name, and an
installed `clearml` is never loaded.
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

TYPE_CHECKING = False  # As typing has it.

if TYPE_CHECKING:
    from importlib.abc import Loader

__all__ = ["FACES", "SHADOW", "answer", "install", "install_for_children"]

SHADOW = os.path.join(os.path.dirname(__file__), "shadow")  # noqa: PTH118, PTH120 - see below.
"""A folder with packages called `allegroai` and `clearml`, for processes that a program starts."""

_HERE = "hyperstore.allegroai"
FACES = {
    "allegroai": _HERE,
    "allegroai.backend_api": f"{_HERE}.backend_api",
    "allegroai.backend_api.services": f"{_HERE}.backend_api.services",
    "allegroai.backend_api.services.datasets": f"{_HERE}.backend_api.services.datasets",
    "allegroai.backend_api.services.frames": f"{_HERE}.backend_api.services.frames",
    "allegroai.backend_interface": f"{_HERE}.backend_interface",
    "allegroai.dataframe": f"{_HERE}.dataframe",
    "allegroai.datasetversion": f"{_HERE}.datasetversion",
    "allegroai.dataview": f"{_HERE}.dataview",
    "allegroai.logger": f"{_HERE}.task",
    "allegroai.storage": f"{_HERE}.storage",
    "allegroai.storage.manager": f"{_HERE}.storage",
    "allegroai.task": f"{_HERE}.task",
    "clearml": f"{_HERE}.clearml",
    "clearml.backend_interface": f"{_HERE}.clearml",
    "clearml.backend_interface.task": f"{_HERE}.clearml",
    "clearml.backend_interface.task.task": f"{_HERE}.task",
    "clearml.hyperdatasets": f"{_HERE}.clearml",
    "clearml.hyperdatasets.core": f"{_HERE}.clearml",
    "clearml.hyperdatasets.data_entry": f"{_HERE}.dataentry",
    "clearml.hyperdatasets.data_entry_image": f"{_HERE}.dataentryimage",
    "clearml.hyperdatasets.data_view": f"{_HERE}.dataview",
    "clearml.hyperdatasets.management": f"{_HERE}.hyperdataset",
    "clearml.logger": f"{_HERE}.task",
    "clearml.model": f"{_HERE}.model",
    "clearml.storage": f"{_HERE}.storage",
    "clearml.storage.manager": f"{_HERE}.storage",
    "clearml.task": f"{_HERE}.task",
}
_TOPS = ("allegroai", "clearml")


class _Finder:
    """Finds the faces, and says of all else under their names that it is not answered.

    A finder and a loader as Python's protocols have them. Neither their base classes nor pathlib
    are loaded here: each takes as long as all the rest of the runner.
    """

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] not in _TOPS:
            return None
        if fullname not in FACES:
            if sys._getframe(2).f_globals.get("__name__") == "importlib.util":
                return None  # It is asked whether there is one, and not imported.
            # Without its name, or `from clearml import X` would say something else instead.
            raise ModuleNotFoundError(_unanswered(fullname))
        is_package = any(one.startswith(f"{fullname}.") for one in FACES)
        # It has what a loader has, without being called one.
        loader: Loader = self  # type: ignore[assignment]
        return ModuleSpec(fullname, loader, origin=FACES[fullname], is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None  # Python makes it as it makes any other.

    def exec_module(self, module: ModuleType) -> None:
        _fill(module)


def install() -> None:
    """Answer imports in this process, whatever is installed; safe to repeat."""
    if not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def install_for_children() -> None:
    """Let Pythons that this process starts find the faces too, by what they take over from it.

    That is the environment, and of multiprocessing's children this process's `sys.path` as well.
    """
    before = os.environ.get("PYTHONPATH", "")
    if SHADOW not in before.split(os.pathsep):
        os.environ["PYTHONPATH"] = SHADOW + (os.pathsep + before if before else "")
    if SHADOW not in sys.path:
        sys.path.insert(0 if sys.flags.safe_path else 1, SHADOW)


def answer(name: str) -> None:
    """Put a face in the place of the module that is being imported: one of SHADOW's."""
    install()
    sys.modules.pop(name, None)
    import_module(name)


def _fill(face: ModuleType) -> None:
    real = import_module(FACES[face.__name__])
    said = vars(face)
    said["__doc__"] = real.__doc__
    said["__file__"] = real.__file__
    said["__all__"] = list(real.__all__)
    said["__dir__"] = lambda: sorted([*vars(face), *real.__all__])
    said["__getattr__"] = partial(_attribute, face, real)
    if "." not in face.__name__:
        said["__version__"] = import_module("hyperstore").__version__


def _attribute(face: ModuleType, real: ModuleType, name: str) -> object:
    """Return what a face is asked for: a name of its module, or a face below it."""
    below = f"{face.__name__}.{name}"
    if below in FACES:
        return import_module(below)
    if name in real.__all__:
        found: object = getattr(real, name)
        setattr(face, name, found)
        return found
    if name.startswith("__"):
        raise AttributeError(f"module {face.__name__!r} has no attribute {name!r}")
    raise AttributeError(_unanswered(below))


def _unanswered(name: str) -> str:
    """Say what is not answered, and what to take instead where there is something."""
    top, _, rest = name.partition(".")
    if name == "clearml.Dataset":
        hint = "it keeps files, not frames; `from allegroai import Dataset` has frames"
    else:
        module = rest.rpartition(".")[0]
        near = f"{top}.{module}" if f"{top}.{module}" in FACES else top
        names = sorted(import_module(FACES[near]).__all__)
        hint = f"{near} has {', '.join(names)}" if names else "there is no server to be asked"
    return f"{name} is not answered by hyperstore, which runs this program without {top}: {hint}"
