"""Uploads that are broken off, and what they leave to frames, store and destination."""

import errno
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import pytest

import hyperstore
from hyperstore import DatasetVersion, FrameGroup, SingleFrame, Store
from hyperstore.dataset.uploading_known import KnownContents
from hyperstore.dataset.uploading_wish import upload_default
from hyperstore.errors import DiskFullError, FrameError, RefusedError
from hyperstore.media import send_local
from tests.support.children import run_in_child
from tests.support.disks import fill_up, small_disk
from tests.support.putserver import PutServer, put_server

# The server of these tests is a thread of a process that forks, which newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

COUNT = 120


class To(TypedDict):
    """The arguments that upload."""

    auto_upload_destination: str
    local_dataset_root_path: str


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder of pictures that all differ."""
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(COUNT):
        (folder / f"{number:03}.jpg").write_bytes(f"picture {number}".encode() * 50)
    return folder


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[PutServer]:
    """Return a server of objects, and say who we are to it."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with put_server() as server:
        yield server


def frames(data: Path) -> list[SingleFrame]:
    """Return a frame for each picture."""
    return [SingleFrame(source=path) for path in sorted(data.iterdir())]


def to_s3(s3: PutServer, data: Path) -> To:
    """Return the arguments that upload there."""
    return {
        "auto_upload_destination": f"s3://{s3.host}/pets",
        "local_dataset_root_path": str(data),
    }


def to_folder(dest: Path, data: Path) -> To:
    """Return the arguments that upload there."""
    return {"auto_upload_destination": str(dest), "local_dataset_root_path": str(data)}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, ValueError])
def test_what_breaks_off_leaves_nothing_in_the_store_and_is_gone_on_with(
    draft: DatasetVersion, data: Path, s3: PutServer, kind: type[BaseException]
) -> None:
    """Ctrl-C, or an iterable that raises: the frames have their URIs back, and what was sent is
    not sent again.
    """
    given = frames(data)

    def broken() -> Iterator[SingleFrame]:
        yield from given[:100]
        raise kind

    with pytest.raises(kind):
        draft.add_frames(broken(), **to_s3(s3, data))
    assert len(draft) == 0
    assert [one.source for one in given] == [str(path) for path in sorted(data.iterdir())]
    assert all(one.sourcedata == {} for one in given)
    sent = len(s3.puts())
    assert 0 < sent <= 100
    assert draft.add_frames(given, **to_s3(s3, data)) == []
    assert Counter(s3.puts()).most_common(1)[0][1] == 1
    assert (len(s3.puts()), len(draft)) == (COUNT, COUNT)


KILLED = """
import os, signal, sys
import hyperstore
from hyperstore import SingleFrame
store, data, dest = sys.argv[1:]
def frames():
    for number, name in enumerate(sorted(os.listdir(data))):
        if number == 100:
            os.kill(os.getpid(), signal.SIGKILL)
        yield SingleFrame(source=os.path.join(data, name))
version = hyperstore.open(store).dataset("cells").get_version()
version.add_frames(frames(), auto_upload_destination=dest, local_dataset_root_path=data)
"""


@pytest.mark.parametrize("where", ["s3", "folder"])
def test_a_killed_upload_is_gone_on_with(
    store: Store, draft: DatasetVersion, data: Path, s3: PutServer, tmp_path: Path, where: str
) -> None:
    """No half of a file has a name there, and only what is missing is sent."""
    dest = f"s3://{s3.host}/pets" if where == "s3" else str(tmp_path / "dest")
    words = [sys.executable, "-c", KILLED, str(store.path), str(data), dest]
    done = subprocess.run(words, check=False, capture_output=True, timeout=120)
    assert done.returncode == -9, done.stderr.decode()
    assert len(draft) == 0

    def there() -> dict[str, bytes]:
        if where == "s3":
            found = {path.rpartition("/")[2]: one for path, one in s3.kept().items()}
            return {name: one for name, one in found.items() if name.endswith(".jpg")}
        return {one.name: one.read_bytes() for one in (tmp_path / "dest").rglob("*.jpg")}

    before, whole = there(), {one.name: one.read_bytes() for one in data.iterdir()}
    assert before.items() <= whole.items()
    times = {
        one: one.stat().st_ino for one in (tmp_path / "dest").rglob("*.jpg") if where == "folder"
    }
    arguments = To(auto_upload_destination=dest, local_dataset_root_path=str(data))
    assert draft.add_frames(frames(data), **arguments) == []
    assert (there(), len(draft)) == (whole, COUNT)
    assert {one: one.stat().st_ino for one in times} == times
    twice = [path.rpartition("/")[2] for path, many in Counter(s3.puts()).items() if many > 1]
    assert not set(twice) & set(before)


