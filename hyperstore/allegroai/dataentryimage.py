"""DataEntryImage and DataSubEntryImage: entries of pictures, with shapes, masks and sizes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

from hyperstore.allegroai.dataentry import DataEntry, DataSubEntry
from hyperstore.allegroai.notes import Notes
from hyperstore.dataset.arguments import documented
from hyperstore.frames.annotation import Annotation
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.source import Uri

__all__ = ["DataEntryImage", "DataSubEntryImage"]

_Wire = dict[str, object]
_Id = str | int | None
_Numbers = Iterable[object] | None


class DataSubEntryImage(DataSubEntry):
    """One picture of an entry."""

    @documented
    def __init__(
        self,
        name: str = "image_entry_0",
        source: str | None = None,
        preview_source: str | None = None,
        width: int | None = None,
        height: int | None = None,
        timestamp: int | None = None,
        context_id: str | None = None,
        masks_source: Sequence[str] | Mapping[str, str] | None = None,
        metadata: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(name, source, preview_source, metadata)
        self._frame.width = width
        self._frame.height = height
        if timestamp is not None:
            self._frame.timestamp = timestamp
        if context_id is not None:
            self._frame.context_id = context_id
        if masks_source is not None:
            self.set_masks_source(masks_source)

    @property
    def width(self) -> int | None:
        """In pixels."""
        return self._frame.width

    @width.setter
    def width(self, value: int | None) -> None:
        self._frame.width = value

    @property
    def height(self) -> int | None:
        """In pixels."""
        return self._frame.height

    @height.setter
    def height(self, value: int | None) -> None:
        self._frame.height = value

    @property
    def timestamp(self) -> int | None:
        """In milliseconds; it is the entry's too, where that has none."""
        return self._frame.timestamp

    @timestamp.setter
    def timestamp(self, value: int | None) -> None:
        self._frame.timestamp = value

    @property
    def context_id(self) -> str | None:
        return self._frame.context_id

    @context_id.setter
    def context_id(self, value: str | None) -> None:
        self._frame.context_id = value

    # Masks.

    def set_mask_source(self, uri: str | None) -> str | None:
        """Add a mask, and return its id; None takes all masks away."""
        if uri is None:
            self._frame.masks_source = None
            return None
        known = self._frame.masks_source
        number = len(known)
        while f"{number:02}" in known:
            number += 1
        masks: dict[str, Uri] = dict(known)
        masks[f"{number:02}"] = uri
        self._frame.masks_source = masks
        return f"{number:02}"

    def set_masks_source(
        self, masks_source: Sequence[str] | Mapping[str, str] | None = None
    ) -> None:
        """Replace the masks: by id, or in order, as `00`, `01`, …"""
        self._frame.masks_source = masks_source

    def get_masks_source_dict(self) -> dict[str, str]:
        return dict(self._frame.masks_source)

    def get_mask_source(self, mask_id: str | None = None) -> str | None:
        """Return the URI of a mask, of the first one unless said."""
        known = self._frame.masks_source
        return known.get(mask_id) if mask_id is not None else next(iter(known.values()), None)

    @documented
    def get_local_mask_source(
        self,
        raise_on_error: bool = False,
        mask_id: str | None = None,
        force_download: bool = False,
    ) -> str | None:
        """Return the path of a mask here."""
        return self._frame.get_local_mask_source(
            raise_on_error=raise_on_error, mask_id=mask_id, force_download=force_download
        )

    @documented
    def get_local_masks_source(
        self, raise_on_error: bool = False, force_download: bool = False
    ) -> dict[str, str | None]:
        """Return the paths of the masks here, by their ids."""
        return self._frame.get_local_masks_source(
            raise_on_error=raise_on_error, force_download=force_download
        )

    # Annotations.

    @documented
    def add_annotation(
        self,
        poly2d_xy: _Numbers = None,
        poly3d_xyz: _Numbers = None,
        points2d_xy: _Numbers = None,
        points3d_xyz: _Numbers = None,
        box2d_xywh: _Numbers = None,
        box3d_xyzwhxyzwh: _Numbers = None,
        ellipse2d_xyrrt: _Numbers = None,
        mask_rgb: _Numbers = None,
        frame_class: Sequence[str] | None = None,
        id: _Id = None,
        labels: Sequence[str] | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, object] | None = None,
        *,
        mask_id: str | None = None,
    ) -> list[int]:
        """Append one annotation for each shape, or a label of the picture; return positions."""
        said = {name: value for name, value in locals().items() if name != "self"}
        return Notes(self._frame).add(**said)

    @documented
    def remove_annotation(
        self, index: int | None = None, *, id: str | int | None = None
    ) -> Annotation | list[Annotation] | None:
        """Remove the annotation at a position, or those of an `id`; return what was removed."""
        return Notes(self._frame).remove_one(index, id=id)

    @documented
    def remove_annotations(
        self, id: _Id = None, label: str | None = None, labels: Sequence[str] | None = None
    ) -> list[Annotation]:
        """Remove annotations of an id, with a label, or with any of these labels; without, all."""
        return Notes(self._frame).remove(id=id, label=label, labels=labels)

    def get_all_annotations(self) -> list[Annotation]:
        return list(self._frame.annotations)

    @documented
    def get_annotations(self, id: _Id = None, index: int | None = None) -> list[Annotation]:
        """Return the annotations of an id, or the one at a position; without, all."""
        return Notes(self._frame).get(id=id, index=index)

    @classmethod
    def from_api_object(
        cls,
        source_obj: Mapping[str, object],
        name_fallback: str = "image_0",
        *,
        frame_meta: Mapping[str, object] | None = None,
        context_id: str | None = None,
    ) -> Self:
        """Return the picture of a source in the wire form, with its part of a frame's metadata."""
        made = super().from_api_object(source_obj, name_fallback)
        own = (frame_meta or {}).get(made.name)
        if isinstance(own, dict):
            made._frame.metadata = own
        if context_id is not None:
            made._frame.context_id = context_id
        return made


