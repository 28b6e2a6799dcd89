"""Where a frame was read: enough to open it again, and never a handle."""

from hyperstore.codec import Struct

__all__ = ["ApiDataset", "ApiFrame", "Home"]


class Home(Struct, frozen=True):
    """The version that a frame was read from; small, frozen, picklable."""

    store: str  # The path of the store's folder.
    dataset_id: str
    dataset_name: str
    version_id: str
    version_name: str
    commit: str | None = None  # Hex; None for the working frames of a draft.
    foreign: bool = False  # What the store holds came from somebody else.

    def describe(self) -> str:
        """Name the place for a message."""
        return f"{self.dataset_name}@{self.version_name}"

    def api_dataset(self) -> "ApiDataset":
        """Return what a frame's `_api_object.dataset` answers."""
        return ApiDataset(self.dataset_id, self.version_id)

    def origin(self) -> dict[str, str]:
        """Return what a frame's `origin` answers."""
        return {
            "dataset_id": self.dataset_id,
            "dataset_name": self.dataset_name,
            "version_id": self.version_id,
            "version_name": self.version_name,
        }


class ApiDataset(Struct, frozen=True):
    """The ids of the dataset and version that a frame was read from, as ClearML's API has them."""

    id: str | None = None
    version: str | None = None


class ApiFrame(Struct, frozen=True):
    """A frame as programs expect it that reach into ClearML's `frame._api_object`."""

    id: str
    dataset: ApiDataset
    context_id: str | None
    timestamp: int
    meta: dict[str, object]  # The frame's own live dict.
    blob: str | None
