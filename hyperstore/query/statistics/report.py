"""What statistics of frames say: labels, shapes, confidence, contexts and sources, as plain values.

The size of a shape is that of the upright box around it; what is not in the plane has none, nor has
what is longer than any picture. Small, medium and large are COCO's words: areas of that box below
32 x 32, below 96 x 96, and above. An ROI that says a label twice has it once. A frame without a
context is in that of its first source's URI, as in the order of iteration.
"""

from dataclasses import dataclass

from hyperstore.query.statistics.tally import Spread

__all__ = ["ContextCount", "LabelCount", "SourceCount", "Statistics"]


@dataclass(frozen=True, slots=True)
class LabelCount:
    """How many ROIs have a label, and how many frames have such ROIs."""

    label: str
    rois: int
    frames: int


@dataclass(frozen=True, slots=True)
class ContextCount:
    """Frames and ROIs of one context."""

    context: str
    frames: int
    rois: int


@dataclass(frozen=True, slots=True)
class SourceCount:
    """Frames that have a source of this id, and ROIs that name it."""

    source: str
    frames: int
    rois: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What was counted. Lists have the most frequent first, then go by name.

    `others` has, for a list, what came under names that are not in it.
    """

    frames: int
    groups: int
    annotated: int
    rois: int
    unlabelled: int  # ROIs without any label.
    labels: list[LabelCount]
    pairs: list[tuple[str, str, int]]  # Two labels, and the frames that have ROIs of both.
    kinds: dict[str, int]  # ROIs by the kind of their shape.
    rois_a_frame: dict[int, int]  # How many frames have so many ROIs.
    confidence: Spread
    unsure: int  # ROIs without a confidence.
    width: Spread
    height: Spread
    area: Spread
    aspect: Spread  # Width over height; of boxes that have both.
    sizes: dict[str, int]  # small, medium, large.
    unmeasured: int  # ROIs without a size.
    contexts: int
    context_frames: Spread  # Frames a context.
    largest_contexts: list[ContextCount]
    sources: list[SourceCount]
    content_types: dict[str, int]
    picture_sizes: dict[str, int]  # Sources by width x height.
    others: dict[str, int]

    def to_dict(self) -> dict[str, object]:
        """Return it as plain values, for programs."""
        return {
            "frames": {
                "count": self.frames,
                "groups": self.groups,
                "annotated": self.annotated,
                "unannotated": self.frames - self.annotated,
            },
            "rois": {
                "count": self.rois,
                "unlabelled": self.unlabelled,
                "a_frame": [[rois, frames] for rois, frames in self.rois_a_frame.items()],
                "kinds": self.kinds,
            },
            "labels": [
                {"label": one.label, "rois": one.rois, "frames": one.frames} for one in self.labels
            ],
            "pairs": [{"labels": [one, two], "frames": count} for one, two, count in self.pairs],
            "confidence": self.confidence.to_dict() | {"missing": self.unsure},
            "boxes": {
                "width": self.width.to_dict(),
                "height": self.height.to_dict(),
                "area": self.area.to_dict(),
                "aspect": self.aspect.to_dict(),
                "sizes": self.sizes,
                "unmeasured": self.unmeasured,
            },
            "contexts": {
                "count": self.contexts,
                "frames": self.context_frames.to_dict(),
                "largest": [
                    {"context": one.context, "frames": one.frames, "rois": one.rois}
                    for one in self.largest_contexts
                ],
            },
            "sources": [
                {"source": one.source, "frames": one.frames, "rois": one.rois}
                for one in self.sources
            ],
            "content_types": self.content_types,
            "picture_sizes": self.picture_sizes,
            "others": self.others,
        }
