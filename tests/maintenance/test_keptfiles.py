"""Kept files against the frames that name them: nothing that is needed goes, and damage is told."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blake3 import blake3
from PIL import Image

import hyperstore
from hyperstore import DatasetVersion, SingleFrame, Store
from hyperstore.errors import LockedError
from hyperstore.limits import GRACE_S
from hyperstore.maintenance import keptfiles
from hyperstore.maintenance.check import fsck
from hyperstore.maintenance.collect import gc
from hyperstore.maintenance.keptfiles import kept_uses, prune, verify_kept
from hyperstore.media.kept import KeptMedia
from tests.support.disks import read_only, small_disk

LONG_AGO = time.time() - 400 * 24 * 3600


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an empty store."""
    with hyperstore.init(tmp_path / "store") as made:
        yield made


@pytest.fixture
def draft(store: Store) -> DatasetVersion:
    """Return the draft of a new dataset."""
    return store.create_dataset("cells").version()


def frame(folder: Path, name: str) -> SingleFrame:
    """Return a frame of that id, with a new picture."""
    path = folder / f"{name}.png"
    shade = tuple(blake3(name.encode()).digest()[:3])
    Image.new("RGB", (8, 6), shade).save(path)
    return SingleFrame(id=name, source=path)


def kept(store: Store) -> set[str]:
    """Return the hashes of what is kept."""
    return {one.digest for one in KeptMedia(store.path).files()}


def digest_of(one: SingleFrame) -> str:
    """Return the hash under which a frame's source is kept."""
    assert one.source is not None
    return one.source.removeprefix("media:")


def grow_old(store: Store) -> None:
    """Let all kept files look as if they were kept long ago."""
    for digest in kept(store):
        os.utime(KeptMedia(store.path).path(digest), (LONG_AGO, LONG_AGO))


def test_what_no_frame_ever_named_goes_once_it_is_old(
    tmp_path: Path, store: Store, draft: DatasetVersion
) -> None:
    """A call that failed after its files were copied leaves some."""
    one = frame(tmp_path, "a")
    draft.add_frames([one], copy_media=True)
    with KeptMedia(store.path).holding():
        (tmp_path / "b.bin").write_bytes(b"unused")
        KeptMedia(store.path).keep(str(tmp_path / "b.bin"), "b")
    done = prune(store)
    assert (done.files, done.used, done.young) == (0, 1, 1)
    grow_old(store)
    assert prune(store, dry_run=True).files == 1
    assert len(kept(store)) == 2
    done = prune(store)
    assert (done.files, done.bytes, done.used) == (1, len(b"unused"), 1)
    assert kept(store) == {digest_of(one)}


@pytest.mark.parametrize("holder", ["draft", "commit", "tag", "published", "metadata", "undo"])
def test_what_something_leads_to_stays(
    tmp_path: Path, store: Store, draft: DatasetVersion, holder: str
) -> None:
    """Any version, commit, tag or operation that can be undone holds the files of its frames."""
    one = frame(tmp_path, "a")
    draft.add_frames([one], copy_media=True)
    if holder in ("commit", "tag", "published"):
        draft.commit("with it")
    if holder == "tag":
        draft.tag("v1")
    if holder == "published":
        draft.publish()
    elif holder != "draft":
        draft.delete_frames(["a"])
    if holder == "tag":
        draft.commit("without it")
    if holder == "metadata":
        draft.set_metadata({"legend": f"media:{digest_of(one)}"})
    grow_old(store)
    assert prune(store).files == 0
    if holder == "undo":
        store.undo()
        assert draft.get_frame("a").get_local_source(raise_on_error=True)  # type: ignore[union-attr]
    assert kept(store) == {digest_of(one)}


