"""What all fault tests share: how often they strike, and what it means when one cannot run."""

import os
from typing import NoReturn

import pytest

__all__ = ["cannot_run", "is_soak", "rounds"]


def is_soak() -> bool:
    """Say whether this is the long run that `tools/check.py --soak` starts."""
    return os.environ.get("HYPOTHESIS_PROFILE") == "soak"


def rounds(check: int, *, soak: int) -> int:
    """Return how many faults to plant: the first figure in every check, the second in a soak."""
    return soak if is_soak() else check


def cannot_run(reason: str) -> NoReturn:
    """Give up a fault test: a failure in CI, a counted skip on a machine that lacks something."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"a fault test cannot run here: {reason}")
    pytest.skip(f"a fault test cannot run here: {reason}")
