"""Benchmarks of pictures, on all cores: thumbnails, local copies of sources, folders.

    python benchmarks/media.py [--smoke] [--only thumbnails,hits,folder] [--files 10000]

Beside each figure stands what it is compared with, measured in the same run in interleaved turns.
"""

import argparse
import http.server
import io
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # The checkout, installed or not.

from hyperstore.frames.frame import SingleFrame
from hyperstore.media.thumbnails import thumbnails

__all__ = ["main"]

PROJECT = Path(__file__).resolve().parents[1]
BOX = (256, 256)
QUALITY = 85
READERS = 8
SPAWN = get_context("spawn")


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many a second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def photographs(folder: Path, count: int) -> list[Path]:
    """Write JPEGs of 1280 x 960 that compress as photographs do: smooth, with some noise."""
    chance = random.Random(1)
    paths = []
    for number in range(count):
        small = Image.frombytes("RGB", (64, 48), chance.randbytes(64 * 48 * 3))
        path = folder / f"{number:05}.jpg"
        small.resize((1280, 960), Image.Resampling.BICUBIC).save(path, quality=90)
        paths.append(path)
    return paths


def plain_loop(paths: Iterable[str]) -> int:
    """Make thumbnails as one would without us."""
    done = 0
    for path in paths:
        with Image.open(path) as image:
            image.thumbnail(BOX)
            image.save(io.BytesIO(), "JPEG", quality=QUALITY)
            done += 1
    return done


def plain(paths: list[Path], workers: int) -> None:
    """Share that loop out among as many processes."""
    words = [str(path) for path in paths]
    with ProcessPoolExecutor(workers, mp_context=SPAWN) as pool:
        list(pool.map(plain_loop, [words[at::workers] for at in range(workers)]))


def ours(paths: list[Path], workers: int) -> None:
    """Make them by what the package has, keeping none."""
    for one in thumbnails(paths, box=BOX, workers=workers):
        if isinstance(one, Exception):
            raise one


def bench_thumbnails(scratch: Path, *, smoke: bool) -> None:
    """Compare with a plain Pillow loop on the same number of processes."""
    count = 40 if smoke else 600
    workers = len(os.sched_getaffinity(0))
    paths = photographs(scratch, count)
    found: dict[str, list[float]] = {"hyperstore": [], "Pillow": []}
    for _ in range(1 if smoke else 5):
        found["Pillow"].append(rate(count, lambda: plain(paths, workers)))
        found["hyperstore"].append(rate(count, lambda: ours(paths, workers)))
    mine, other = (statistics.median(found[name]) for name in ("hyperstore", "Pillow"))
    print(
        f"thumbnails, {workers} processes: {mine:.0f}/s; Pillow {other:.0f}/s; {mine / other:.2f} x"
    )


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Keep still."""


def hits(url: str, count: int) -> float:
    """Return the seconds that so many look-ups of one cached source take."""
    frame = SingleFrame(source=url)
    start = time.perf_counter()
    for _ in range(count):
        if frame.get_local_source() is None:
            raise SystemExit("the cache had no copy")
    return time.perf_counter() - start


def stats(path: str, count: int) -> float:
    """Return the seconds that so many plain looks at a file take."""
    start = time.perf_counter()
    for _ in range(count):
        os.stat(path)  # noqa: PTH116 - what a hit cannot do without.
    return time.perf_counter() - start


def bench_hits(scratch: Path, *, smoke: bool) -> None:
    """Ask for cached sources from eight processes at once, with the server gone."""
    count, sources = (200 if smoke else 20_000), READERS
    served = scratch / "served"
    served.mkdir()
    for number in range(sources):
        (served / f"{number}.bin").write_bytes(bytes(1000))
    os.environ["HYPERSTORE_CACHE_DIR"] = str(scratch / "cache")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *given: Quiet(*given, directory=str(served))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    urls = [f"http://127.0.0.1:{server.server_port}/{number}.bin" for number in range(sources)]
    path = ""
    for url in urls:
        path = SingleFrame(source=url).get_local_source(raise_on_error=True) or ""
    server.shutdown()
    with ProcessPoolExecutor(READERS, mp_context=SPAWN) as pool:
        list(pool.map(hits, urls, [10] * READERS))  # Imports are not what is measured.
        mine = rate(READERS * count, lambda: list(pool.map(hits, urls, [count] * READERS)))
        other = rate(
            READERS * count, lambda: list(pool.map(stats, [path] * READERS, [count] * READERS))
        )
    print(f"cached sources, {READERS} processes: {mine:,.0f}/s; os.stat {other:,.0f}/s")


def command(*words: str, folder: Path) -> tuple[float, int]:
    """Run the command; return its seconds and its peak of resident memory, in bytes."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT), "NO_COLOR": "1"}
    # As once installed: compiled modules are kept.
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    start = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-m", "hyperstore", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
    ) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"hyperstore {' '.join(words)} ended with {child.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def bench_folder(scratch: Path, *, smoke: bool, files: int) -> None:
    """Add a folder, add it again, rename it, add it once more; then the same keeping the bytes."""
    files = 50 if smoke else files
    for copy in ([], ["--copy"]):
        place = scratch / ("kept" if copy else "plain")
        pictures = place / "pictures"
        pictures.mkdir(parents=True)
        chance = random.Random(2)
        for number in range(files):
            picture = Image.frombytes("RGB", (128, 96), chance.randbytes(128 * 96 * 3))
            picture.save(pictures / f"{number:06}.png")
        command("init", folder=place)
        command("dataset", "create", "pictures", folder=place)
        first, memory = command("add", *copy, "pictures", folder=place)
        again, _ = command("add", *copy, "pictures", folder=place)
        before = kept_bytes(place)
        pictures.rename(place / "renamed")
        moved, _ = command("add", *copy, "renamed", folder=place)
        added = kept_bytes(place) - before
        print(
            f"add {' '.join(copy)} of {files:,} files: {first:.2f} s, {memory / 1e6:.0f} MB; again "
            f"{again:.2f} s, {again / first:.2f} x; renamed {moved:.2f} s, {added:,} new bytes"
        )


def kept_bytes(place: Path) -> int:
    """Return the bytes of media that a store keeps."""
    folder = place / ".hyperstore" / "media"
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description="Measure what is done with pictures.")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--only", default="thumbnails,hits,folder")
    parser.add_argument("--files", type=int, default=10_000)
    given = parser.parse_args()
    wanted = given.only.split(",")
    with tempfile.TemporaryDirectory(prefix="hyperstore-media-") as name:
        for workload in ("thumbnails", "hits", "folder"):
            if workload not in wanted:
                continue
            scratch = Path(name) / workload
            scratch.mkdir()
            if workload == "thumbnails":
                bench_thumbnails(scratch, smoke=given.smoke)
            elif workload == "hits":
                bench_hits(scratch, smoke=given.smoke)
            else:
                bench_folder(scratch, smoke=given.smoke, files=given.files)


if __name__ == "__main__":
    main()
