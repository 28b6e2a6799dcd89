"""The slow twin of statistics: counts over wire frames, in lists, by the words of the promise."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from typing import Any

from hyperstore.limits import STATS_SIZE_MAX

__all__ = ["slow_statistics"]

Wire = dict[str, Any]
_SENTINEL = -999_999_999


def _kind(roi: Wire) -> str:
    kind = roi.get("meta", {}).get("_type")
    if kind is not None:
        return str(kind)
    return "p2d" if "poly" in roi else "mask" if "mask" in roi else "im"


def _size(roi: Wire) -> tuple[float, float] | None:
    kind, poly = _kind(roi), roi.get("poly")
    if not poly:
        return None
    if kind == "elp":
        _, _, a, b, turn = poly
        width = 2 * math.hypot(a * math.cos(turn), b * math.sin(turn))
        height = 2 * math.hypot(a * math.sin(turn), b * math.cos(turn))
    elif kind in ("p2d", "k2d", "b2d"):
        parts: list[list[float]] = [[]]
        for number in poly:
            if number == _SENTINEL:
                parts.append([])
            else:
                parts[-1].append(number)
        xs = [x for part in parts for x in part[0::2]]
        ys = [y for part in parts for y in part[1::2]]
        width, height = max(xs) - min(xs), max(ys) - min(ys)
    else:
        return None
    fits = width <= STATS_SIZE_MAX and height <= STATS_SIZE_MAX
    return (float(width), float(height)) if fits else None


def _spread(numbers: Sequence[float]) -> dict[str, float | None]:
    if not numbers:
        return {"count": 0, "min": None, "max": None, "mean": None}
    mean = math.fsum(numbers) / len(numbers)
    return {"count": len(numbers), "min": min(numbers), "max": max(numbers), "mean": mean}


def slow_statistics(frames: Sequence[Wire]) -> Wire:
    """Return the numbers that `Statistics.to_dict` has for these frames, but for bins."""
    rois = [roi for frame in frames for roi in frame.get("rois", [])]
    sizes = [size for size in map(_size, rois) if size is not None]
    areas = [width * height for width, height in sizes]
    labels: Counter[str] = Counter(label for roi in rois for label in set(roi["label"]))
    held = [{label for roi in frame.get("rois", []) for label in roi["label"]} for frame in frames]
    contexts = [frame.get("context_id", frame["sources"][0]["uri"]) for frame in frames]
    sources = [source for frame in frames for source in frame["sources"]]
    return {
        "frames": {
            "count": len(frames),
            "annotated": sum(bool(frame.get("rois")) for frame in frames),
        },
        "rois": {
            "count": len(rois),
            "unlabelled": sum(not roi["label"] for roi in rois),
            "a_frame": Counter(len(frame.get("rois", [])) for frame in frames),
            "kinds": Counter(map(_kind, rois)),
        },
        "labels": {
            label: (count, sum(label in one for one in held)) for label, count in labels.items()
        },
        "pairs": Counter(pair for one in held for pair in combinations(sorted(one), 2)),
        "confidence": _spread([roi["confidence"] for roi in rois if "confidence" in roi]),
        "width": _spread([width for width, _ in sizes]),
        "height": _spread([height for _, height in sizes]),
        "area": _spread(areas),
        "aspect": _spread([width / height for width, height in sizes if width and height]),
        "sizes": {
            "small": sum(area < 1024 for area in areas),
            "medium": sum(1024 <= area < 9216 for area in areas),
            "large": sum(area >= 9216 for area in areas),
        },
        "contexts": Counter(contexts),
        "sources": Counter(
            name for frame in frames for name in {source["id"] for source in frame["sources"]}
        ),
        "named": Counter(name for roi in rois for name in roi.get("sources", ())),
        "content_types": Counter(
            source["content_type"] for source in sources if "content_type" in source
        ),
        "picture_sizes": Counter(
            f"{source['width']} x {source['height']}"
            for source in sources
            if "width" in source and "height" in source
        ),
    }
