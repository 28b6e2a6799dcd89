"""Benchmarks of uploads: files a second beside plain `obstore`, and finding what was sent before.

    python benchmarks/uploads.py [--smoke] [--files 1000] [--frames 100000]

Each turn sends the same files both ways, plain first and then with frames registered, to an S3 of
`moto` and to a folder, plain by 16 threads. `again` registers the same files in another version, so
that each is read, found by its hash, asked for, and named where it lies; `synced` copies to a
folder as durably as an upload does, and no more.
"""

import argparse
import contextlib
import http.client
import os
import random
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # The checkout, installed or not.

import obstore
from obstore.store import LocalStore, S3Store

import hyperstore
from hyperstore import DatasetVersion, SingleFrame
from hyperstore.dataset.uploading_known import KnownContents
from hyperstore.limits import UPLOAD_THREADS, UPLOAD_THREADS_LOCAL

__all__ = ["main"]

FILE_BYTES = 20_000
TURNS = 3


def rate(count: int, work: Callable[[], object]) -> float:
    """Return how many a second."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


@contextlib.contextmanager
def moto(folder: Path) -> Iterator[str]:
    """Run moto's S3 with the bucket `pets`, and give its HOST:PORT."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = int(found.getsockname()[1])
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            while True:
                try:
                    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
                    asked.request("PUT", "/pets")
                    asked.getresponse().read()
                    break
                except OSError:
                    if server.poll() is not None:
                        raise SystemExit("moto's server does not run") from None
                    time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(30)


def plain(client: LocalStore | S3Store, paths: list[Path], prefix: str) -> None:
    """Send files as one would without us."""

    def one(path: Path) -> None:
        obstore.put(client, f"{prefix}/{path.name}", path.read_bytes(), use_multipart=False)

    with ThreadPoolExecutor(UPLOAD_THREADS) as pool:
        list(pool.map(one, paths))


def synced(folder: Path, paths: list[Path], prefix: str) -> None:
    """Copy files so that each is on the disk and appears whole, which `obstore` leaves out."""
    target = folder / prefix
    target.mkdir(parents=True)

    def one(path: Path) -> None:
        part = target / f"{path.name}.part"
        with part.open("xb") as file:
            file.write(path.read_bytes())
            file.flush()
            os.fsync(file.fileno())
        part.rename(target / path.name)

    with ThreadPoolExecutor(UPLOAD_THREADS_LOCAL) as pool:
        list(pool.map(one, paths))
    handle = os.open(target, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def registered(version: DatasetVersion, paths: list[Path], destination: str) -> None:
    """Send files and register their frames."""
    failures = version.add_frames(
        (SingleFrame(source=path) for path in paths),
        auto_upload_destination=destination,
        local_dataset_root_path=str(paths[0].parent),
    )
    if failures:
        raise SystemExit(f"an upload failed: {failures[0]}")


def sending(scratch: Path, files: int) -> None:
    """Print files a second, to an S3 and to a folder."""
    data = scratch / "data"
    data.mkdir()
    chance = random.Random(1)
    paths = [data / f"{number:05}.jpg" for number in range(files)]
    for path in paths:
        path.write_bytes(chance.randbytes(FILE_BYTES))
    os.environ.update(AWS_ACCESS_KEY_ID="a", AWS_SECRET_ACCESS_KEY="b")
    with moto(scratch) as host, hyperstore.init(scratch / "store") as store:
        s3 = S3Store("pets", endpoint=f"http://{host}", client_options={"allow_http": True})
        folder = LocalStore(str(scratch / "plain"), mkdir=True)
        kinds = {"s3": (s3, f"s3://{host}/pets"), "folder": (folder, str(scratch / "dest"))}
        for kind, (client, destination) in kinds.items():
            found: dict[str, list[float]] = {}
            for turn in range(TURNS):
                dataset = store.create_dataset(f"{kind} {turn}")
                first, second = dataset.get_version(), dataset.create_version("second")
                works = {
                    "plain": partial(plain, client, paths, f"plain {turn}"),
                    "registered": partial(registered, first, paths, destination),
                    "again": partial(registered, second, paths, destination),
                }
                if kind == "folder":
                    works["synced"] = partial(synced, scratch / "synced", paths, str(turn))
                for name, work in works.items():
                    found.setdefault(name, []).append(rate(files, work))
            middle = {name: statistics.median(rates) for name, rates in found.items()}
            for name, value in middle.items():
                ratio = value / middle["plain"]
                print(f"{kind:<8} {name:<12} {value:>10,.0f} files/s  {ratio:5.2f} x plain")


def finding(scratch: Path, frames: int) -> None:
    """Print how long it takes to know what was sent before."""
    chance = random.Random(2)
    with hyperstore.init(scratch / "known") as store:
        dataset = store.create_dataset("cells")
        version = dataset.get_version()

        def wires(start: int, stop: int) -> Iterator[dict[str, object]]:
            for number in range(start, stop):
                hashes = {"source": chance.randbytes(32).hex()}
                uri = f"s3://pets/{dataset.id}/Current.{version.id}/{number:07}.jpg"
                source = {"id": "default", "uri": uri, "meta": {"hash": hashes}}
                yield {"id": f"{number:032x}", "sources": [source]}

        version.add_frames(wires(0, frames))
        known = KnownContents(dataset.id)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        start = time.perf_counter()
        known.read(store.handle)
        taken = time.perf_counter() - start
        more = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"known    first read   {taken:>10,.2f} s of {frames:,} frames, {more / 1024:.0f} MB")
        version.add_frames(wires(frames, frames + 100))
        start = time.perf_counter()
        known.read(store.handle)
        taken = time.perf_counter() - start
        print(f"known    after 100    {taken * 1000:>10,.1f} ms")
        known.close()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1_000)
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--smoke", action="store_true", help="small, to see that it runs")
    asked = parser.parse_args()
    files, frames = (50, 2_000) if asked.smoke else (asked.files, asked.frames)
    with tempfile.TemporaryDirectory(prefix="hyperstore-uploads-") as scratch:
        sending(Path(scratch), files)
        finding(Path(scratch), frames)


if __name__ == "__main__":
    main()
