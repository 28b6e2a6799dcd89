"""Everything that must hold before a change lands: format, lint, types, tests, wheel, benchmarks.

python3 tools/check.py           all of it, as CI does
python3 tools/check.py --fast    format, lint, types and quick tests: under a minute
python3 tools/check.py --fix     format, and mend what lint can mend
python3 tools/check.py --soak    long random runs and the large fault figures
"""

import argparse
import os
import subprocess
import tempfile
import time
import venv
from pathlib import Path

from environment import PROJECT, python_of, ready_python

__all__ = ["main"]

Step = list[str]


def run(step: Step, where: Path = PROJECT, **settings: str) -> str:
    """Run one command, show it with its time, stop everything if it fails; return its last line."""
    print("$", " ".join(step), flush=True)
    start, last = time.monotonic(), ""
    environment = {**os.environ, **settings}
    with subprocess.Popen(
        step, cwd=where, env=environment, stdout=subprocess.PIPE, text=True, errors="replace"
    ) as child:
        for line in child.stdout or ():
            print(line, end="", flush=True)
            last = line.strip() or last
    print(f"  [{time.monotonic() - start:.1f} s]", flush=True)
    if child.returncode:
        print(last, flush=True)
        raise SystemExit(child.returncode)
    return last


def check_wheel(python: Step) -> None:
    """Install the wheel, core dependencies only, where the checkout cannot be seen; start it."""
    with tempfile.TemporaryDirectory(prefix="hyperstore-wheel-") as name:
        folder = Path(name)
        run([*python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", name, "."])
        venv.create(folder / "venv", with_pip=True, symlinks=os.name != "nt")
        fresh = python_of(folder / "venv")
        wheel = next(folder.glob("*.whl"))
        run([str(fresh), "-m", "pip", "install", "-q", "--disable-pip-version-check", str(wheel)])
        run([str(fresh), "-c", "import hyperstore"], where=folder)
        run([str(fresh.with_name("hyperstore")), "--help"], where=folder)


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Check the project.")
    only = parser.add_mutually_exclusive_group()
    for flag in ("--fast", "--fix", "--soak"):
        only.add_argument(flag, action="store_true")
    return parser.parse_args()


def main() -> None:
    """Run the steps in order; pytest's closing line, the one that counts, is shown last."""
    given = arguments()
    python = [str(ready_python(dev=True))]
    pytest = [*python, "-m", "pytest", "-q", "-n", str(min(os.cpu_count() or 1, 4))]
    profile = "fast" if given.fast else "soak" if given.soak else "ci"
    if given.fix:
        run([*python, "-m", "ruff", "format", "."])
        run([*python, "-m", "ruff", "check", "--fix", "."])
        return
    if given.soak:
        folders = [f"tests/{each}" for each in ("crash", "property", "stateful")]
        print(run([*pytest, "--timeout=0", *folders], HYPOTHESIS_PROFILE=profile))
        return
    run([*python, "-m", "ruff", "format", "--check", "."])
    run([*python, "-m", "ruff", "check", "."])
    run([*python, "-m", "mypy"])
    quick = ["-m", "not slow"] if given.fast else []
    closing = run([*pytest, *quick], HYPOTHESIS_PROFILE=profile)
    if not given.fast:
        check_wheel(python)
        run([*python, "benchmarks/run.py", "--smoke"])
        run([*python, "benchmarks/query.py", "--smoke", "--contenders", "hyperstore,raw,sqlite"])
    print(closing)


if __name__ == "__main__":
    main()
