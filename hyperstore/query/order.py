"""In which order a reader of many frames gets them."""

from enum import StrEnum

__all__ = ["IterationOrder"]


class IterationOrder(StrEnum):
    """The order of iteration; equal to its name as a string, which may be given in its place."""

    sequential = "sequential"  # By context, time and id: as a version is read.
    random = "random"  # Shuffled by a seed: the same at every run.
