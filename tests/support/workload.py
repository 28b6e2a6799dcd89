"""What programs do to a store, drawn at random from a seed: the same operations every time."""

from collections.abc import Iterator
from random import Random

from tests.support.model import Content, Operation, State, Wire, apply

__all__ = ["begun", "frame", "frames", "operations"]

_LABELS = ("cell", "platelet", "dust", "Zelle", "細胞")


def frame(choice: Random, frame_id: str, *, size: int = 0) -> Wire:
    """Return a wire frame as it comes back, every field given; `size` makes it longer."""
    rois: list[Wire] = []
    for number in range(choice.randrange(4)):
        x, y = choice.randrange(900), choice.randrange(900)
        corners: list[object] = [x, y, x + 10.5, y, x + 10.5, y + 20, x, y + 20]
        rois.append(
            {
                "id": f"roi-{number}",
                "label": [choice.choice(_LABELS)],
                "poly": corners,
                "confidence": choice.randrange(100) / 128,
                "sources": ["default"],
                "meta": {"_type": "p2d", "area": 210.0},
            }
        )
    return {
        "id": frame_id,
        "context_id": f"video-{choice.randrange(5)}",
        "timestamp": choice.randrange(-500, 100_000),
        "meta": {"place": choice.choice(_LABELS), "note": choice.randbytes(size // 2).hex()},
        "sources": [{"id": "default", "uri": f"https://example.org/{frame_id}.jpg", "width": 1000}],
        "rois": rois,
    }


def frames(choice: Random, count: int, *, size: int = 0) -> list[Wire]:
    """Return frames of different ids, of which a second call repeats some."""
    numbers = choice.sample(range(4 * count), count)
    return [frame(choice, f"frame-{number:06}", size=size) for number in numbers]


def begun(choice: Random, *, count: int = 150) -> list[Operation]:
    """Return operations that make a store with some history."""
    more = frames(choice, count // 4)
    unwanted = [str(one["id"]) for one in more[::2]]
    return [
        ("create_dataset", "cells"),
        ("add", "cells", "Current", frames(choice, count)),
        ("commit", "cells", "Current", "first"),
        ("add", "cells", "Current", more),
        ("delete", "cells", "Current", unwanted),  # Something for a collection to take.
        ("set_metadata", "cells", "Current", {"camera": "A", "gain": 1.5}),
        ("commit", "cells", "Current", "second"),
        ("tag", "cells", "v1", "first"),
    ]


def operations(choice: Random, state: State, count: int) -> Iterator[Operation]:
    """Yield operations that each change something, from `state` on, with collections in between.

    After the first collection nothing is undone, since what it replaced may be gone.
    """
    serial = 0
    while serial < count:
        if serial and serial % 4 == 0:
            yield ("gc", choice.random() < 0.5)
        drawn = _draw(choice, state, f"{choice.randrange(10**6)}-{serial}")
        if drawn is None or (drawn == ("undo",) and serial >= 4):
            continue
        new = apply(state, drawn)
        if new is state:
            continue
        serial += 1
        state = new
        yield drawn


def _draw(choice: Random, state: State, mark: str) -> Operation | None:
    """Return an operation that is possible now; `mark` makes its names new."""
    dataset = choice.choice(sorted(state.datasets))
    held = state.datasets[dataset]
    name = choice.choice(sorted(held.versions))
    version = held.versions[name]
    commits = sorted(state.commits(dataset))
    place = (dataset, name)
    roll = choice.random()
    if roll < 0.06 and commits:
        return ("create_version", dataset, f"branch {mark}", choice.choice(commits))
    if roll < 0.10 and commits:
        return ("tag", dataset, f"tag-{mark}", choice.choice(commits))
    if roll < 0.13:
        return ("undo",) if state.before is not None and state.before.datasets else None
    if roll < 0.15:
        return ("create_dataset", f"dataset {mark}")
    if version.working is None:
        return None
    return _draw_edit(choice, place, version.working, commits, mark)


def _draw_edit(
    choice: Random, place: tuple[str, str], held: Content, commits: list[str], mark: str
) -> Operation:
    roll = choice.random()
    ids = sorted(held.frames)
    if roll < 0.30 or not ids:
        return ("add", *place, frames(choice, choice.choice((1, 10, 60)), size=200))
    if roll < 0.45:
        return ("delete", *place, choice.sample(ids, min(len(ids), choice.choice((1, 10, 40)))))
    if roll < 0.52:
        return ("set_metadata", *place, {"mark": mark})
    if roll < 0.60:
        edits: list[Operation] = [
            ("add", frames(choice, 20)),
            ("delete", choice.sample(ids, min(len(ids), 5))),
            ("set_metadata", {"batch": mark}),
        ]
        return ("batch", *place, edits)
    if roll < 0.85:
        return ("commit", *place, f"commit {mark}")
    if roll < 0.90:
        return ("snapshot", *place, f"snapshot {mark}", f"commit {mark}")
    message = choice.choice(commits) if commits else None
    return ("reset", *place, message, True)
