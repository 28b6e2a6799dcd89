"""What a query asks, what is read to answer it, and how long that takes."""

from dataclasses import replace

from hyperstore.cli.console import Console
from hyperstore.query.selection.selection import Selection
from hyperstore.query.views.explained import explained

__all__ = ["explain"]


def explain(console: Console, selection: Selection, *, as_json: bool) -> int:
    """Print it; return the exit code, as of the query itself."""
    parts = selection.parts
    first = explained(selection.handle, parts, range(len(parts)), 0)
    found = replace(first, count=len(selection))  # Counted later, since asking again is quicker.
    if as_json:
        console.out.json(found.to_dict())
    else:
        for line in str(found).split("\n"):
            console.out.folded(line, indent=len(line) - len(line.lstrip()) + 2)
    return int(found.count == 0)
