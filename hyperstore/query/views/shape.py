"""How a view gives a frame out: which of its ROIs, under which labels, with which numbers.

A frame that nobody looks into costs nothing of this: its ROIs are chosen and mapped when they are
decoded.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hyperstore.dataset.view import Frame
from hyperstore.frames.records import RoiRecord, WholeRecord
from hyperstore.frames.reshape import reshape
from hyperstore.frames.roots import Roots
from hyperstore.query.checks import ALL_IN_FRAME
from hyperstore.query.language.condition import Condition
from hyperstore.query.language.match import matching_rois
from hyperstore.query.views.mapping import MappingRule, mapped, rules_for

__all__ = ["Shape"]


@dataclass(frozen=True, slots=True)
class Shape:
    """What is done to each frame; picklable. `conditions` are those of the selection's parts."""

    output_rois: str
    conditions: tuple[Condition, ...]
    rules: tuple[MappingRule, ...]
    labels: Mapping[str, int] | None
    roots: Roots

    @property
    def is_plain(self) -> bool:
        """Whether every frame goes out as it is stored."""
        return self.output_rois == ALL_IN_FRAME and not self.rules and self.labels is None

    def __call__(self, frame: Frame, part: int = 0, roi: int | None = None) -> Frame:
        """Return the frame as readers see it; `roi` is which of the matching ones, if one."""
        rules = rules_for(self.rules, frame.home) if self.rules else ()
        condition = None if self.output_rois == ALL_IN_FRAME else self.conditions[part]
        if rules or self.labels is not None or condition is not None:
            change = _Change(rules, condition, roi, self.roots)
            is_needed = rules or condition is not None
            reshape(frame, change if is_needed else None, self.labels)
        return frame


@dataclass(frozen=True, slots=True)
class _Change:
    """From the ROIs that are stored to those that are seen."""

    rules: tuple[MappingRule, ...]
    condition: Condition | None
    roi: int | None
    roots: Roots

    def __call__(self, rois: list[RoiRecord]) -> list[RoiRecord]:
        if self.condition is not None:
            found = matching_rois(self.condition, WholeRecord(rois=rois, sources=[]), self.roots)
            if self.roi is not None:
                found = found[self.roi : self.roi + 1]
            rois = [rois[at] for at in found]
        if self.rules:
            for one in rois:
                one.label = mapped(one.label, self.rules)
        return rois