def test_a_batch_that_is_given_up_gives_frames_their_uris_back(
    draft: DatasetVersion, data: Path, tmp_path: Path
) -> None:
    """And one that ends well does not, but for a call in it that failed."""
    given = frames(data)
    to = to_folder(tmp_path / "dest", data)

    def broken() -> None:
        with draft.batch():
            draft.add_frames(given[:3], **to)
            assert given[0].source != str(data / "000.jpg")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert given[0].source == str(data / "000.jpg")
    with draft.batch():
        draft.add_frames(given[:1], **to)
        with pytest.raises(FrameError):
            draft.add_frames(
                [given[1], SingleFrame(source=data / "none.jpg")],
                **to,
                strict=True,
            )
        again = SingleFrame(source=data / "000.jpg")
        draft.add_frames([again], **to)
    assert [one.source for one in draft] == [given[0].source]  # type: ignore[union-attr]
    assert (given[1].source, again.source) == (str(data / "001.jpg"), given[0].source)


def test_wire_dicts_stay_as_they_are(draft: DatasetVersion, data: Path, tmp_path: Path) -> None:
    """They are somebody's values; what is stored names the new place, and failures name them."""
    good = frames(data)[0].to_dict()
    bad = {"id": "bad", "sources": [{"id": "default", "uri": str(data / "none.jpg")}]}
    before = repr(good)
    failures = draft.add_frames([good, bad], **to_folder(tmp_path / "dest", data))
    assert [one["frame"] for one in failures] == [bad]
    assert failures[0]["frame"] is bad
    assert repr(good) == before
    (stored,) = draft
    assert isinstance(stored, SingleFrame)
    assert str(stored.source).startswith(str(tmp_path / "dest"))


@pytest.mark.filterwarnings("ignore:1 frame could not be stored")
def test_an_update_that_merges_uploads_too(
    draft: DatasetVersion, data: Path, tmp_path: Path
) -> None:
    """What is not sent stays where it is; a failure names the frame that was given."""
    version, to = draft, to_folder(tmp_path / "dest", data)
    version.add_frames([SingleFrame(id="a", source=data / "000.jpg", metadata={"x": 1})], **to)
    stored = version.get_frame("a")
    with version.get_bulk_context(allow_update=True, **to) as bulk:
        bulk.update_frame({"id": "a", "meta": {"y": 2}})
        wrong = SingleFrame(id="a", source=data / "none.jpg")
        bulk.update_frame(wrong)
    assert [one["frame"] for one in bulk.failures] == [wrong]
    merged = version.get_frame("a")
    assert merged.metadata == {"x": 1, "y": 2}
    assert merged.to_dict()["sources"] == stored.to_dict()["sources"]


def test_a_conflict_gives_the_frame_its_uris_back(
    draft: DatasetVersion, data: Path, tmp_path: Path
) -> None:
    """It is not stored, so it is what it was."""
    draft.add_frames([SingleFrame(id="a", source=data / "000.jpg")])
    mine = draft.get_frame("a")
    assert isinstance(mine, SingleFrame)
    draft.add_frames([SingleFrame(id="a", source=data / "001.jpg")])
    version = draft._uploading_to(upload_default(str(tmp_path / "dest"), str(data)))
    failures = version.update_frames([mine], if_unchanged=True)
    assert [(one["frame"], one["error_type"]) for one in failures] == [(mine, "conflict")]
    assert mine.source == str(data / "000.jpg")


def test_frames_of_a_foreign_store_send_nothing_of_this_machine(
    tmp_path: Path, draft: DatasetVersion, data: Path
) -> None:
    """They are a stranger's wish: a file outside of that store's roots stays where it is."""
    (tmp_path / "theirs").mkdir()
    theirs = hyperstore.init(tmp_path / "theirs" / "store")
    version = theirs.create_dataset("trap").get_version()
    version.add_frames([SingleFrame(id="a", source=data / "000.jpg")])
    theirs.handle.database.set_trust("foreign")
    frame = version.get_frame("a")
    assert isinstance(frame, SingleFrame)
    group = FrameGroup(id="g", left=frame)  # A new one, of a member that is theirs.
    to = {str(data): str(tmp_path / "dest")}
    failures = draft.add_frames([frame, group], src_to_dst_mapping=to)
    assert [one["error_type"] for one in failures] == ["upload", "upload"]
    assert all("came from somebody else" in str(one["error"]) for one in failures)
    assert [one for one in (tmp_path / "dest").rglob("*") if one.is_file()] == []
    theirs.close()


