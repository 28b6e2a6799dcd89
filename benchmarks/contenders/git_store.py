"""One JSON file a frame in a bare git repository, written by fast-import, no work tree.

Files lie two folders deep (`ab/cd/abcd….json`), which keeps git's trees small and its commits fast.
git has no order of (context, time), so it does not read in order.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

__all__ = ["Contender"]

Frame = dict[str, Any]
_ENV = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    "HOME": os.devnull,
}


def _place(frame_id: str) -> str:
    return f"{frame_id[:2]}/{frame_id[2:4]}/{frame_id}.json"


class Contender:
    """A bare repository; every call is a git process, but for gets, which share one."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("git") is None:
            raise ImportError("git is not installed")
        self._folder = folder
        if not (folder / "HEAD").exists():
            folder.mkdir(parents=True, exist_ok=True)
            self._git("init", "-q", "--bare", "-b", "main", ".")
            for setting in ("core.fsync=committed", "gc.auto=0"):
                self._git("config", *setting.split("="))
        self._reader: subprocess.Popen[bytes] | None = None

    def _git(self, *words: str) -> str:
        done = subprocess.run(
            ["git", *words], cwd=self._folder, env=_ENV, check=True, stdout=subprocess.PIPE
        )
        return done.stdout.decode()

    def ingest(self, frames: Iterable[Frame]) -> None:
        self._import(frames, first=True)

    def update(self, frames: Iterable[Frame]) -> None:
        self._import(frames, first=False)

    def _import(self, frames: Iterable[Frame], *, first: bool) -> None:
        child = subprocess.Popen(
            ["git", "fast-import", "--quiet"], cwd=self._folder, env=_ENV, stdin=subprocess.PIPE
        )
        assert child.stdin is not None
        self._write(child.stdin, frames, first=first)
        child.stdin.close()
        if child.wait():
            raise OSError("git fast-import failed")

    def _write(self, pipe: IO[bytes], frames: Iterable[Frame], *, first: bool) -> None:
        pipe.write(b"commit refs/heads/main\ncommitter a <a@b> 1700000000 +0000\ndata 6\ncommit\n")
        if not first:
            pipe.write(b"from refs/heads/main^0\n")
        for frame in frames:
            body = json.dumps(frame, separators=(",", ":"), ensure_ascii=False).encode()
            pipe.write(b"M 100644 inline %s\n" % _place(str(frame["id"])).encode())
            pipe.write(b"data %d\n%s\n" % (len(body), body))

    def get_decoded(self, frame_id: str) -> Frame:
        if self._reader is None:
            self._reader = subprocess.Popen(
                ["git", "cat-file", "--batch"],
                cwd=self._folder,
                env=_ENV,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        asked, answer = self._reader.stdin, self._reader.stdout
        assert asked is not None
        assert answer is not None
        asked.write(f"main:{_place(frame_id)}\n".encode())
        asked.flush()
        size = int(answer.readline().split()[2])
        found: Frame = json.loads(answer.read(size + 1))
        return found

    def revisions(self, count: int) -> list[str]:
        return self._git("rev-list", "-n", str(count), "main").split()

    def diff(self, old: str, new: str) -> int:
        return len(self._git("diff-tree", "-r", "--name-only", old, new).splitlines())

    def branch(self, name: str) -> None:
        self._git("branch", name, "main")

    def switch(self, name: str) -> None:
        self._git("symbolic-ref", "HEAD", f"refs/heads/{name}")

    def tag(self, name: str) -> None:
        self._git("tag", name, "main")

    def collect(self) -> None:
        self._git("gc", "-q", "--prune=now")

    def close(self) -> None:
        if self._reader is not None:
            assert self._reader.stdin is not None
            assert self._reader.stdout is not None
            self._reader.stdin.close()
            self._reader.wait()
            self._reader.stdout.close()