class DataEntryImage(DataEntry):
    """Pictures that belong together; a global annotation is of all of them at once."""

    sub_class = DataSubEntryImage

    def _begin(self, group: FrameGroup) -> None:
        super()._begin(group)
        self._global = Notes()

    @documented
    def add_global_annotation(
        self,
        poly2d_xy: _Numbers = None,
        poly3d_xyz: _Numbers = None,
        points2d_xy: _Numbers = None,
        points3d_xyz: _Numbers = None,
        box2d_xywh: _Numbers = None,
        box3d_xyzwhxyzwh: _Numbers = None,
        ellipse2d_xyrrt: _Numbers = None,
        mask_rgb: _Numbers = None,
        frame_class: Sequence[str] | None = None,
        id: _Id = None,
        labels: Sequence[str] | None = None,
        confidence: float | None = None,
        metadata: Mapping[str, object] | None = None,
        *,
        mask_id: str | None = None,
    ) -> list[int]:
        """Annotate all pictures at once, by one ROI that names them all; return positions."""
        said = {name: value for name, value in locals().items() if name in _SHAPES}
        return self._global.add(**said)

    @documented
    def remove_global_annotation(
        self, index: int | None = None, *, id: str | int | None = None
    ) -> Annotation | list[Annotation] | None:
        """Remove the global annotation at a position, or those of an `id`."""
        return self._global.remove_one(index, id=id)

    @documented
    def remove_global_annotations(
        self, id: _Id = None, label: str | None = None, labels: Sequence[str] | None = None
    ) -> list[Annotation]:
        """Remove global annotations; without a choice, all."""
        return self._global.remove(id=id, label=label, labels=labels)

    def get_all_global_annotations(self) -> list[Annotation]:
        return list(self._global.held)

    @documented
    def get_global_annotations(self, id: _Id = None, index: int | None = None) -> list[Annotation]:
        """Return the global annotations of an id, or the one at a position; without, all."""
        return self._global.get(id=id, index=index)

    def _whole(self) -> list[_Wire]:
        names = [one.name for one in self]
        shared = [one.to_dict() | {"sources": names} for one in self._global.held]
        return [*super()._whole(), *shared]

    def _settle(self) -> None:
        """Take ROIs that name all pictures from each of them, where there are several."""
        names = {one.name for one in self}
        if len(names) < 2:
            return
        taken: list[Annotation] = []
        for part in self:
            known = part._frame.annotations
            shared = [one for one in known if set(one.sources) == names]
            if shared:
                taken = taken or shared
                part._frame.annotations = [one for one in known if set(one.sources) != names]
        self._global.replace(taken)


_SHAPES = frozenset(DataSubEntryImage.add_annotation.__annotations__) - {"return"}
