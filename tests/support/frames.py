"""Small wire frames for tests that are not about frames themselves."""

from collections.abc import Iterable

__all__ = ["Wire", "by_order", "wire", "wires"]

Wire = dict[str, object]


def wire(
    name: str,
    *,
    context: str = "clip",
    timestamp: int = 0,
    labels: Iterable[str] = ("cell",),
    x: float = 0.0,
    **meta: object,
) -> Wire:
    """Return a frame of that id with one box for each label; `x` moves the boxes."""
    return {
        "id": name,
        "context_id": context,
        "timestamp": timestamp,
        "sources": [
            {"id": "default", "uri": f"s3://bucket/{name}.jpg", "width": 640, "height": 480}
        ],
        "rois": [
            {
                "id": f"{name}-{index}",
                "label": [label],
                "poly": [x, 0.0, x + 10, 0.0, x + 10, 10.0, x, 10.0],
                "sources": ["default"],
                "meta": {"_type": "b2d"},
            }
            for index, label in enumerate(labels)
        ],
        "meta": dict(meta),
    }


def wires(count: int, *, start: int = 0) -> list[Wire]:
    """Return frames f000, f001, ... of four contexts, times going up by 40 ms in each."""
    return [
        wire(
            f"f{number:03d}", context=f"clip{number % 4}", timestamp=number // 4 * 40, number=number
        )
        for number in range(start, start + count)
    ]


def by_order(frames: Iterable[Wire]) -> list[str]:
    """Return the ids of frames as a version is to iterate them."""
    key = [(str(one["context_id"]), int(str(one["timestamp"])), str(one["id"])) for one in frames]
    return [frame_id for _, _, frame_id in sorted(key)]
