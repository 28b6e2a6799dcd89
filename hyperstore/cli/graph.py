"""The drawing beside `log --graph`: one column for each line of descent that is still open."""

from collections.abc import Iterator, Sequence

from hyperstore.cli.output import Part

__all__ = ["Graph"]


class Graph:
    """Takes commits newest first, no commit before a child of it, and draws row by row."""

    def __init__(self) -> None:
        self._open: list[str] = []  # The commit that each column waits for.

    def rows(
        self, commit: str, parents: Sequence[str], lines: Sequence[list[Part]], *, gap: bool
    ) -> Iterator[tuple[str, list[Part]]]:
        """Yield the drawn edge and the text beside it, for one commit of several lines."""
        if gap:
            yield self._bars(), []
        if commit not in self._open:
            self._open.append(commit)
        at = self._open.index(commit)
        yield from self._joined(commit, at)
        yield (
            "".join("* " if column == at else "| " for column in range(len(self._open))),
            (lines[0]),
        )
        opened = [parent for parent in parents[1:] if parent not in self._open]
        after = self._open[:at] + list(parents[:1]) + self._open[at + 1 :]
        if len(parents) > 1:
            yield "| " * at + "|\\" + " |" * (len(self._open) - at - 1), []
        self._open = after[: at + 1] + opened + after[at + 1 :] if parents else after
        for line in lines[1:]:
            yield self._bars() or "  ", line
        if not parents and at < len(self._open):
            yield "| " * at + " /" * (len(self._open) - at), []

    def _joined(self, commit: str, at: int) -> Iterator[tuple[str, list[Part]]]:
        """Close the columns that wait for the same commit: lines of descent that meet in it."""
        while (last := len(self._open) - 1 - self._open[::-1].index(commit)) != at:
            width = len(self._open)
            yield "| " * (last - 1) + "|/" + " /" * (width - last - 1), []
            del self._open[last]

    def _bars(self) -> str:
        return "| " * len(self._open)
