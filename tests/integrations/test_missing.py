"""Without the library that a module is for, one error names the command that installs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
sys.modules[sys.argv[2]] = None  # As where it is not installed.
from hyperstore.errors import UsageError
try:
    __import__("hyperstore.integrations." + sys.argv[1])
except UsageError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("name", "missing", "library", "extra"),
    [
        ("augmentation", "torchvision", "torchvision", "torch"),
        ("dask", "dask", "dask", "dask"),
        ("dask", "pandas", "dask", "dask"),  # What the extra brings along: a bare dask has none.
        ("ray", "ray", "ray", "ray"),
        ("ray", "pandas", "ray", "ray"),
        ("torch", "torch", "torch", "torch"),
    ],
)
def test_a_library_that_is_missing_is_named(
    name: str, missing: str, library: str, extra: str
) -> None:
    """Not by a traceback out of our imports, and not by what happened to be imported first."""
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, name, missing],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    said = f"hyperstore.integrations.{name} needs the library {library}: "
    assert ended.stdout == said + f"pip install 'hyperstore[{extra}]'\n", ended.stderr
