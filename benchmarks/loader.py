"""Pictures under torch's DataLoader: through hyperstore, and from a plain list of paths and labels.

    python benchmarks/loader.py [--smoke] [--workers 2] [--turns 7] [--pictures FOLDER]

Both decode by Pillow, make the same tensors and travel in the same batches, under workers that live
on from turn to turn; turns are interleaved, the median of their ratios counts. By CPU is what all
processes of a loader computed, which tells more where the machine has other work.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from PIL import Image

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # The checkout, installed or not.

import hyperstore
from hyperstore import DatasetVersion, SingleFrame

try:
    import torch
    from torch.utils.data import DataLoader, Dataset
    from torchvision import tv_tensors
    from torchvision.transforms.v2.functional import pil_to_tensor
except ImportError:
    raise SystemExit("this needs torch and torchvision: pip install --group torch") from None

from hyperstore.integrations.torch import FrameDataset, FrameStream, detection_collate

__all__ = ["main"]

CELLS = Path(__file__).resolve().parents[2] / "shared" / "data" / "bccd"
LABELS = ["RBC", "WBC", "Platelets"]
TICK = os.sysconf("SC_CLK_TCK")

Row = tuple[str, list[list[float]], list[str]]


def real(folder: Path) -> list[Row]:
    """Read pictures with their boxes, of Pascal VOC."""
    rows = []
    for path in sorted((folder / "Annotations").glob("*.xml")):
        root = ElementTree.parse(path).getroot()
        boxes = [
            [
                float(one.findtext(f"bndbox/{side}") or 0)
                for side in ("xmin", "ymin", "xmax", "ymax")
            ]
            for one in root.iter("object")
        ]
        labels = [one.findtext("name") or "" for one in root.iter("object")]
        picture = folder / "JPEGImages" / f"{path.stem}.jpg"
        if picture.exists():
            rows.append((str(picture), boxes, labels))
    return rows


def drawn(folder: Path, count: int) -> list[Row]:
    """Draw pictures, where there are no real ones."""
    rows = []
    for number in range(count):
        path = folder / f"{number:04}.jpg"
        noise = Image.effect_noise((80, 60), 90).resize((640, 480), Image.Resampling.BICUBIC)
        noise.convert("RGB").save(path, quality=90)
        boxes = [[10.0 * at, 20.0, 10.0 * at + 50, 90.0] for at in range(13)]
        rows.append((str(path), boxes, ["RBC"] * len(boxes)))
    return rows


class Plain(Dataset):  # type: ignore[misc]
    """The list, as one writes it without a store."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self.ids = {label: number for number, label in enumerate(LABELS)}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: int) -> object:
        path, boxes, labels = self.rows[at]
        with Image.open(path) as opened:
            picture = opened.convert("RGB")
        image = tv_tensors.Image(pil_to_tensor(picture))
        return image, {
            "image_id": at,
            "boxes": tv_tensors.BoundingBoxes(
                torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
                format="XYXY",
                canvas_size=(picture.height, picture.width),
            ),
            "labels": torch.tensor([self.ids[label] for label in labels], dtype=torch.int64),
        }


def as_lists(batch: list[tuple[object, object]]) -> tuple[object, ...]:
    """Collate as the programs that come with torchvision do."""
    return tuple(zip(*batch, strict=True))


def stored(folder: Path, rows: list[Row]) -> DatasetVersion:
    """Put the list into a store."""
    frames = []
    for number, (path, boxes, labels) in enumerate(rows):
        with Image.open(path) as opened:
            width, height = opened.size
        frame = SingleFrame(
            id=f"{number:06}", source=path, width=width, height=height, context_id="all"
        )
        frame.timestamp = number
        for (left, top, right, bottom), label in zip(boxes, labels, strict=True):
            frame.add_annotation(box2d_xywh=[left, top, right - left, bottom - top], labels=[label])
        frames.append(frame)
    version = hyperstore.init(folder).create_dataset("cells").version()
    assert version.add_frames(frames) == []
    return version


class Contender:
    """A loader whose workers live on, and what they take."""

    def __init__(self, name: str, loader: Iterable[object]) -> None:
        self.name = name
        self.loader = loader
        self.walls: list[float] = []
        self.cpus: list[float] = []

    def turn(self, wanted: int) -> None:
        """Go through all pictures once."""
        before, start = self._cpu(), time.perf_counter()
        count = sum(len(images) for images, _ in self.loader)  # type: ignore[misc]
        self.walls.append((time.perf_counter() - start) / wanted)
        self.cpus.append((self._cpu() - before) / wanted)
        assert count == wanted, f"{self.name} gave {count} pictures of {wanted}"

    def _cpu(self) -> float:
        """Return the seconds that this process and the workers have computed so far."""
        running = getattr(self.loader, "_iterator", None)
        workers = getattr(running, "_workers", ())
        return time.process_time() + sum(_seconds(one.pid) for one in workers)


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def contenders(rows: list[Row], version: DatasetVersion, workers: int) -> Iterator[Contender]:
    """Yield a loader of each kind, with the same batches."""
    common = {
        "num_workers": workers,
        "persistent_workers": workers > 0,
        "multiprocessing_context": "fork" if workers else None,
    }
    plain = DataLoader(Plain(rows), batch_size=16, collate_fn=as_lists, **common)
    yield Contender("plain list", plain)
    data = FrameDataset(version, labels=LABELS)
    by_index = DataLoader(data, batch_size=16, collate_fn=detection_collate, **common)
    yield Contender("FrameDataset", by_index)
    stream = FrameStream(version, labels=LABELS, batch_size=16, collate=detection_collate)
    yield Contender("FrameStream", DataLoader(stream, batch_size=None, **common))


def ratio(plain: list[float], ours: list[float]) -> float:
    """Return how much faster ours is, turn by turn: the median."""
    return statistics.median(one / other for one, other in zip(plain, ours, strict=True))


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="few pictures, once")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--pictures", type=Path, default=CELLS, help="a folder of Pascal VOC")
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="hyperstore-loader-") as name:
        folder = Path(name)
        rows = [] if given.smoke else real(given.pictures)
        kind = "real" if rows else "drawn"
        rows = rows or drawn(folder, 16 if given.smoke else 200)
        tried = list(contenders(rows, stored(folder / "store", rows), given.workers))
        for one in tried:
            one.turn(len(rows))  # Workers start, and files come into the system's cache.
            one.walls, one.cpus = [], []
        for number in range(1 if given.smoke else given.turns):
            for one in tried[number % 3 :] + tried[: number % 3]:
                one.turn(len(rows))
        print(f"{len(rows)} {kind} pictures, {given.workers} workers, {len(tried[0].walls)} turns")
        print("| loader | a picture | by CPU | to the plain list | by CPU |")
        print("| --- | --: | --: | --: | --: |")
        plain = tried[0]
        for one in tried:
            wall, cpu = statistics.median(one.walls) * 1e3, statistics.median(one.cpus) * 1e3
            speed = ratio(plain.walls, one.walls)
            by_cpu = ratio(plain.cpus, one.cpus) if all(one.cpus) else 0.0
            print(f"| {one.name} | {wall:.2f} ms | {cpu:.2f} ms | {speed:.3f} x | {by_cpu:.3f} x |")


if __name__ == "__main__":
    main()
