"""A frame's files on this machine, by the calls that users of ClearML know."""

import hashlib
import logging
import pickle
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

import pytest

import hyperstore
from hyperstore.errors import HyperstoreError, MediaError, NotFoundError
from hyperstore.frames.frame import SingleFrame
from hyperstore.frames.group import FrameGroup
from tests.support.webserver import WebServer

# The server of these tests is a thread of a process that forks, which newer Pythons warn of.
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Return a local file that has bytes."""
    path = tmp_path / "my cat.jpg"
    path.write_bytes(b"cat")
    return path


def test_sf_19_st_09_a_local_file_is_answered_as_it_is(picture: Path, cache: Path) -> None:
    """A copy would double the data of who has it all on one disk."""
    for source in (picture, str(picture), f"file://{picture}"):
        assert SingleFrame(source=source).get_local_source() == str(picture)
    assert not cache.exists()


def test_sf_19_a_remote_file_is_downloaded(web: WebServer) -> None:
    """The path is absolute, and its bytes are the server's."""
    frame = SingleFrame(source=web.url("/files/cat.jpg"))
    found = frame.get_local_source(raise_on_error=True)
    assert found is not None
    assert Path(found).is_absolute()
    assert Path(found).read_bytes() == web.files["cat.jpg"]
    assert frame.source == web.url("/files/cat.jpg")


def _of_three_files(web: WebServer) -> SingleFrame:
    for name in ("mask.png", "small.jpg"):
        web.files[name] = name.encode() * 9
    frame = SingleFrame(source=web.url("/files/cat.jpg"), mask_source=[web.url("/files/mask.png")])
    frame.preview_uri = web.url("/files/small.jpg")
    frame.sourcedata["hash"] = {
        "source": hashlib.sha256(web.files["cat.jpg"]).hexdigest(),
        "mask_source": [hashlib.sha256(web.files["mask.png"]).hexdigest()],
        "preview_source": hashlib.sha256(web.files["small.jpg"]).hexdigest(),
    }
    return frame


class _Get(Protocol):
    def __call__(
        self, *, raise_on_error: bool = False, skip_size_check: bool = False
    ) -> str | None: ...


def _gets(frame: SingleFrame) -> dict[str, _Get]:
    return {
        "cat.jpg": frame.get_local_source,
        "mask.png": frame.get_local_mask_source,
        "small.jpg": frame.get_local_preview_source,
    }


@pytest.mark.parametrize("which", ["cat.jpg", "mask.png", "small.jpg"])
def test_a_download_with_another_hash_than_recorded_is_refused(web: WebServer, which: str) -> None:
    """Other bytes under the same name are other data: nobody trains on them unaware."""
    frame = _of_three_files(web)
    web.files[which] = web.files[which][:-1] + b"?"
    for name, get in _gets(frame).items():
        if name == which:
            with pytest.raises(MediaError, match="another SHA-256"):
                get(raise_on_error=True)
            assert get() is None
            taken = get(skip_size_check=True)
            assert taken is not None
            assert Path(taken).read_bytes() == web.files[name]
        else:
            assert get() is not None
    frame.update_source_files_hash(allow_download=True)
    assert _gets(frame)[which]() is not None


def test_a_file_of_which_no_hash_is_recorded_is_compared_with_none(web: WebServer) -> None:
    """A mask that came later has not that of the preview, nor that of another mask."""
    frame = _of_three_files(web)
    mask = frame.mask_source
    frame.masks_source = {"first": mask, "second": web.url("/files/mask.png?second")}
    assert None not in frame.get_local_masks_source(raise_on_error=True).values()
    del frame.sourcedata["hash"]["mask_source"]  # type: ignore[attr-defined]
    assert None not in frame.get_local_masks_source(raise_on_error=True).values()


