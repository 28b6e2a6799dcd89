"""hyperstore: an embedded, local-first, versioned store for computer-vision datasets.

    with hyperstore.init("data/.hyperstore") as store:
        version = store.create_dataset("cells").version("Current")
        version.add_frames(frames)
        version.commit("Add the first slides")

The layers, lowest first: errors, limits, ids and codec are the words; storage keeps bytes in LMDB;
tree makes sorted maps of them; history knows commits and names; frames are plain values; dataset is
what users hold; query is what readers ask; maintenance works on whole stores; formats reads and
writes other formats; allegroai answers programs of ClearML's; cli is the command. FORMAT.md says
what is on disk, byte by byte.

Names load when they are first used, so that the import, and the command's start, stay quick: and
hardly anything runs before `__main__` has seen to Ctrl-C.
"""

TYPE_CHECKING = False  # As typing has it, whose import takes longer than all the rest of this.

if TYPE_CHECKING:
    from hyperstore.dataset.dataset import Dataset, DatasetVersion
    from hyperstore.dataset.store import Store
    from hyperstore.errors import (
        ConflictError,
        CorruptError,
        DiskFullError,
        ExistsError,
        ForkError,
        FormatError,
        FrameError,
        HyperstoreError,
        LockedError,
        MediaError,
        MissingObjectError,
        NotFoundError,
        PublishedError,
        QueryError,
        RefusedError,
        UsageError,
    )
    from hyperstore.frames.annotation import Annotation, ImageAnnotation, Mask
    from hyperstore.frames.boxes import BoundingBox2D, BoundingBox3D, Ellipse2D
    from hyperstore.frames.frame import SingleFrame
    from hyperstore.frames.group import FrameGroup
    from hyperstore.frames.polygons import (
        ComplexPolygon2D,
        ComplexPolygon3D,
        KeyPoints2D,
        KeyPoints3D,
        Polygon2D,
        Polygon3D,
    )
    from hyperstore.maintenance.automatic import init
    from hyperstore.maintenance.automatic import open_store as open
    from hyperstore.query.dataview import DataView
    from hyperstore.query.order import IterationOrder

__all__ = [
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

__version__ = "0.1.0"

_MODULES = {
    "dataset.dataset": ("Dataset", "DatasetVersion"),
    "dataset.store": ("Store",),
    "frames.annotation": ("Annotation", "ImageAnnotation", "Mask"),
    "frames.boxes": ("BoundingBox2D", "BoundingBox3D", "Ellipse2D"),
    "frames.frame": ("SingleFrame",),
    "frames.group": ("FrameGroup",),
    "frames.polygons": (
        "ComplexPolygon2D",
        "ComplexPolygon3D",
        "KeyPoints2D",
        "KeyPoints3D",
        "Polygon2D",
        "Polygon3D",
    ),
    "maintenance.automatic": ("init", "open"),
    "query.dataview": ("DataView",),
    "query.order": ("IterationOrder",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name from its module (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module 'hyperstore' has no attribute {name!r}")
    import gc
    from importlib import import_module

    collects = gc.isenabled()
    gc.disable()  # What modules make stays; looking for garbage in it is a tenth of the time.
    try:
        module = import_module(f"hyperstore.{_HOMES.get(name, 'errors')}")
        if _HOMES.get(name) in ("dataset.dataset", "query.dataview"):  # Their calls open stores.
            import_module("hyperstore.maintenance.automatic")
    finally:
        if collects:
            gc.enable()
    found: object = getattr(module, "open_store" if name == "open" else name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
