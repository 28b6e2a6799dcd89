"""`allegroai.dataview`: DataView as programs for `allegroai` make it, and its orders."""

from collections.abc import Iterable
from typing import NoReturn, Self

import hyperstore.maintenance.automatic  # noqa: F401 - it tidies the stores that its calls open.
from hyperstore.allegroai.connected import ConnectedView
from hyperstore.allegroai.taskviews import VIEW_CLASSES
from hyperstore.dataset.arguments import documented
from hyperstore.errors import UsageError
from hyperstore.query.dataview import DataView as NativeView
from hyperstore.query.order import IterationOrder
from hyperstore.query.views.queries import Query
from hyperstore.query.views.state import StoreLike

__all__ = ["DataPipe", "DataView", "IterationOrder"]


class DataView(ConnectedView):
    """Queries over versions, gone through in an order; connected to the task of this process."""

    @documented
    def __init__(
        self,
        name: str | None = None,
        iteration_order: IterationOrder | str = IterationOrder.sequential,
        iteration_infinite: bool = False,
        maximum_number_of_frames: int | None = None,
        auto_connect_with_task: bool | str = True,
        queries: "Iterable[Query] | Query | None" = None,
        **kwargs: object,
    ) -> None:
        """Take what hyperstore's own DataView takes, and whether a task is told of it.

        There is no page on which a view is edited from outside, so one that is connected
        read-only is connected.
        """
        NativeView.__init__(
            self,
            name,
            iteration_order,
            iteration_infinite,
            maximum_number_of_frames,
            queries=queries,
            **kwargs,  # type: ignore[arg-type]
        )
        self._connect_with_task(auto_connect_with_task)

    @classmethod
    def _bare(cls, store: StoreLike) -> Self:
        return cls(store=store, auto_connect_with_task=False)


VIEW_CLASSES["allegroai"] = DataView


class DataPipe:
    """What older programs fed a training with."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        _refuse()


def _refuse() -> NoReturn:
    raise UsageError("DataPipe is not there; DataView.get_iterator() gives frames to a training")
