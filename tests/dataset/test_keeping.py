"""`copy_media`: frames whose files the store keeps, with the ids and order that they had."""

import copy
import gc
import hashlib
import os
import pickle
import shutil
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from blake3 import blake3
from PIL import Image

import hyperstore
from hyperstore import DatasetVersion, FrameGroup, SingleFrame, Store
from hyperstore.dataset import keeping
from hyperstore.errors import (
    DiskFullError,
    FrameError,
    HyperstoreError,
    NotFoundError,
    PublishedError,
    RefusedError,
    UsageError,
)
from hyperstore.frames.pointers import frame_object
from hyperstore.maintenance.keptfiles import verify_kept
from hyperstore.media import kept, local
from hyperstore.media.kept import KeptMedia
from tests.support.children import run_crowd
from tests.support.disks import small_disk
from tests.support.webserver import WebServer, private_cache, web_server


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of downloads."""
    return private_cache(tmp_path / "cache", monkeypatch)


@pytest.fixture
def web() -> Iterator[WebServer]:
    """Return a server with a picture."""
    with web_server() as server:
        server.files["cat.jpg"] = b"bytes of a cat" * 1000
        yield server


def picture(folder: Path, name: str, width: int = 8, height: int = 6) -> Path:
    """Return a new PNG, whose pixels follow from its name."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = tuple(hashlib.sha256(name.encode()).digest()[:3])
    Image.new("RGB", (width, height), shade).save(path, "PNG")
    return path


def uri_of(path: Path) -> str:
    """Return what a file is kept under."""
    return f"media:{blake3(path.read_bytes()).hexdigest()}"


def draft_folder(draft: DatasetVersion) -> Path:
    """Return the folder of a draft's store."""
    return draft._handle.folder


def kept_files(store: Store) -> set[str]:
    """Return the URIs of what a store keeps."""
    return {f"media:{one.digest}" for one in KeptMedia(store.path).files()}


