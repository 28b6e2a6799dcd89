"""Libraries that CI installs, and that elsewhere are a choice: some take gigabytes."""

import importlib
import os
from types import ModuleType

import pytest

__all__ = ["needed"]


def needed(name: str, *, group: str) -> ModuleType:
    """Return a library; skip who asks where it is not installed, which in CI is a failure."""
    try:
        return importlib.import_module(name)
    except ImportError:
        missing = f"{name} is not installed: python -m pip install --group {group}"
    if os.environ.get("CI") == "true":
        pytest.fail(missing, pytrace=False)
    pytest.skip(missing, allow_module_level=True)
