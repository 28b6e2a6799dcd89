"""The project's own `.venv`: made where there is none, filled where pyproject.toml has changed.

Standard library only, since it runs on a machine that has nothing but Python.
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

__all__ = ["PROJECT", "python_of", "ready_python"]

PROJECT = Path(__file__).resolve().parents[1]

# Said at import, before an older Python meets syntax that it cannot read.
if sys.version_info < (3, 11):  # noqa: UP036
    raise SystemExit("hyperstore needs Python 3.11 or newer; this is " + sys.version.split()[0])


def python_of(folder: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ready_python(*, dev: bool) -> Path:
    """Return the interpreter of `.venv`, with the package installed so that edits count at once.

    With `dev`, what the checks need is installed too, and in CI the large libraries. A stamp beside
    the interpreter remembers what was installed, so a second run starts at once and offline.
    """
    folder = PROJECT / ".venv"
    python = python_of(folder)
    if not python.exists():
        try:
            venv.create(folder, with_pip=True, symlinks=os.name != "nt")
        except (subprocess.CalledProcessError, ImportError):
            raise SystemExit(
                f"{sys.executable} cannot make virtual environments: install its venv module"
                " (python3-venv on Debian), remove .venv, and run this again"
            ) from None
    groups = ["dev"] if dev else []
    if dev and os.environ.get("CI") == "true":
        groups += ["torch", "cluster"]
    words = ["-e", str(PROJECT), *(word for group in groups for word in ("--group", group))]
    project = (PROJECT / "pyproject.toml").read_bytes()
    wanted = hashlib.sha256(project + " ".join(groups).encode()).hexdigest()
    stamp = folder / ("installed-dev" if dev else "installed")
    if not stamp.exists() or stamp.read_text() != wanted:
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        print("installing into .venv ...", flush=True)
        subprocess.run([*pip, "--upgrade", "pip>=25.1"], check=True)  # Older ones know no groups.
        subprocess.run([*pip, *words], check=True, cwd=PROJECT)
        stamp.write_text(wanted)
    return python
