"""Answers `import clearml` in a process that a program of the runner has started.

It is found by PYTHONPATH, and gives its place to the face of that name at once.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["answer"]

if find_spec("hyperstore") is None:  # A checkout that only the first process had in its path.
    sys.path.append(str(Path(__file__).resolve().parents[4]))

from hyperstore.allegroai.finder import answer

answer(__name__)
