"""What it costs to start: imports and commands over a bare interpreter, and the installed size."""

import contextlib
import importlib.metadata
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

__all__ = ["figures", "installed_bytes"]

CHECKOUT = Path(__file__).resolve().parents[1]
STARTS_MIN = 5


def _run(words: list[str], folder: Path) -> None:
    """Run Python once, with the checkout in sight."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1"}
    # As once installed: compiled modules are kept, beside the sources or where this says.
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    subprocess.run(
        [sys.executable, *words], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL
    )


def _start_s(words: list[str], folder: Path, starts: int) -> float:
    """Return the median wall time of a command, after one start that fills the caches."""
    times = []
    for _ in range(starts + 1):
        start = time.perf_counter()
        _run(words, folder)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def installed_bytes(name: str = "hyperstore", seen: set[str] | None = None) -> int:
    """Return the bytes of an installed distribution and of all that its core needs."""
    seen = set() if seen is None else seen
    if name in seen:
        return 0
    seen.add(name)
    found = importlib.metadata.distribution(name)
    paths = [Path(str(file.locate())) for file in found.files or []]
    total = sum(path.stat().st_size for path in paths if path.is_file())
    for line in found.requires or []:
        if "extra ==" not in line and "platform_system" not in line and "sys_platform" not in line:
            total += installed_bytes(re.split(r"[^\w.-]", line)[0], seen)
    return total


def figures(folder: Path, turns: int) -> dict[str, float]:
    """Return start-up times over a bare interpreter's, and the installed size where installed."""
    starts = max(STARTS_MIN, turns)
    command = ["-m", "hyperstore"]
    _run([str(CHECKOUT / "tools" / "sample.py"), "sample"], folder)
    _run([*command, "init"], folder)
    coco = ["import", "coco", "sample/annotations/instances.json", "--dataset", "sample"]
    _run([*command, *coco, "-m", "Import the sample"], folder)
    (folder / "empty.py").write_text("")
    (folder / "reads.py").write_text("from allegroai import DatasetVersion\n")
    (folder / "task.py").write_text("from clearml import Task\nTask.init('p', 't')\n")
    runner = ["-m", "hyperstore.allegroai"]
    bare = _start_s(["-c", "pass"], folder, starts)
    reads = _start_s(["-c", "from hyperstore import DatasetVersion"], folder, starts)
    found = {
        "runner_s": _start_s([*runner, "empty.py"], folder, starts) - bare,
        "runner_reads_s": _start_s([*runner, "reads.py"], folder, starts) - reads,
        "runner_task_s": _start_s([*runner, "task.py"], folder, starts) - bare,
        "run_s": _start_s([*command, "run", "empty.py"], folder, starts) - bare,
        "import_s": _start_s(["-c", "import hyperstore"], folder, starts) - bare,
        "version_s": _start_s([*command, "version"], folder, starts) - bare,
        "log_s": _start_s([*command, "log"], folder, starts) - bare,
    }
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # A bare checkout.
        found["installed_bytes"] = installed_bytes()
    return found