@pytest.mark.parametrize("kind", ["folder", "http", "s3"])
def test_names_of_every_kind_lead_to_what_was_sent(
    draft: DatasetVersion,
    tmp_path: Path,
    s3: PutServer,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Spaces, percents, marks and letters of any script; long ones; by a link to the root."""
    monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HYPERSTORE_CACHE_MIN_FREE_BYTES", "0")
    folder = tmp_path / "a folder"
    folder.mkdir()
    names = ["ü ñ 猫.jpg", "50%.jpg", "50%25.jpg", "a#b?c&d=e.jpg", "x" * 240 + ".jpg", "-", ".x"]
    for name in names:
        (folder / name).write_bytes(f"content of {name}".encode())
    (tmp_path / "link").symlink_to(folder)
    dests = {
        "folder": str(tmp_path / "dest 50%"),
        "http": f"http://{s3.host}/up",
        "s3": f"s3://{s3.host}/pets",
    }
    given = [SingleFrame(id=str(at), source=folder / name) for at, name in enumerate(names)]
    failures = draft.add_frames(
        given,
        auto_upload_destination=dests[kind],
        local_dataset_root_path=str(tmp_path / "link"),
    )
    assert failures == []
    for one in draft:
        assert isinstance(one, SingleFrame)
        path = one.get_local_source(raise_on_error=True)
        assert path is not None
        assert Path(path).read_text() == f"content of {names[int(one.id)]}"
        assert str(folder) not in path


def test_a_full_disk_at_the_destination(draft: DatasetVersion, data: Path, tmp_path: Path) -> None:
    """It is found out first where it is full; a frame for which it has no room is a failure, and
    goes once there is room.
    """
    with small_disk(tmp_path / "disk", 1024) as disk:
        to = to_folder(disk / "up", data)
        (data / "large.jpg").write_bytes(os.urandom(2_000_000))
        small, large = SingleFrame(source=data / "000.jpg"), SingleFrame(source=data / "large.jpg")
        failures = draft.add_frames([large], **to)
        # By a call of its own: written at once, the small file might find the disk full too.
        assert draft.add_frames([small], **to) == []
        assert [(one["frame"], one["error_type"]) for one in failures] == [(large, "upload")]
        assert "the disk refused a write" in str(failures[0]["error"])
        assert sorted(one.name for one in disk.rglob("*") if one.is_file()) == ["000.jpg"]
        fill_up(disk / "filler")
        with pytest.raises(DiskFullError, match="nothing can be written"):
            draft.add_frames(frames(data), **to)
        (disk / "filler").unlink()
        (data / "large.jpg").write_bytes(b"smaller now")
        assert draft.add_frames(failures, **to) == []
    assert len(draft) == 2


def test_two_threads_upload_by_one_handle(draft: DatasetVersion, data: Path, s3: PutServer) -> None:
    """And both keep their frames."""
    given = frames(data)
    failures: list[object] = []

    def work(part: list[SingleFrame]) -> None:
        failures.extend(draft.add_frames(part, **to_s3(s3, data)))

    threads = [threading.Thread(target=work, args=(given[at::2],)) for at in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (failures, len(draft), len(s3.kept())) == ([], COUNT, COUNT)


def test_a_forked_child_uploads_by_a_handle_of_its_parent(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """What the parent knows of contents is not the child's to touch."""
    given = frames(data)
    draft.add_frames(given[:3], **to_s3(s3, data))

    def work() -> None:
        assert draft.add_frames(frames(data)[:5], **to_s3(s3, data)) == []

    assert run_in_child(work) == "done"
    assert len(draft) == 5
    assert Counter(s3.puts()) == Counter(set(s3.puts()))
    assert draft.add_frames(given, **to_s3(s3, data)) == []
    assert Counter(s3.puts()) == Counter(set(s3.puts()))


def test_what_is_known_of_contents_is_what_all_versions_say(
    store: Store, data: Path, tmp_path: Path
) -> None:
    """Told by a scan, and by what changed since, as by reading every frame of every version."""
    dataset = store.create_dataset("cells")
    first = dataset.get_version()
    to = to_folder(tmp_path / "dest", data)
    known = KnownContents(dataset.id)

    def check() -> None:
        known.read(store.handle)
        expected: dict[str, set[str]] = {}
        for version in dataset.versions():
            for frame in version:
                assert isinstance(frame, SingleFrame)
                expected.setdefault(str(frame.hash), set()).add(f"file://{frame.source}")
        for sha256, uris in expected.items():
            places = known.places(sha256, lambda _: True, [])
            assert uris <= {place.uri for place in places}
            assert not any(place.sure for place in places)

    known.begin()
    known.begin()
    first.add_frames(frames(data)[:40], **to)
    check()
    first.commit("forty")
    second = dataset.create_version("second", parent=first)
    second.add_frames(frames(data)[30:60], force_upload=True, **to)
    first.add_frames(frames(data)[60:70], **to)
    check()
    second.delete_frames([one.id for one in frames(data)[:10]])
    third = dataset.create_version("third")
    third.add_frames(frames(data)[:20], **to)
    check()
    known.close()


@pytest.mark.parametrize("now", [b"edited", None])
def test_a_file_that_changes_or_vanishes_between_two_tries(
    draft: DatasetVersion, data: Path, s3: PutServer, now: bytes | None
) -> None:
    """Its hash is that of what was there before, so nothing is sent under it."""
    path = data / "000.jpg"

    def edit(asked: str) -> None:
        if asked.endswith("/000.jpg"):
            path.unlink(missing_ok=True)
            if now is not None:
                path.write_bytes(now)

    s3.on_put = edit
    s3.faults["000.jpg"] = ["503"]
    given = [SingleFrame(source=path), SingleFrame(source=data / "001.jpg")]
    failures = draft.add_frames(given, **to_s3(s3, data))
    assert [(one["frame"], one["error_type"]) for one in failures] == [(given[0], "upload")]
    assert [path.rpartition("/")[2] for path in s3.kept()] == ["001.jpg"]
    assert [one.id for one in draft] == [given[1].id]


def test_ctrl_c_does_not_wait_for_a_silent_server(
    draft: DatasetVersion, data: Path, s3: PutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would answer, and keep the file, long after."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_TIMEOUT", "3600")
    asked = threading.Event()
    s3.on_put = lambda path: asked.set() if path.endswith(".jpg") else None
    s3.faults["000.jpg"] = ["stall"]

    def broken() -> Iterator[SingleFrame]:
        yield SingleFrame(source=data / "000.jpg")
        asked.wait(30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draft.add_frames(
            broken(),
            auto_upload_destination=f"http://{s3.host}/pets",
            local_dataset_root_path=str(data),
        )
    assert (s3.kept(), len(draft)) == ({}, 0)


def test_no_frame_names_what_is_not_on_the_disk_yet(
    draft: DatasetVersion, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A power cut would take a name that its folder was not told to keep."""
    to, given = to_folder(tmp_path / "dest", data), frames(data)
    assert draft.add_frames(given[:1], **to) == []
    for folder in [one for one in (tmp_path / "dest").rglob("*") if one.is_dir()]:
        (folder / ".hyperstore-parts").mkdir()  # So that all folders are there.

    def fail(_: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as broken:
        broken.setattr(send_local, "sync_folder", fail)
        with pytest.raises(DiskFullError):
            draft.add_frames(given[1:3], **to)
    assert (len(draft), given[1].source) == (1, str(data / "001.jpg"))
    assert draft.add_frames(given[1:3], **to) == []


def test_many_frames_of_one_content_remember_each_place_once(store: Store) -> None:
    """However often it is noted, and however many places there are, few are looked at."""
    known = KnownContents(store.create_dataset("cells").id)
    known.begin()
    sha256 = "ab" * 32
    for _ in range(3_000):
        known.note(sha256, "s3://pets/one")
    assert [len(one) for one in known._recent.values()] == [1]
    asked: list[str] = []
    for number in range(3_000):
        known.note(sha256, f"s3://pets/{number}")
    own = "s3://pets/2999"

    def fits(uri: str) -> bool:
        asked.append(uri)
        return True

    found = known.places(sha256, fits, [own])
    assert (found[0].uri, found[0].sure, len(asked) < 200) == (own, True, True)
    assert len(known._recent.get(bytes.fromhex(sha256), ())) < 3_000
    known.close()


def test_a_store_that_is_open_for_reading_sends_and_deletes_nothing(
    store: Store, draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """It could not register what was sent, nor forget what was deleted."""
    draft.add_frames(frames(data)[:1], **to_s3(s3, data))
    before = s3.kept()
    with hyperstore.open(store.path, readonly=True) as reading:
        version = reading.dataset("cells").get_version()
        with pytest.raises(RefusedError, match="open for reading only"):
            version.add_frames(frames(data), **to_s3(s3, data))
        with pytest.raises(RefusedError, match="open for reading only"):
            version.delete_frames([one.id for one in draft], delete_sources=True)
    assert s3.kept() == before


def test_a_group_of_many_cameras(draft: DatasetVersion, data: Path, tmp_path: Path) -> None:
    """More files than threads, and more frames than wait at once."""
    paths = sorted(data.iterdir())
    groups = []
    for at in range(3):
        group = FrameGroup(id=str(at))
        for number in range(40):
            group[f"cam{number}"] = SingleFrame(source=paths[at * 40 + number])
        groups.append(group)
    assert draft.add_frames(iter(groups), **to_folder(tmp_path / "dest", data)) == []
    assert len(list((tmp_path / "dest").rglob("*.jpg"))) == COUNT
    assert [one.id for one in draft] == ["0", "1", "2"]
