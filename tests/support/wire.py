"""The normalisations of wire frames as documented, written out: a slow twin of the reader."""

from typing import Any

__all__ = ["normal_frame"]

_ANSWERED = """
dataset saved saved_in_version updated updated_in_version num_frames rule_name label_rule_counts
labels_size new_ver augmentation
"""
_FRAME = "id blob context_id timestamp meta meta_blob rois _kind"
_SOURCE = "content_type width height timestamp meta preview masks"
_PICTURE = "content_type width height timestamp"
_ROI = "id confidence poly sources mask meta"


def normal_frame(wire: dict[str, Any]) -> dict[str, Any]:
    """Return a frame in the form in which it comes back."""
    frame = {key: value for key, value in _meta(wire).items() if key not in _ANSWERED.split()}
    frame = _without(frame, _FRAME)
    _whole(frame, ["timestamp"])
    frame["sources"] = [_source(source) for source in frame["sources"]]
    if "rois" in frame:
        frame["rois"] = [_roi(roi) for roi in frame["rois"]]
    single = [source["id"] for source in frame["sources"]] == ["default"]
    if frame.get("_kind") == ("frame" if single else "group"):
        del frame["_kind"]
    return frame


def _source(wire: dict[str, Any]) -> dict[str, Any]:
    source = dict(_meta(wire))
    if isinstance(source.get("preview"), str):
        source["preview"] = {"uri": source["preview"]} if source["preview"] else None
    source = _without(source, _SOURCE)
    _whole(source, ["width", "height", "timestamp"])
    if "preview" in source:
        source["preview"] = _picture(source["preview"])
    if "masks" in source:
        source["masks"] = [_picture(mask) for mask in source["masks"]]
    return source


def _picture(wire: dict[str, Any]) -> dict[str, Any]:
    picture = _without(dict(wire), _PICTURE)
    _whole(picture, ["width", "height", "timestamp"])
    return picture


def _roi(wire: dict[str, Any]) -> dict[str, Any]:
    roi = {key: value for key, value in _meta(wire).items() if key != "label_num"}
    labels = roi.pop("labels", None)
    if labels is not None:
        roi["label"] = labels
    if isinstance(roi["label"], str):
        roi["label"] = [roi["label"]]
    if roi.get("meta"):
        roi["meta"] = _without(dict(roi["meta"]), "_type _id", empty=False)
    roi = _without(roi, _ROI)
    if "confidence" in roi:
        roi["confidence"] = float(roi["confidence"])
    return roi


def _meta(wire: dict[str, Any]) -> dict[str, Any]:
    found = dict(wire)
    other = found.pop("metadata", None)
    if other is not None:
        found["meta"] = other
    return found


def _without(wire: dict[str, Any], names: str, *, empty: bool = True) -> dict[str, Any]:
    """Drop known fields that hold null, and those that hold an empty list or map."""
    return {
        key: value
        for key, value in wire.items()
        if key not in names.split() or not (value is None or (empty and value in ([], {})))
    }


def _whole(wire: dict[str, Any], names: list[str]) -> None:
    for name in names:
        if name in wire:
            wire[name] = int(wire[name])
