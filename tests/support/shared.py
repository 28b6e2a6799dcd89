"""Real datasets that lie beside a developer's checkout; a stranger's clone has none."""

from pathlib import Path

import pytest

__all__ = ["shared_data"]


def shared_data(name: str) -> Path:
    """Return the path of one real dataset, or skip the test where it is not there."""
    path = Path(__file__).resolve().parents[2].parent / "shared" / "data" / name
    if not path.exists():
        pytest.skip(f"real dataset {name} is not beside this checkout")
    return path