def test_a_file_that_is_named_instead_has_no_recorded_hash(web: WebServer) -> None:
    """What is recorded is of the content that was named before; that of the others stays."""
    frame = _of_three_files(web)
    frame.size = 10_240
    before = dict(frame.sourcedata["hash"])  # type: ignore[call-overload]
    web.files["dog.jpg"] = b"dog"
    frame.source = frame.source  # The same file.
    assert (frame.sourcedata["hash"], frame.size) == (before, 10_240)
    frame.source = web.url("/files/dog.jpg")
    assert frame.size is None
    assert frame.sourcedata["hash"] == {k: v for k, v in before.items() if k != "source"}
    assert frame.get_local_source(raise_on_error=True) is not None
    frame.masks_source = [web.url("/files/dog.jpg"), *frame.masks_source.values()]
    assert frame.sourcedata["hash"] == {
        "mask_source": [None, *before["mask_source"]],
        "preview_source": before["preview_source"],
    }
    assert all(frame.get_local_masks_source(raise_on_error=True).values())
    frame.preview_uri = frame.mask_source = None
    assert frame.sourcedata == {}


def test_a_cached_file_that_is_out_of_date_is_downloaded_anew(web: WebServer) -> None:
    """A frame that knows the new content gets it, whatever was downloaded before."""
    frame = _of_three_files(web)
    assert frame.get_local_source() is not None
    web.files["cat.jpg"] = bytes(reversed(web.files["cat.jpg"]))
    frame.hash = hashlib.sha256(web.files["cat.jpg"]).hexdigest()
    found = frame.get_local_source()
    assert found is not None
    assert Path(found).read_bytes() == web.files["cat.jpg"]


