"""Power loss: a program's disk calls are recorded, and images of what may be left are judged."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

from hyperstore.dataset.store import init
from tests.support.faults_children import Ledger, in_child, judge, progress, states
from tests.support.faults_preload import MARK, Event, events
from tests.support.faults_replay import MODES, Disk, Image
from tests.support.model import Operation, Portrait, State, apply, do
from tests.support.workload import begun, operations

__all__ = ["record", "replay"]


def record(folder: Path, ledger: Path, seed: int, length: int) -> object:
    """Make a store and work on it, for the record of what it asks of the disk."""
    steps = _recorded_steps(seed, length)
    notes = Ledger(ledger)
    with init(folder) as store:
        notes.note("done init")
        for number, step in enumerate(steps, 1):
            notes.note(f"begin {number}")
            do(store, step)
            notes.note(f"done {number}")
    return {}


def _recorded_steps(seed: int, length: int) -> list[Operation]:
    steps = begun(Random(seed), count=40)
    state = State()
    for step in steps:
        state = apply(state, step)
    return [*steps, *operations(Random(seed), state, length)]


def replay(log: Path, folder: Path, scratch: Path, images: int, seed: int, length: int) -> object:
    """Build images of what a power loss could have left, and judge each."""
    choice = Random(seed)
    allowed = states(State(), _recorded_steps(seed, length))
    known = list(events(log))
    points = sorted(choice.randrange(len(known) + 1) for _ in range(images))
    disk, followed, counts, faults = Disk(), 0, {"sound": 0, "unborn": 0}, []
    batch: list[tuple[int, str, Image, list[Portrait] | None]] = []

    answers = scratch / "answers"

    def flush() -> None:
        while batch:
            answers.write_text("")
            in_child(lambda: _judge_images(batch, folder, scratch / "image", answers))
            lines = answers.read_text().splitlines()
            for point, verdict in zip(batch, lines, strict=False):
                if verdict in counts:
                    counts[verdict] += 1
                else:
                    faults.append(f"event {point[0]}, {point[1]}: {verdict}")
            if len(lines) < len(batch):
                point = batch[len(lines)]
                faults.append(f"event {point[0]}, {point[1]}: the process died")
            del batch[: len(lines) + 1]

    for point in points:
        while followed < point:
            disk.follow(known[followed])
            followed += 1
        under_way: Event | None = known[point] if point < len(known) else None
        born = "done init" in disk.marks
        done, begun_next = progress([line for line in disk.marks if "init" not in line])
        mode = choice.choice(MODES)
        image = disk.image(mode, choice, under_way)
        right = allowed[done : done + 1 + begun_next] if born else None
        batch.append((point, mode, image, right))
        if len(batch) == 40:
            flush()
    flush()
    acknowledged = sum(1 for event in known if event.kind == MARK)
    return {**counts, "events": len(known), "marks": acknowledged, "faults": faults}


def _judge_images(
    batch: Sequence[tuple[int, str, Image, list[Portrait] | None]],
    folder: Path,
    place: Path,
    answers: Path,
) -> None:
    with answers.open("a") as out:
        for _, _, image, allowed in batch:
            image.write(folder.parent, place)
            store = place / folder.name
            if allowed is None:  # Nothing was acknowledged: `init` must be able to go on.
                try:
                    init(store).close()
                except Exception as error:  # noqa: BLE001 - it is the verdict.
                    verdict = f"init of a half-made store: {type(error).__name__}: {error}"
                else:
                    verdict = judge(store, [{}]) or "unborn"
            else:
                verdict = judge(store, allowed) or "sound"
            out.write(verdict.replace("\n", " ") + "\n")
            out.flush()