def test_what_metadata_alone_names_stays(
    tmp_path: Path, store: Store, draft: DatasetVersion
) -> None:
    """Though no frame ever did: a picture that stands for the dataset, say."""
    media = KeptMedia(store.path)
    (tmp_path / "cover.png").write_bytes(b"cover")
    with media.holding():
        digest = media.keep(str(tmp_path / "cover.png"), "cover").digest
    draft.set_metadata({"cover": f"media:{digest}"})
    grow_old(store)
    assert prune(store).files == 0
    draft.commit("with it", allow_empty=True)
    assert (prune(store).used, kept(store)) == (1, {digest})


def test_what_is_kept_again_while_prune_looks_stays(
    tmp_path: Path, store: Store, draft: DatasetVersion
) -> None:
    """Nobody names it yet, but somebody may be about to."""
    draft.add_frames([frame(tmp_path, "a")], copy_media=True)
    media, (digest,) = KeptMedia(store.path), kept(store)
    with media.pruning():
        assert not media.delete(digest, before_s=LONG_AGO)
        assert kept(store) == {digest}
        assert media.delete(digest, before_s=time.time() + 60)
        assert not media.delete(digest, before_s=time.time() + 60)
    assert kept(store) == set()


def test_what_undo_cannot_bring_back_any_more_goes(
    tmp_path: Path, store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same roots as gc's: a day after the frame was deleted, and committed without."""
    draft.add_frames([frame(tmp_path, "a"), frame(tmp_path, "b")], copy_media=True)
    draft.delete_frames(["a"])
    draft.commit("Without a")
    grow_old(store)
    later = int((time.time() + 2 * GRACE_S) * 1000)
    monkeypatch.setattr(keptfiles, "gc", lambda store, **named: gc(store, now_ms=later, **named))
    assert prune(store).files == 1
    assert kept(store) == {digest_of(draft.get_frame("b"))}  # type: ignore[arg-type]
    assert fsck(store, level="full").ok


def test_prune_waits_for_nobody_who_keeps_files_for_long(
    tmp_path: Path, store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch under way may be about to name any file: old ones that it found there too."""
    monkeypatch.setattr(keptfiles, "PRUNE_WAIT_S", 0)
    one = frame(tmp_path, "a")
    with KeptMedia(store.path).holding():
        KeptMedia(store.path).keep(str(one.source), "a")
    with draft.batch():
        draft.add_frames([one], copy_media=True)
        grow_old(store)
        with pytest.raises(LockedError, match="being kept right now"):
            prune(store)
    assert prune(store).files == 0
    assert draft.get_frame("a").get_local_source(raise_on_error=True)  # type: ignore[union-attr]


def test_prune_against_adding_leaves_no_frame_without_its_file(
    tmp_path: Path, store: Store, draft: DatasetVersion
) -> None:
    """One prunes all the time without grace, the other adds: only the lock is between them."""
    store.set_config("gc.grace", 0)
    paths = [frame(tmp_path, str(at)) for at in range(150)]
    done = threading.Event()
    rounds: list[int] = []

    def pruning() -> None:
        while not done.is_set():
            try:
                rounds.append(prune(store).files)
            except LockedError:
                rounds.append(0)

    thread = threading.Thread(target=pruning)
    thread.start()
    try:
        for one in paths:
            assert draft.add_frames([one], copy_media=True) == []
    finally:
        done.set()
        thread.join()
    assert rounds
    assert all(one.get_local_source(raise_on_error=True) for one in draft)  # type: ignore[union-attr]
    assert verify_kept(store).faults == []


def test_a_frame_that_came_during_the_look_is_seen(
    tmp_path: Path, store: Store, draft: DatasetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the first look and the deletion anybody may name a file that is there."""
    one = frame(tmp_path, "a")
    with KeptMedia(store.path).holding():
        KeptMedia(store.path).keep(str(one.source), "a")
    grow_old(store)
    delete = keptfiles._delete

    def late(*given: object, **named: object) -> object:
        draft.add_frames([one], copy_media=True)
        grow_old(store)
        return delete(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(keptfiles, "_delete", late)
    assert prune(store).files == 0
    assert kept(store) == {digest_of(one)}


def test_an_edited_frame_counts_once(tmp_path: Path, store: Store, draft: DatasetVersion) -> None:
    """`ls` says how many frames use a file, however often each was stored."""
    one, other = frame(tmp_path, "a"), frame(tmp_path, "b")
    other.source = one.source
    draft.add_frames([one, other], copy_media=True)
    for at in range(3):
        one.metadata["edit"] = at
        draft.update_frames([one])
    found = list(kept_uses(store))
    assert [(use.digest, use.frames) for use in found] == [(digest_of(one), 2)]
    assert found[0].content_type == "image/png"
    assert found[0].size == KeptMedia(store.path).path(digest_of(one)).stat().st_size


def spoil(store: Store, one: SingleFrame, how: Callable[[Path], object]) -> str:
    """Do something to the kept file of a frame; return its hash."""
    path = KeptMedia(store.path).path(digest_of(one))
    path.chmod(0o644)
    how(path)
    return path.name


def flip(path: Path) -> None:
    """Change one bit, as a disk does."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def test_verify_lists_what_is_wrong_and_whose_it_is(
    tmp_path: Path, store: Store, draft: DatasetVersion
) -> None:
    """Missing, damaged, empty and broken; files that are no pictures are only hashed."""
    frames = [frame(tmp_path, name) for name in ("gone", "flipped", "emptied", "good")]
    whole = Path(frame(tmp_path, "cut").source or "").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[:50])
    (tmp_path / "worse.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (tmp_path / "points.bin").write_bytes(b"lidar")
    others = [
        SingleFrame(id=name, source=tmp_path / name)
        for name in ("cut.png", "worse.jpg", "points.bin")
    ]
    draft.add_frames([*frames, *others], copy_media=True)
    wanted = {
        spoil(store, frames[0], Path.unlink): ("missing", ("gone",)),
        spoil(store, frames[1], flip): ("damaged", ("flipped",)),
        spoil(store, frames[2], lambda path: path.write_bytes(b"")): ("empty", ("emptied",)),
        digest_of(others[0]): ("broken", ("cut.png",)),
        digest_of(others[1]): ("broken", ("worse.jpg",)),
    }
    found = verify_kept(store)
    assert {one.digest: (one.code, one.frames) for one in found.faults} == wanted
    assert (found.files, found.pictures) == (6, 2)
    faults = {fault.where: fault for fault in fsck(store, level="full").faults}
    codes = {place: fault.code for place, fault in faults.items()}
    names = list(wanted)
    assert codes == {
        f"media:{names[0]}": "missing-media",
        f"media:{names[1]}": "damaged-media",
        f"media:{names[2]}": "damaged-media",
    }
    assert faults[f"media:{names[0]}"].lost == "frame 'gone'"
    assert fsck(store).ok  # Which looks at no file.


def test_gc_leaves_files_alone(tmp_path: Path, store: Store, draft: DatasetVersion) -> None:
    """It counts objects; files go by prune only."""
    draft.add_frames([frame(tmp_path, "a")], copy_media=True)
    draft.delete_frames(["a"])
    draft.commit("Empty", allow_empty=True)
    grow_old(store)
    gc(store, prune_now=True)
    assert len(kept(store)) == 1


def test_a_store_for_reading_only_is_verified(tmp_path: Path) -> None:
    """An archive is the place where one asks."""
    with small_disk(tmp_path / "disk", 8192) as disk:
        with hyperstore.init(disk / "store") as store:
            draft = store.create_dataset("cells").version()
            draft.add_frames([frame(tmp_path, "a")], copy_media=True)
        with read_only(disk), hyperstore.open(disk / "store", readonly=True) as archive:
            assert verify_kept(archive).faults == []
            assert [one.frames for one in kept_uses(archive)] == [1]


def test_prune_of_a_store_that_keeps_nothing_makes_no_folder(store: Store) -> None:
    """Asking is not using."""
    assert prune(store).files == 0
    assert not (store.path / "media").exists()
