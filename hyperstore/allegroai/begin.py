"""The record of a run as it begins: what this process knows of itself."""

import platform
import socket
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from hyperstore.dataset.runsgit import git_head
from hyperstore.dataset.secrets import without_secrets
from hyperstore.history.run import RUNNING, Process, Program, Run
from hyperstore.ids import new_id
from hyperstore.limits import RUN_ARGUMENTS_MAX, RUN_TEXT_MAX
from hyperstore.storage.host import now_ms, process_started, running_system

__all__ = ["beginning", "plain_text"]


def beginning(
    *, name: str, project: str, kind: str, tags: Sequence[str], output: str, user: str, pid: int
) -> Run:
    """Return the record of a run that begins now in this process."""
    script = _script()
    git = git_head(Path.cwd() if script is None else script.parent)
    words = [plain_text(one) for one in sys.argv[1 : 1 + RUN_ARGUMENTS_MAX]]
    return Run(
        id=new_id(),
        name=name or (script.stem if script is not None else "interactive"),
        process=Process(
            host=socket.gethostname(),
            machine=running_system(),
            pid=pid,
            started=process_started(pid),
            user=user,
        ),
        program=Program(
            arguments=without_secrets(words),
            git_branch=git.branch,
            git_commit=git.commit,
            hyperstore=str(import_module("hyperstore").__version__),
            output=output,
            python=platform.python_version(),
            script="" if script is None else plain_text(str(script)),
            type=kind,
        ),
        project=project,
        started=now_ms(),
        status=RUNNING,
        tags=list(tags),
    )


def plain_text(text: str) -> str:
    """Return text that can be stored, cut where it is long."""
    return text[:RUN_TEXT_MAX].encode(errors="backslashreplace").decode()


def _script() -> Path | None:
    """Return the file of the program; None where there is none, as at a prompt."""
    path = getattr(sys.modules.get("__main__"), "__file__", None)
    return Path(path).absolute() if isinstance(path, str) else None
