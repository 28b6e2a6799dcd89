"""Media that are fetched before they are asked for, from a web server on loopback."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore import FrameGroup, SingleFrame
from hyperstore.frames.read import Frame
from hyperstore.integrations.ahead import fetched_ahead
from tests.support.webserver import WebServer, private_cache, web_server


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """Serve twenty files to a cache of the test's own."""
    private_cache(tmp_path / "cache", monkeypatch)
    with web_server() as served:
        served.files |= {f"{number}.bin": bytes([number] * 100) for number in range(20)}
        yield served


def frames(server: WebServer, taken: list[int], kind: str = "files") -> Iterator[tuple[int, Frame]]:
    """Yield a frame for each file, and note which were asked for."""
    for number in range(20):
        taken.append(number)
        yield number, SingleFrame(source=server.url(f"/{kind}/{number}.bin"))


def test_frames_come_in_order_with_their_files(server: WebServer) -> None:
    """Whichever download ends first; each file is fetched once, and lies in the cache by then."""
    found = []
    for number, frame, fault in fetched_ahead(frames(server, []), 6, masks=False):
        assert fault is None
        assert isinstance(frame, SingleFrame)
        path = frame.get_local_source(raise_on_error=True)
        found.append((number, Path(str(path)).read_bytes()))
    assert found == [(number, bytes([number] * 100)) for number in range(20)]
    assert sorted(server.asked) == sorted(f"/files/{number}.bin" for number in range(20))


def test_no_more_than_the_next_frames_are_fetched(server: WebServer) -> None:
    """A loader that is left after its first frame has not filled the disk."""
    taken: list[int] = []
    source = fetched_ahead(frames(server, taken), 6, masks=False)
    next(source)
    assert taken == [*range(7)]
    source.close()  # type: ignore[attr-defined]
    assert len(server.asked) <= 7


def test_a_file_that_cannot_be_had_comes_with_its_reason(server: WebServer) -> None:
    """The frames after it come all the same, and it is tried once."""
    del server.files["3.bin"]
    found = {number: fault for number, _, fault in fetched_ahead(frames(server, []), 4, masks=True)}
    assert [number for number, fault in found.items() if fault is not None] == [3]
    assert "404" in str(found[3])
    assert server.asked.count("/files/3.bin") == 1


def test_masks_and_members_are_fetched_too(server: WebServer) -> None:
    """All that decoding will ask for."""
    group = FrameGroup(id="g")
    for name in ("left", "right"):
        at = 2 * len(group)
        group[name] = SingleFrame(source=server.url(f"/files/{at}.bin"))
        group[name].mask_source = server.url(f"/files/{at + 1}.bin")
    list(fetched_ahead([(0, group)], 1, masks=True))
    assert sorted(server.asked) == [f"/files/{number}.bin" for number in range(4)]


def test_local_files_start_no_thread(tmp_path: Path) -> None:
    """Most loaders read from a disk, in processes that fork again."""
    before = threading.active_count()
    local = [(0, SingleFrame(source=tmp_path / "a.png")), (1, SingleFrame(source="text://x"))]
    for _ in fetched_ahead(local, 4, masks=True):
        assert threading.active_count() == before