def test_sf_19_a_failure_is_none_unless_asked_to_raise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A training run goes on without one picture; the log says which and why."""
    frame = SingleFrame(source=tmp_path / "gone.jpg")
    with caplog.at_level(logging.WARNING):
        assert frame.get_local_source() is None
    assert "gone.jpg" in caplog.text
    with pytest.raises(NotFoundError, match=r"gone\.jpg"):
        frame.get_local_source(raise_on_error=True)
    with pytest.raises(NotFoundError, match="no source"):
        SingleFrame().get_local_source(True)


def test_sf_19_an_empty_file_is_refused_unless_that_check_is_skipped(tmp_path: Path) -> None:
    """It is a picture that was never written."""
    path = tmp_path / "empty.jpg"
    path.touch()
    frame = SingleFrame(source=path)
    assert frame.get_local_source() is None
    with pytest.raises(MediaError, match="empty"):
        frame.get_local_source(raise_on_error=True)
    assert frame.get_local_source(skip_size_check=True) == str(path)


def test_sf_19_force_download_asks_again(web: WebServer) -> None:
    """The one switch that passes the cache by."""
    frame = SingleFrame(source=web.url("/files/cat.jpg"))
    frame.get_local_source()
    frame.get_local_source(force_download=True)
    frame.get_local_source()
    assert len(web.asked) == 2


def test_sf_20_sf_21_masks_by_id(web: WebServer, picture: Path) -> None:
    """The first one by default, and all of them with what is missing as None."""
    masks = {"a": web.url("/files/cat.jpg"), "b": str(picture), "c": web.url("/files/no.png")}
    frame = SingleFrame(source=picture, mask_source=masks)
    first = frame.get_local_mask_source()
    assert first is not None
    assert Path(first).read_bytes() == web.files["cat.jpg"]
    assert frame.get_local_mask_source(mask_id="b") == str(picture)
    assert frame.get_local_masks_source() == {"a": first, "b": str(picture), "c": None}
    assert frame.get_local_mask_source(mask_id="d") is None
    with pytest.raises(NotFoundError, match="'a', 'b', 'c'"):
        frame.get_local_mask_source(raise_on_error=True, mask_id="d")
    with pytest.raises(HyperstoreError, match="404"):
        frame.get_local_masks_source(raise_on_error=True)


def test_sf_22_the_preview(web: WebServer, picture: Path) -> None:
    """Same switches, another URI."""
    frame = SingleFrame(source=picture, preview_uri=web.url("/files/cat.jpg"))
    found = frame.get_local_preview_source(raise_on_error=True)
    assert found is not None
    assert Path(found).read_bytes() == web.files["cat.jpg"]
    assert SingleFrame(source=picture).get_local_preview_source() is None


def test_sf_24_hashes_of_what_is_local(web: WebServer, picture: Path) -> None:
    """Remote content only where a download is allowed; what was known of it stays."""
    remote = web.url("/files/cat.jpg")
    frame = SingleFrame(source=picture, mask_source=[remote, picture], preview_uri=remote)
    local_hash = hashlib.sha256(b"cat").hexdigest()
    frame.update_source_files_hash()
    assert frame.sourcedata["hash"] == {"source": local_hash, "mask_source": [None, local_hash]}
    assert frame.get_source_hash() == local_hash
    assert web.asked == []
    remote_hash = hashlib.sha256(web.files["cat.jpg"]).hexdigest()
    frame.update_source_files_hash(allow_download=True)
    assert frame.sourcedata["hash"] == {
        "source": local_hash,
        "mask_source": [remote_hash, local_hash],
        "preview_source": remote_hash,
    }
    before = dict(frame.sourcedata)
    frame.update_source_files_hash()
    assert frame.sourcedata == before


def test_sf_24_a_file_that_cannot_be_read_changes_nothing(picture: Path) -> None:
    """Half of the hashes would look like all of them."""
    frame = SingleFrame(source=picture, preview_uri=picture.with_name("gone.jpg"))
    with pytest.raises(NotFoundError):
        frame.update_source_files_hash()
    assert frame.get_source_hash() is None
    assert frame.sourcedata == {}


def test_members_of_a_group_have_their_own_files(picture: Path) -> None:
    """A group has no source of its own."""
    group = FrameGroup(left=SingleFrame(source=picture), right=SingleFrame(source="s3://b/x.jpg"))
    assert group["left"].get_local_source() == str(picture)


def sources_of(frames: list[SingleFrame], answer: str) -> None:
    """Write down what a worker is answered."""
    Path(answer).write_text("\n".join(str(frame.get_local_source()) for frame in frames))


@pytest.mark.parametrize("how", ["fork", "spawn"])
def test_sf_26_frames_of_a_store_find_their_files_in_workers(
    web: WebServer, tmp_path: Path, how: str
) -> None:
    """A loader's workers are forked or new; the frames carry no handle into them."""
    (tmp_path / "cat.jpg").write_bytes(b"cat")
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        version = store.create_dataset("cats").get_version()
        uris = [str(tmp_path / "cat.jpg"), web.url("/files/cat.jpg")]
        version.add_frames([SingleFrame(source=uri) for uri in uris])
        frames = [one for one in version.get_iterator() if isinstance(one, SingleFrame)]
        assert pickle.loads(pickle.dumps(frames)) == frames
        answer = tmp_path / "answer"
        child = get_context(how).Process(  # type: ignore[attr-defined]
            target=sources_of, args=(frames, str(answer))
        )
        child.start()
        child.join(60)
        assert child.exitcode == 0
    said = answer.read_text().splitlines()
    assert said == [frame.get_local_source() for frame in frames]
    assert sorted(Path(path).read_bytes() for path in said) == sorted(
        [b"cat", web.files["cat.jpg"]]
    )


def test_a_store_says_where_its_downloads_go(
    web: WebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A team's store may keep them on the disk that has room."""
    monkeypatch.delenv("HYPERSTORE_CACHE_DIR")
    with hyperstore.init(tmp_path / ".hyperstore") as store:
        store.set_config("cache.dir", str(tmp_path / "big"))
        version = store.create_dataset("cats").get_version()
        version.add_frames([SingleFrame(source=web.url("/files/cat.jpg"))])
        (frame,) = version.get_iterator()
        found = frame.get_local_source(raise_on_error=True)  # type: ignore[union-attr]
    assert found is not None
    assert found.startswith(f"{tmp_path}/big/")