def test_part_6_all_files_of_a_frame_are_kept(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """Source, masks and preview: what is gone later is here."""
    paths = [picture(tmp_path / "pics", name) for name in ("a.png", "m0.png", "m1.png", "p.png")]
    frame = SingleFrame(
        source=str(paths[0]), mask_source=[str(paths[1]), str(paths[2])], preview_uri=str(paths[3])
    )
    bytes_of = [path.read_bytes() for path in paths]
    wanted = [uri_of(path) for path in paths]
    assert draft.add_frames([frame], copy_media=True) == []
    shutil.rmtree(tmp_path / "pics")
    assert kept_files(store) == set(wanted)
    found = draft.get_frame(frame.id)
    assert isinstance(found, SingleFrame)
    for one in (frame, found):
        assert [one.source, *one.masks_source.values(), one.preview_uri] == wanted
        assert Path(one.get_local_source(raise_on_error=True) or "").read_bytes() == bytes_of[0]
        masks = one.get_local_masks_source(raise_on_error=True)
        assert [Path(mask or "").read_bytes() for mask in masks.values()] == bytes_of[1:3]
        preview = one.get_local_preview_source(raise_on_error=True)
        assert Path(preview or "").read_bytes() == bytes_of[3]
    assert found.draw().size == (8, 6)


def test_part_6_the_facts_of_the_file_are_recorded(tmp_path: Path, draft: DatasetVersion) -> None:
    """Content type, width, height, size and hash, by other means than ours."""
    path, mask = picture(tmp_path, "a.png", 20, 10), picture(tmp_path, "m.png", 5, 4)
    draft.add_frames([SingleFrame(id="f", source=path, mask_source=mask)], copy_media=True)
    source = draft.get_frame("f").to_dict()["sources"][0]  # type: ignore[index]
    data = path.read_bytes()
    assert source["content_type"] == "image/png"
    assert (source["width"], source["height"]) == (20, 10)
    sha256 = hashlib.sha256(data).hexdigest()
    assert source["meta"] == {"size": len(data), "hash": {"source": sha256}}
    assert source["masks"][0] == {
        "id": "00",
        "uri": uri_of(mask),
        "content_type": "image/png",
        "width": 5,
        "height": 4,
    }


def test_what_a_user_recorded_stays(tmp_path: Path, draft: DatasetVersion) -> None:
    """They may know better, or mean something else by it."""
    frame = SingleFrame(
        source=picture(tmp_path, "a.png"), width=800, height=600, size=3, hash="their own"
    )
    frame.sourcedata["camera"] = "left"
    draft.add_frames([frame], copy_media=True)
    found = draft.get_frame(frame.id)
    assert isinstance(found, SingleFrame)
    assert (found.width, found.height, found.size, found.hash) == (800, 600, 3, "their own")
    assert found.sourcedata["camera"] == "left"
    assert found.get_local_source(raise_on_error=True)  # Though its size is another.


def test_a_broken_picture_is_kept_as_it_is(tmp_path: Path, draft: DatasetVersion) -> None:
    """What it is not good for is for others to say; its type is that of its name."""
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    (tmp_path / "cloud.pcd").write_bytes(b"points")
    frames = [SingleFrame(id=name, source=tmp_path / name) for name in ("broken.jpg", "cloud.pcd")]
    assert draft.add_frames(frames, copy_media=True) == []
    found = [draft.get_frame(name).to_dict()["sources"][0] for name in ("broken.jpg", "cloud.pcd")]  # type: ignore[index]
    assert [one.get("content_type") for one in found] == ["image/jpeg", None]
    assert "width" not in found[0]


# Ids and order.


def test_ids_and_order_stay(tmp_path: Path, store: Store) -> None:
    """Whether a folder is added with its files or without, the version has the same frames."""
    names = ["z.png", "a.png", "m/b.png", "m/a.png"]
    for name in names:
        picture(store.path.parent / "pics", name)

    def frames() -> list[SingleFrame]:
        return [SingleFrame(source=store.path.parent / "pics" / name) for name in names]

    plain, keeping_all = (store.create_dataset(name).version() for name in ("plain", "kept"))
    plain.add_frames(frames())
    keeping_all.add_frames(frames(), copy_media=True)
    assert [one.id for one in plain] == [one.id for one in keeping_all]
    assert keeping_all.add_frames(frames(), copy_media=True) == []
    assert len(keeping_all) == len(names)
    contexts = [one.context_id for one in keeping_all]
    assert contexts == [f"root:/pics/{name}" for name in ("a.png", "m/a.png", "m/b.png", "z.png")]
    by_path = keeping_all.get_iterator(context=str(store.path.parent / "pics" / "a.png"))
    assert [one.context_id for one in by_path] in ([], ["root:/pics/a.png"])


def test_a_context_that_was_given_stays(tmp_path: Path, draft: DatasetVersion) -> None:
    """And so do the moments of a video, whose file is kept once."""
    video = tmp_path / "clip.mp4"
    video.write_bytes(b"frames of a clip" * 50_000)
    frames = [
        SingleFrame(source=video, timestamp=at, context_id="trip") for at in range(0, 3000, 10)
    ]
    ids = [frame.id for frame in frames]
    draft.add_frames(frames, copy_media=True)
    assert [one.id for one in draft] == ids
    assert {one.context_id for one in draft} == {"trip"}
    assert {one.to_dict()["sources"][0]["uri"] for one in draft} == {uri_of(video)}  # type: ignore[index]


def test_a_file_that_many_frames_name_is_copied_once(
    tmp_path: Path, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand moments of one film are not a thousand copies of it."""
    times = []
    before = KeptMedia.keep

    def counted(self: KeptMedia, path: str, name: str, *, sha256: bool = False) -> kept.Taken:
        times.append(path)
        return before(self, path, name, sha256=sha256)

    monkeypatch.setattr(KeptMedia, "keep", counted)
    video = picture(tmp_path, "clip.png")
    frames = (SingleFrame(source=video, timestamp=at) for at in range(1000))
    draft.add_frames(frames, copy_media=True)
    assert len(draft) == 1000
    assert len(times) == 1


def test_two_stores_in_two_folders_get_the_same_frames(tmp_path: Path) -> None:
    """Two laptops that register one folder agree on every byte of every frame."""
    contents = []
    for name in ("one", "two/deeper"):
        folder = tmp_path / name
        picture(folder / "pics", "a.png")
        picture(folder / "pics", "b.png")
        with hyperstore.init(folder / ".hyperstore") as store:
            version = store.create_dataset("cells").version()
            frames = [
                {"id": at, "sources": [{"id": "default", "uri": str(folder / "pics" / at)}]}
                for at in ("a.png", "b.png")
            ]
            assert version.add_frames(frames, copy_media=True) == []
            contents.append(version.content_id)
    assert contents[0] == contents[1]


def test_keeping_twice_changes_nothing(
    tmp_path: Path, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A frame that is kept already, read and added again, is the same frame."""
    draft.add_frames([SingleFrame(source=picture(tmp_path, "a.png"))], copy_media=True)
    before = draft.content_id
    frames = list(draft)
    monkeypatch.setattr(KeptMedia, "keep", None)  # Nothing is read or copied for it.
    assert draft.add_frames(frames, copy_media=True) == []
    assert draft.content_id == before


# What may be given, and from where.


def test_a_group_keeps_the_files_of_all_its_members(tmp_path: Path, draft: DatasetVersion) -> None:
    """Each by its own bytes; the group's context is that of its first source."""
    left, right = picture(tmp_path, "l.png"), picture(tmp_path, "r.png")
    group = FrameGroup(left=SingleFrame(source=left), right=SingleFrame(source=right))
    wanted = group.id
    assert draft.add_frames([group], copy_media=True) == []
    found = draft.get_frame(wanted)
    assert isinstance(found, FrameGroup)
    assert {name: one.source for name, one in found.items()} == {
        "left": uri_of(left),
        "right": uri_of(right),
    }
    assert found.context_id == group.context_id == "root:/l.png"
    for one in (found, group):
        assert one["right"].get_local_source(raise_on_error=True)


def test_members_of_frames_that_were_read_make_a_new_group(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """Their files are where each of them was read."""
    frames = []
    for name in ("a", "b"):
        with hyperstore.init(tmp_path / f"from-{name}") as other:
            version = other.create_dataset("cells").version()
            version.add_frames(
                [SingleFrame(id=name, source=picture(tmp_path, name))], copy_media=True
            )
            frames += list(version)
            frames[-1].context_id = None  # It is of one context now, which is the group's.
    group = FrameGroup(None, None, dict(zip("ab", frames, strict=True)))  # type: ignore[arg-type]
    assert draft.add_frames([group], copy_media=True) == []
    assert len(kept_files(store)) == 2


def test_ctrl_c_ends_the_copy_of_a_large_file(
    tmp_path: Path, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody waits for the rest of a film; what came of it is gone, and the frame is as it was."""
    endless = tmp_path / "film.mp4"
    with endless.open("wb") as file:
        file.truncate(1 << 40)
    begun = threading.Event()

    def write(_: int, data: bytes) -> int:
        begun.set()
        return len(data)

    def interrupted(self: object) -> None:
        begun.wait(30)
        raise KeyboardInterrupt

    frame = SingleFrame(source=endless)
    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(kept, "clone_file", lambda *_: False)
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draft.add_frames(iter([frame]), copy_media=True)
    assert frame.source == str(endless)
    assert list((draft_folder(draft) / "media" / "partial").iterdir()) == []


def test_remote_files_are_kept_and_there_when_offline(
    tmp_path: Path, draft: DatasetVersion, web: WebServer, cache: Path
) -> None:
    """The download is the last one, though the cache is emptied."""
    frame = SingleFrame(id="web", source=web.url("/files/cat.jpg"))
    assert draft.add_frames([frame], copy_media=True) == []
    asked = len(web.asked)
    shutil.rmtree(cache)
    path = draft.get_frame("web").get_local_source(raise_on_error=True)  # type: ignore[union-attr]
    assert Path(path or "").read_bytes() == web.files["cat.jpg"]
    assert len(web.asked) == asked
    assert frame.context_id == web.url("/files/cat.jpg")


def test_wire_dicts_are_kept_and_stay_as_they_were(tmp_path: Path, draft: DatasetVersion) -> None:
    """What a user holds as plain data is not written to."""
    path = picture(tmp_path, "a.png")
    wire = {"id": "f", "sources": [{"id": "default", "uri": str(path)}], "strange": {"x": 1}}
    before = copy.deepcopy(wire)
    assert draft.add_frames([wire], copy_media=True) == []
    assert wire == before
    found = draft.get_frame("f").to_dict()
    assert found["strange"] == {"x": 1}
    assert found["sources"][0]["uri"] == uri_of(path)  # type: ignore[index]


def test_a_frame_of_another_store_brings_its_kept_files(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """Its home is where they are looked for."""
    with hyperstore.init(tmp_path / "other") as other:
        theirs = other.create_dataset("cells").version()
        frame = SingleFrame(id="f", source=picture(tmp_path, "a.png"))
        theirs.add_frames([frame], copy_media=True)
        assert draft.add_frames(list(theirs), copy_media=True) == []
        assert kept_files(store) == kept_files(other)
        gone = KeptMedia(other.path).path(frame.source.removeprefix("media:"))  # type: ignore[union-attr]
        gone.unlink()
        draft.delete_frames(["f"])
    assert draft.add_frames([frame], copy_media=True) == []  # It is here.


def test_a_damaged_file_of_another_store_is_not_taken_over(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """It would be kept under another hash than the frame names, or under a false one."""
    with hyperstore.init(tmp_path / "other") as other:
        theirs = other.create_dataset("cells").version()
        frame = SingleFrame(id="f", source=picture(tmp_path, "a.png"))
        theirs.add_frames([frame], copy_media=True)
        path = KeptMedia(other.path).path((frame.source or "").removeprefix("media:"))
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[::-1])
        (failure,) = draft.add_frames([frame], copy_media=True)
    assert failure["error_type"] == "upload"
    assert "has other bytes than were kept" in str(failure["error"])
    assert len(draft) == 0


def test_kept_frames_go_to_workers(tmp_path: Path, draft: DatasetVersion) -> None:
    """A frame that was pickled finds its files, for it knows its store's folder."""
    path = picture(tmp_path, "a.png")
    data = path.read_bytes()
    draft.add_frames([SingleFrame(id="f", source=path)], copy_media=True)
    frame = pickle.loads(pickle.dumps(draft.get_frame("f")))
    assert Path(frame.get_local_source(raise_on_error=True)).read_bytes() == data


def test_a_bulk_context_keeps_too(tmp_path: Path, draft: DatasetVersion, store: Store) -> None:
    """It writes what it gathered by the same call; an update replaces a kept file by another."""
    first, second = picture(tmp_path, "a.png"), picture(tmp_path, "b.png")
    with draft.get_bulk_context(copy_media=True, flush_threshold=1) as bulk:
        assert bulk.add_frame(SingleFrame(id="f", source=first)) == []
        assert bulk.update_frame(SingleFrame(id="f", source=second)) == []
    assert draft.get_frame("f").source == uri_of(second)  # type: ignore[union-attr]
    assert kept_files(store) == {uri_of(first), uri_of(second)}


# What fails, and what is as it was then.


def test_files_that_cannot_be_kept_are_failures_of_uploads(
    tmp_path: Path, draft: DatasetVersion
) -> None:
    """Missing, empty, a folder, a pipe, a pointer, a group of which one file is missing."""
    (tmp_path / "empty.png").touch()
    os.mkfifo(tmp_path / "pipe.png")
    good = picture(tmp_path, "good.png")
    bad: list[object] = [
        SingleFrame(source=tmp_path / "nowhere.png"),
        SingleFrame(source=tmp_path / "empty.png"),
        SingleFrame(source=tmp_path / "pipe.png"),
        SingleFrame(source=tmp_path, id="folder"),
        SingleFrame(source="their-own:thing"),
        SingleFrame(source=good, mask_source=tmp_path / "nowhere.png"),
        SingleFrame(source="media:" + "0" * 64),
        {"id": "hostile", "sources": [{"id": "default", "uri": "media:../../etc/passwd"}]},
        {"id": "w", "sources": [{"id": "default", "uri": str(tmp_path / "nowhere.png")}]},
        FrameGroup(a=SingleFrame(source=good), b=SingleFrame(source=tmp_path / "nowhere.png")),
    ]
    before = [copy.deepcopy(one) for one in bad]
    fine = SingleFrame(id="fine", source=good)
    failures = draft.add_frames([*bad, fine], copy_media=True)  # type: ignore[list-item]
    assert [one["error_type"] for one in failures] == ["upload"] * len(bad)
    assert [id(one["frame"]) for one in failures] == list(map(id, bad))
    assert bad == before
    assert [one.id for one in draft] == ["fine"]
    assert "mask '00' of source 'default'" in str(failures[5]["error"])
    assert "source 'b'" in str(failures[9]["error"])
    # Mended, they are given again as they came back.
    picture(tmp_path, "nowhere.png")
    again = draft.add_frames(failures, copy_media=True)
    assert len(again) == len(bad) - 4


def test_no_byte_moves_for_a_frame_that_is_invalid(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """It could not be stored whatever became of its files."""
    wire = {
        "id": "f",
        "sources": [{"id": "default", "uri": str(picture(tmp_path, "a.png")), "width": "wide"}],
    }
    failures = draft.add_frames([wire], copy_media=True)
    assert [one["error_type"] for one in failures] == ["validation"]
    assert failures[0]["frame"] is wire
    assert kept_files(store) == set()


def test_a_frame_that_is_too_large_keeps_its_uris(tmp_path: Path, draft: DatasetVersion) -> None:
    """What fails after its files were kept is given back as it was."""
    frame = SingleFrame(id="f", source=picture(tmp_path, "a.png"), metadata={"x": "y" * 5000})
    wire = frame.to_dict()
    for one in (frame, copy.deepcopy(wire)):
        failures = draft.add_frames([one], copy_media=True, max_request_size_mb=0.001)
        assert [failure["error_type"] for failure in failures] == ["register"]
        assert failures[0]["frame"] is one
        assert (one if isinstance(one, dict) else one.to_dict()) == wire


def failing(frames: list[SingleFrame]) -> Iterator[SingleFrame]:
    """Yield frames, then raise as a user's own code does."""
    yield from frames
    raise KeyError("their own")


def in_a_batch(draft: DatasetVersion, first: list[SingleFrame], second: list[SingleFrame]) -> None:
    """Add frames by two calls of a batch that fails."""
    with draft.batch():
        draft.add_frames(first, copy_media=True)
        assert (first[0].source or "").startswith("media:")
        draft.add_frames(second, copy_media=True, strict=True)
        raise ZeroDivisionError


@pytest.mark.parametrize("how", ["strict", "iterable", "batch", "batch later"])
def test_where_the_call_raises_nothing_is_stored_and_frames_are_as_they_were(
    tmp_path: Path, draft: DatasetVersion, how: str
) -> None:
    """So that the next attempt begins from the same."""
    frames = [SingleFrame(source=picture(tmp_path, f"{at}.png")) for at in range(300)]
    missing = SingleFrame(source=tmp_path / "nowhere.png")
    before = [pickle.dumps(frame.to_dict()) for frame in frames]
    if how == "strict":
        with pytest.raises(FrameError) as raised:
            draft.add_frames([*frames, missing], copy_media=True, strict=True)
        assert raised.value.frame is missing
    elif how == "iterable":
        with pytest.raises(KeyError):
            draft.add_frames(failing(frames), copy_media=True)
    elif how == "batch":
        with pytest.raises(FrameError):
            in_a_batch(draft, frames[:10], [*frames[10:], missing])
    else:
        with pytest.raises(ZeroDivisionError):
            in_a_batch(draft, frames, [])
    assert len(draft) == 0
    assert [pickle.dumps(frame.to_dict()) for frame in frames] == before
    assert draft.add_frames(frames, copy_media=True) == []
    assert len(draft) == 300


def test_a_file_that_vanishes_is_a_failure_and_stops_no_other(
    tmp_path: Path, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between being looked at and being read there is time for anything."""
    frames = [SingleFrame(id=f"{at}", source=picture(tmp_path, f"{at}.png")) for at in range(9)]
    before = local.local_file

    def gone(uri: str, **named: object) -> str:
        found = before(uri, **named)  # type: ignore[arg-type]
        if uri.endswith("/4.png"):
            Path(found).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(keeping, "local_file", gone)
    failures = draft.add_frames(frames, copy_media=True)
    assert [one["frame"] for one in failures] == [frames[4]]
    assert len(draft) == 8


def test_what_is_not_what_was_recorded_is_not_kept(
    tmp_path: Path, draft: DatasetVersion, web: WebServer
) -> None:
    """Of a source, a mask, a preview and a file elsewhere: a SHA-256 is of these bytes, or the
    frame is a failure.
    """
    other = hashlib.sha256(b"other").hexdigest()
    pics = [picture(tmp_path, name) for name in ("a.png", "m.png", "n.png", "p.png")]
    good = [hashlib.sha256(path.read_bytes()).hexdigest() for path in pics]
    cat = hashlib.sha256(web.files["cat.jpg"]).hexdigest()

    def frame(name: str, source: str, mask: str, preview: str) -> SingleFrame:
        made = SingleFrame(
            id=name, source=pics[0], mask_source=[pics[1], pics[2]], preview_uri=pics[3]
        )
        hashes = {"source": source, "mask_source": [None, mask], "preview_source": preview}
        made.sourcedata["hash"] = hashes
        return made

    frames = [
        frame("good", good[0].upper(), good[2], good[3]),
        frame("source", other, good[2], good[3]),
        frame("mask", good[0], good[1], good[3]),
        frame("preview", good[0], good[2], good[2]),
        SingleFrame(id="web", source=web.url("/files/cat.jpg"), hash=cat),
        SingleFrame(id="changed", source=web.url("/files/cat.jpg"), hash=other),
    ]
    failures = draft.add_frames(frames, copy_media=True)
    told = {
        frame_object(one["frame"]).id: (one["error_type"], str(one["error"])) for one in failures
    }
    assert set(told) == {"source", "mask", "preview", "changed"}
    assert {kind for kind, _ in told.values()} == {"upload"}
    assert all("is recorded" in error for _, error in told.values())
    assert {one.id for one in draft} == {"good", "web"}


def test_a_file_that_is_edited_after_it_was_read_is_not_kept_as_it_was(
    tmp_path: Path, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that many frames name is looked at again for each chunk of them."""
    monkeypatch.setattr(keeping, "KEEP_FRAMES", 1)
    path = picture(tmp_path, "a.png")

    def edited() -> Iterator[SingleFrame]:
        yield SingleFrame(id="first", source=path)
        path.write_bytes(b"edited")
        yield SingleFrame(id="second", source=path)

    assert draft.add_frames(edited(), copy_media=True) == []
    second = draft.get_frame("second")
    assert isinstance(second, SingleFrame)
    assert second.source == f"media:{blake3(b'edited').hexdigest()}"
    assert second.hash == hashlib.sha256(b"edited").hexdigest()


@pytest.mark.parametrize("keep", [True, False])
def test_what_has_changed_elsewhere_is_not_fetched(
    draft: DatasetVersion, web: WebServer, store: Store, keep: bool
) -> None:
    """As it is not when one picture is asked for; and what the cache has of it is asked anew."""
    url = web.url("/files/cat.jpg")
    draft.add_frames([SingleFrame(id="f", source=url)])
    assert draft.fetch_media().failures == []
    other = hashlib.sha256(b"another cat").hexdigest()
    draft.add_frames([SingleFrame(id="f", source=url, hash=other)])
    failures = draft.fetch_media(keep=keep).failures
    assert [one["error_type"] for one in failures] == ["upload"]
    assert "another SHA-256 than is recorded" in str(failures[0]["error"])
    assert kept_files(store) == set()
    web.files["cat.jpg"] = b"another cat"
    assert draft.fetch_media(keep=keep).failures == []


def test_a_lost_file_comes_back_with_its_frame(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """As its fault says, from the original, whatever else is there already."""
    path = picture(tmp_path, "a.png")
    draft.add_frames([SingleFrame(source=path)], copy_media=True)
    (uri,) = kept_files(store)
    KeptMedia(store.path).path(uri.removeprefix("media:")).unlink()
    assert [fault.code for fault in verify_kept(store).faults] == ["missing"]
    assert draft.add_frames([SingleFrame(source=path)], copy_media=True) == []
    assert kept_files(store) == {uri}
    assert verify_kept(store).faults == []
    assert len(draft) == 1


def test_ctrl_c_does_not_wait_for_a_silent_server(
    draft: DatasetVersion, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither for the rest of the file, nor for further tries; nor does who waits for the same."""
    monkeypatch.setenv("HYPERSTORE_MEDIA_RETRIES", "9")
    monkeypatch.setenv("HYPERSTORE_MEDIA_TIMEOUT", "2")

    def interrupted(self: object) -> None:
        web.begun.wait(30)
        raise KeyboardInterrupt

    frames = [
        SingleFrame(id=f"{at}", source=web.url("/stall/cat.jpg"), hash=sha256)
        for at, sha256 in enumerate((None, "0" * 64))
    ]
    monkeypatch.setattr(Future, "result", interrupted)
    with pytest.raises(KeyboardInterrupt):
        draft.add_frames(frames, copy_media=True)
    assert len(web.asked) == 1


def test_a_full_disk_ends_the_call_and_changes_nothing(tmp_path: Path) -> None:
    """It is not about one frame; what was kept so far is swept some day, or used next time."""
    paths = []
    for at in range(40):
        paths.append(tmp_path / f"{at}.bin")
        paths[-1].write_bytes(os.urandom(100_000))
    with small_disk(tmp_path / "disk", 3000) as disk, hyperstore.init(disk / "store") as store:
        version = store.create_dataset("cells").version()
        frames = [SingleFrame(source=path) for path in paths]
        with pytest.raises(DiskFullError):
            version.add_frames(frames, copy_media=True)
        assert len(version) == 0
        assert [frame.source for frame in frames] == [str(path) for path in paths]
        assert list((store.path / "media" / "partial").iterdir()) == []
        for one in KeptMedia(store.path).files():
            data = KeptMedia(store.path).path(one.digest).read_bytes()
            assert blake3(data).hexdigest() == one.digest


def test_neither_a_published_version_nor_a_store_for_reading_takes_files(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """Nothing is copied for a frame that has nowhere to go."""
    frame = SingleFrame(source=picture(tmp_path, "a.png"))
    draft.add_frames([{"id": "f", "sources": [{"id": "default", "uri": "https://a/b"}]}])
    draft.publish()
    with pytest.raises(PublishedError):
        draft.add_frames([frame], copy_media=True)
    with hyperstore.open(store.path, readonly=True) as reading, pytest.raises(HyperstoreError):
        reading.datasets()[0].version().add_frames([frame], copy_media=True)
    assert kept_files(store) == set()


def test_files_are_kept_or_uploaded(tmp_path: Path, draft: DatasetVersion) -> None:
    """A frame has one URI; both at once would be a promise that one of them breaks."""
    mapping = {str(tmp_path / "here"): str(tmp_path / "there")}
    with pytest.raises(UsageError, match="copy_media"):
        draft.add_frames([], copy_media=True, src_to_dst_mapping=mapping)
    with draft.get_bulk_context(), pytest.raises(UsageError, match="keeps no files"):
        draft.get_bulk_context(copy_media=True)


def test_a_frame_whose_file_is_gone_says_how_to_get_it(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """A clone without its media is a store whose pictures can be asked for."""
    draft.add_frames([SingleFrame(id="f", source=picture(tmp_path, "a.png"))], copy_media=True)
    shutil.rmtree(store.path / "media")
    frame = draft.get_frame("f")
    assert isinstance(frame, SingleFrame)
    with pytest.raises(NotFoundError, match="copy that file from the media folder"):
        frame.get_local_source(raise_on_error=True)
    with pytest.raises(RefusedError), hyperstore.open(store.path, readonly=True) as reading:
        keeping.Keeper(reading.handle, strict=False)


def test_memory_does_not_grow_with_frames(tmp_path: Path, draft: DatasetVersion) -> None:
    """Nor with the bytes: a chunk of frames, and a piece of each file, at a time."""
    path = tmp_path / "big.bin"

    def frames(count: int) -> Iterator[SingleFrame]:
        for at in range(count):
            path.write_bytes(bytes([at % 251]) * 2_000_000)
            yield SingleFrame(id=f"{at}", source=path, timestamp=at)

    draft.add_frames(frames(3), copy_media=True)
    gc.collect()
    tracemalloc.start()
    try:
        with draft.batch():
            for _ in range(3):
                draft.add_frames(frames(1), copy_media=True)
            tracemalloc.reset_peak()
            for _ in range(60):
                draft.add_frames(frames(1), copy_media=True)
        assert tracemalloc.get_traced_memory()[1] < 40 * 1024 * 1024
    finally:
        tracemalloc.stop()


CROWD = 4


def test_processes_that_keep_one_folder_store_all_of_it(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """Every frame of each, and each file once."""
    paths = [picture(tmp_path / "pics", f"{at}.png") for at in range(20)]
    folder = store.path

    def work(at: int) -> None:
        with hyperstore.open(folder) as mine:
            version = mine.datasets()[0].version()
            frames = [SingleFrame(id=f"{at}-{path.name}", source=path) for path in paths]
            assert version.add_frames(frames, copy_media=True) == []

    run_crowd(work, CROWD)
    assert len(draft) == CROWD * len(paths)
    assert kept_files(store) == {uri_of(path) for path in paths}
    assert all(one.get_local_source(raise_on_error=True) for one in draft)  # type: ignore[union-attr]


def test_ctrl_c_ends_a_download(
    draft: DatasetVersion, web: WebServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the next bytes that come; they are in no cache, and the frame is as it was."""
    frame = SingleFrame(id="f", source=web.url("/held/cat.jpg"))
    shutdown = ThreadPoolExecutor.shutdown

    def interrupted(self: object) -> None:
        web.begun.wait(30)
        raise KeyboardInterrupt

    def released(self: ThreadPoolExecutor, **named: bool) -> None:
        web.release.set()
        shutdown(self, **named)

    monkeypatch.setattr(Future, "result", interrupted)
    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", released)
    with pytest.raises(KeyboardInterrupt):
        draft.add_frames([frame], copy_media=True)
    assert [path for path in cache.rglob("*") if path.is_file()] == []
    assert frame.source == web.url("/held/cat.jpg")


def test_a_store_links_where_it_is_set_to(
    tmp_path: Path, draft: DatasetVersion, store: Store
) -> None:
    """`media.keep` is a setting of the store, so all who add to it do as one of them chose."""
    path = picture(tmp_path, "a.png")
    store.set_config("media.keep", "link")
    draft.add_frames([SingleFrame(id="f", source=path)], copy_media=True)
    assert path.stat().st_nlink == 2
    with pytest.raises(UsageError, match="`copy` or `link`"):
        store.set_config("media.keep", "move")


# The facts alone.


def test_facts_are_read_on_request(tmp_path: Path) -> None:
    """Nothing is copied, and what the file says replaces what was said of it."""
    path, mask = picture(tmp_path, "a.png", 20, 10), picture(tmp_path, "m.png", 5, 4)
    frame = SingleFrame(source=path, mask_source=mask, width=1, size=1, preview_uri=mask)
    frame.update_source_info()
    source = frame.to_dict()["sources"][0]  # type: ignore[index]
    assert (source["content_type"], source["width"], source["height"]) == ("image/png", 20, 10)
    assert frame.size == path.stat().st_size
    assert frame.hash == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source["masks"][0]["width"], source["preview"]["height"]) == (5, 4)
    assert frame.source == str(path)


def test_facts_of_what_is_elsewhere_are_read_if_allowed(web: WebServer) -> None:
    """Asking must not begin a thousand downloads."""
    frame = SingleFrame(source=web.url("/files/cat.jpg"))
    frame.update_source_info()
    assert (frame.size, web.asked) == (None, [])
    frame.update_source_info(allow_download=True)
    assert frame.size == len(web.files["cat.jpg"])


def test_where_one_file_cannot_be_read_no_fact_is_recorded(tmp_path: Path) -> None:
    """Half of it would look like all of it."""
    frame = SingleFrame(source=picture(tmp_path, "a.png"), mask_source=tmp_path / "nowhere.png")
    before = frame.to_dict()
    with pytest.raises(NotFoundError):
        frame.update_source_info()
    assert frame.to_dict() == before
