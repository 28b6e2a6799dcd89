"""`allegroai.dataview`: names of queries over versions, which are not there yet.

They can be imported, since many programs do that whether they query or not; to use one is an error.
"""

from typing import NoReturn

from hyperstore.errors import UsageError
from hyperstore.query.order import IterationOrder

__all__ = ["DataPipe", "DataView", "IterationOrder"]


class DataView:
    """A query over versions."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        _refuse("DataView")


class DataPipe:
    """What older programs fed a training with."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        _refuse("DataPipe")


def _refuse(name: str) -> NoReturn:
    raise UsageError(
        f"{name} is not there yet; DatasetVersion.get_iterator() and `for frame in version` read "
        "all frames of a version in order"
    )
