"""Which commit of git a program's folder stands on, read from `.git` without running git.

Nothing is said of changes that were not committed: to know them takes a look at every file.
"""

from pathlib import Path
from typing import NamedTuple

__all__ = ["GitHead", "git_head"]

_BYTES_MAX = 64 * 1024 * 1024  # Of a file of packed refs.
_HEAD_BYTES_MAX = 4096


class GitHead(NamedTuple):
    """Empty where nobody knows; a head that is detached has no branch."""

    commit: str = ""
    branch: str = ""


def git_head(folder: Path) -> GitHead:
    """Return where the checkout stands in which a folder lies."""
    try:
        for place in (folder, *folder.parents):
            found = place / ".git"
            if found.exists():
                return _head(found)
    except (OSError, ValueError):
        pass
    return GitHead()


def _head(found: Path) -> GitHead:
    if found.is_file():  # A further worktree, or a submodule.
        found = found.parent / _text(found).removeprefix("gitdir:").strip()
    common = found / "commondir"
    shared = found / _text(common).strip() if common.is_file() else found
    said = _text(found / "HEAD").strip()
    if not said.startswith("ref:"):
        return GitHead(_checked(said))
    name = said.removeprefix("ref:").strip()
    branch = name.removeprefix("refs/heads/")
    if ".." in name.split("/"):
        return GitHead()
    for loose in (found / name, shared / name):
        if loose.is_file():
            return GitHead(_checked(_text(loose).strip()), branch)
    packed = shared / "packed-refs"
    if packed.is_file() and packed.stat().st_size < _BYTES_MAX:
        for line in packed.read_text(encoding="utf-8", errors="replace").splitlines():
            digits, _, known = line.partition(" ")
            if known == name:
                return GitHead(_checked(digits), branch)
    return GitHead("", branch)


def _text(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(_HEAD_BYTES_MAX)


def _checked(digits: str) -> str:
    """Return the id of a commit (SHA-1 or SHA-256); nothing for what is none."""
    is_id = len(digits) in (40, 64) and not digits.strip("0123456789abcdef")
    return digits if is_id else ""
