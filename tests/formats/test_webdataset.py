"""WebDataset: what its own library reads, the same frames back, and tars that mean harm."""

import gc
import gzip
import hashlib
import io
import json
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import webdataset
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import hyperstore
from hyperstore import FormatError, HyperstoreError, NotFoundError, RefusedError, Store
from hyperstore.formats import tarfiles
from hyperstore.formats import webdataset as shards
from hyperstore.formats.newmedia import kept_in_store, written_to
from hyperstore.formats.shardnames import key_of
from hyperstore.ids import new_id
from hyperstore.media.local import local_file
from tests.support.pictures import draw
from tests.support.strategies import wire_frames

Row = dict[str, Any]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store for many datasets."""
    with hyperstore.init(tmp_path_factory.mktemp("wds") / "store") as made:
        yield made


@pytest.fixture
def pictures(tmp_path: Path) -> list[Row]:
    """Return three frames of pictures that are there, one with a mask, and one of a pair."""
    frames: list[Row] = []
    for at in range(3):
        uri = f"file://{draw(tmp_path / f'in/{at}.png', at)}"
        source = {"id": "default", "uri": uri, "width": 4, "height": 4}
        frames.append({
            "id": f"frame.{at}/é",
            "context_id": "camera",
            "timestamp": at,
            "sources": [source],
            "rois": [{"id": "r", "label": ["cell"], "poly": [0, 0, 1, 0, 1, 1, 0, 1]}],
        })  # fmt: skip
    mask = {"id": "se.g", "uri": frames[0]["sources"][0]["uri"]}
    frames[1]["sources"][0]["masks"] = [mask]
    pair = [frames[at]["sources"][0] | {"id": name} for at, name in enumerate(("left", "right"))]
    frames[2] |= {"sources": pair, "rois": []}
    return frames


def stored(store: Store, frames: list[Row] | Iterator[Row]) -> Any:
    """Return the draft of a new dataset with these frames."""
    draft = store.create_dataset(new_id()).version()
    assert draft.add_frames(frames, strict=True) == []
    return draft


def wires_of(draft: Any) -> list[Row]:
    """Return the frames of a version as plain values."""
    return [frame.to_dict() for frame in draft]


def by_the_library(path: Path) -> list[Row]:
    """Return the samples that WebDataset's own reader decodes; it leaves its file open."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        found = webdataset.WebDataset(str(path), shardshuffle=False).decode("pil")
        samples = list(found)
        del found
        gc.collect()
    return samples


def test_the_library_reads_what_is_written(
    store: Store, pictures: list[Row], tmp_path: Path
) -> None:
    """A picture, its masks and the frame, under one key."""
    draft = stored(store, pictures)
    report = shards.write(wires_of(draft), tmp_path / "out", fetch=local_file)
    assert report.counts == {"tars": 1, "frames": 3, "files": 6}
    assert report.notes == {}
    samples = by_the_library(tmp_path / "out" / "shard-000000.tar")
    assert [sample["json"] for sample in samples] == wires_of(draft)
    assert [sample["__key__"] for sample in samples] == [key_of(frame.id) for frame in draft]
    plain = [Image.open(draw(tmp_path / f"again/{at}.png", at)).convert("RGB") for at in range(3)]
    assert samples[0]["png"].tobytes() == plain[0].tobytes()
    assert samples[1]["mask-se=2eg.png"].tobytes() == plain[0].tobytes()
    assert samples[2]["left.png"].tobytes() == plain[0].tobytes()
    assert samples[2]["right.png"].tobytes() == plain[1].tobytes()


def test_the_same_frames_give_the_same_bytes(
    store: Store, pictures: list[Row], tmp_path: Path
) -> None:
    """So tars can be compared, cached and sent by their hashes; no time or owner gets in."""
    draft = stored(store, pictures)
    hashes = []
    for name in ("one", "two"):
        shards.write(wires_of(draft), tmp_path / name, fetch=local_file, meta={"a": 1})
        files = sorted((tmp_path / name).iterdir())
        hashes.append([(file.name, hashlib.sha256(file.read_bytes()).digest()) for file in files])
    assert hashes[0] == hashes[1]
    with tarfile.open(tmp_path / "one" / "shard-000000.tar") as made:
        for member in made:
            assert (member.mtime, member.uid, member.uname, member.mode) == (0, 0, "", 0o644)
            assert member.isreg()


def test_a_round_trip_gives_the_same_frames(
    store: Store, pictures: list[Row], tmp_path: Path
) -> None:
    """To the byte, while pictures stay where they are."""
    draft = stored(store, pictures)
    meta: Row = {"mask_labels": {}}
    shards.write(wires_of(draft), tmp_path / "out", fetch=local_file, meta=meta)
    source = shards.read([tmp_path / "out"])
    assert source.meta == meta
    assert stored(store, source.frames()).view().content_id == draft.view().content_id


@pytest.mark.filterwarnings("ignore:the metadata key")
@given(frames=st.lists(wire_frames(), max_size=4))
def test_any_frames_come_back_without_their_pictures(frames: list[Row], store: Store) -> None:
    """Whatever their ids and sources are called; what is not to be had is counted."""

    def fetch(uri: str) -> str:
        raise NotFoundError("no such file")

    draft = stored(
        store, [one | {"id": f"{one.get('id', '')}{at}"} for at, one in enumerate(frames)]
    )
    with tempfile.TemporaryDirectory() as folder:
        shards.write(wires_of(draft), Path(folder) / "out", fetch=fetch, shard_frames=2)
        back = stored(store, shards.read([Path(folder) / "out"]).frames())
    assert back.view().content_id == draft.view().content_id


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2, unique=True))
def test_no_two_ids_have_one_key(ids: list[str]) -> None:
    """And a key is a name that every program takes: no dot, slash or space."""
    one, other = map(key_of, ids)
    assert one != other
    assert len(one) <= 56
    assert all(
        character.isascii() and (character.isalnum() or character in "_-=") for character in one
    )


def test_tars_end_by_size_and_by_number(store: Store, pictures: list[Row], tmp_path: Path) -> None:
    """What a loader shuffles by is of one size."""
    draft = stored(store, pictures)
    report = shards.write(wires_of(draft), tmp_path / "a", fetch=local_file, shard_frames=2)
    assert report.counts["tars"] == 2
    report = shards.write(wires_of(draft), tmp_path / "b", fetch=local_file, shard_bytes=1)
    assert report.counts["tars"] == 3
    names = [f"shard-{at:06}.tar" for at in range(3)]
    assert sorted(one.name for one in (tmp_path / "b").iterdir()) == ["hyperstore.json", *names]


def test_pictures_may_be_kept_in_place_of_where_they_were(
    store: Store, pictures: list[Row], tmp_path: Path
) -> None:
    """For a machine that has the tars and nothing else."""
    draft = stored(store, pictures)
    shards.write(wires_of(draft), tmp_path / "out", fetch=local_file)
    held = [Path(frame["sources"][0]["uri"][7:]).read_bytes() for frame in pictures]
    for file in (tmp_path / "in").iterdir():
        file.unlink()
    with kept_in_store(store.handle) as keep:
        source = shards.read([tmp_path / "out"], keep=keep, keep_all=True)
        back = stored(store, source.frames())
    for at, frame in enumerate(back):
        source_wire = frame.to_dict()["sources"][0]
        assert source_wire["uri"].startswith("media:")
        path = local_file(source_wire["uri"], store=str(store.handle.folder))
        assert Path(path).read_bytes() == held[at if at < 2 else 0]


def tar(path: Path, files: dict[str, bytes], **more: Any) -> Path:
    """Write a tar by Python's own library."""
    with tarfile.open(path, "w", **more) as made:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return path


def png(level: int) -> bytes:
    """Return a small picture."""
    stream = io.BytesIO()
    Image.new("RGB", (3, 2), (level, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("compressed", [False, True])
def test_tars_of_others_become_frames(
    store: Store, tmp_path: Path, form: int, compressed: bool
) -> None:
    """Pictures with classes, captions and JSON, in whatever dialect of tar."""
    long = "deep/" * 30 + "x" * 60
    files = {
        "a/001.png": png(1),
        "a/001.cls": b"7\n",
        "a/001.txt": "ein Häuschen".encode(),
        "a/001.json": b'{"speed": 3}',
        "a/001.pyd": b"\x80\x04N.",
        f"{long}.png": png(2),
        "b.png": png(3),
        "b.seg.png": png(4),
        "c.left.png": png(5),
        "c.right.png": png(6),
        ".hidden": b"",
        "README": b"",
    }
    path = tar(tmp_path / "train.tar", files, format=form)
    if compressed:
        path = tmp_path / "train.tar.gz"
        path.write_bytes(gzip.compress((tmp_path / "train.tar").read_bytes()))
    with written_to(tmp_path / "kept") as keep:
        source = shards.read([path], keep=keep)
        found = wires_of(stored(store, source.frames()))
    assert [frame["timestamp"] for frame in found] == [0, 1, 2, 3]
    assert {frame["context_id"] for frame in found} == {"train"}
    assert found[0]["meta"] == {"key": "a/001", "speed": 3, "txt": "ein Häuschen"}
    assert [roi["label"] for roi in found[0]["rois"]] == [["7"]]
    kept = [one for frame in found for one in frame["sources"]]
    levels = [Image.open(one["uri"][7:]).getpixel((0, 0))[0] for one in kept]  # type: ignore[index]
    assert levels == [1, 2, 3, 5, 6]
    assert [one["id"] for one in kept] == ["default", "default", "default", "left", "right"]
    assert (kept[0]["width"], kept[0]["height"], kept[0]["content_type"]) == (3, 2, "image/png")
    assert [mask["id"] for mask in kept[2]["masks"]] == ["seg"]
    assert source.report.notes["file of type 'pyd', left out"].count == 1
    assert source.report.notes["file of no sample, left out"].count == 2


def odd(name: str = "a.png", **fields: Any) -> Callable[[Path], Path]:
    """Return what writes a tar with one odd member."""

    def write(path: Path) -> Path:
        with tarfile.open(path, "w") as made:
            info = tarfile.TarInfo(name)
            for field, value in fields.items():
                setattr(info, field, value)
            made.addfile(info)
        return path

    return write


def raw(change: Callable[[bytearray], bytes | bytearray]) -> Callable[[Path], Path]:
    """Return what writes a good tar with its bytes changed."""

    def write(path: Path) -> Path:
        data = bytearray(tar(path, {"a.png": png(1)}).read_bytes())
        path.write_bytes(change(data))
        return path

    return write


def with_size(data: bytearray, size: bytes) -> bytearray:
    """Return a tar whose first header claims a size, with a right sum."""
    data[124:136] = size.ljust(12, b"\0")
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return data


def bomb(path: Path) -> Path:
    """Write a gzip of zeros that says it is a tar with one large file."""
    info = tarfile.TarInfo("a.png")
    info.size = 200 * 1024 * 1024
    with gzip.open(path, "wb") as stream:
        stream.write(info.tobuf())
        for _ in range(200):
            stream.write(bytes(1024 * 1024))
    return path


HOSTILE: dict[str, tuple[Callable[[Path], Path], type[HyperstoreError]]] = {
    "absolute": (odd("/etc/a.png"), RefusedError),
    "climbs": (odd("../a.png"), RefusedError),
    "climbs inside": (odd("a/../../b.png"), RefusedError),
    "backslash": (odd("..\\a.png"), RefusedError),
    "symbolic link": (odd(type=tarfile.SYMTYPE, linkname="/etc/passwd"), RefusedError),
    "hard link": (odd(type=tarfile.LNKTYPE, linkname="b.png"), RefusedError),
    "device": (odd(type=tarfile.CHRTYPE), RefusedError),
    "pipe": (odd(type=tarfile.FIFOTYPE), RefusedError),
    "long name": (odd("x" * 10_000 + ".png"), RefusedError),
    "huge": (raw(lambda data: with_size(data, b"77777777777")), RefusedError),
    "binary size": (
        raw(lambda data: with_size(data, b"\x80" + b"\0" * 4 + b"\xff" * 7)),
        RefusedError,
    ),
    "negative size": (raw(lambda data: with_size(data, b"\xff" * 12)), FormatError),
    "no size": (raw(lambda data: with_size(data, b"abc")), FormatError),
    "claims more": (raw(lambda data: with_size(data, b"00010000000")), FormatError),
    "cut": (raw(lambda data: data[:600]), FormatError),
    "cut header": (raw(lambda data: data[:300]), FormatError),
    "sum": (raw(lambda data: data[:10] + b"x" + data[11:]), FormatError),
    "noise": (raw(lambda data: b"no tar at all" * 100), FormatError),
    "bad gzip": (raw(lambda data: b"\x1f\x8b" + data), FormatError),
    "cut between files": (
        lambda path: cut(twice(path, ["a.png", "b.png"]), 512 + 512),
        FormatError,
    ),
    "joined": (lambda path: joined(path, ["a.png"], ["b.png"]), FormatError),
    "cut gzip": (raw(lambda data: gzip.compress(bytes(data))[:60]), FormatError),
    "bomb": (bomb, RefusedError),
    "twice": (lambda path: twice(path, ["a.png", "a.png"]), FormatError),
    "key again": (lambda path: twice(path, ["a.png", "b.png", "a.jpg"]), FormatError),
    "no picture": (lambda path: tar(path, {"a.cls": b"1"}), FormatError),
    "broken picture": (lambda path: tar(path, {"a.png": b"none"}), HyperstoreError),
    "bad json": (lambda path: tar(path, {"a.png": png(1), "a.json": b"{"}), FormatError),
    "deep json": (lambda path: tar(path, {"a.png": png(1), "a.json": b"[" * 10**6}), FormatError),
    "key twice": (
        lambda path: tar(path, {"a.png": png(1), "a.json": b'{"a":1,"a":2}'}),
        FormatError,
    ),
}


def twice(path: Path, names: list[str]) -> Path:
    """Write a tar with these names, of which some may be one."""
    with tarfile.open(path, "w") as made:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(png(1))
            made.addfile(info, io.BytesIO(png(1)))
    return path


def cut(path: Path, size: int) -> Path:
    """Leave of a file its beginning."""
    path.write_bytes(path.read_bytes()[:size])
    return path


def joined(path: Path, *parts: list[str]) -> Path:
    """Write tars one after the other into one file, as `cat` does."""
    path.write_bytes(b"".join(twice(path, names).read_bytes() for names in parts))
    return path


@pytest.mark.parametrize("name", HOSTILE)
def test_a_tar_that_means_harm_is_one_error_that_names_it(tmp_path: Path, name: str) -> None:
    """Nothing is written anywhere, and memory holds no more than one sample may take."""
    make, error = HOSTILE[name]
    (tmp_path / "in").mkdir()
    path = make(tmp_path / "in" / "shard.tar")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error, match=r"shard\.tar"), written_to(tmp_path / "kept") as keep:
        list(shards.read([path], keep=keep).frames())
    assert sorted(tmp_path.rglob("*")) == before


@given(st.binary(max_size=2_000), st.integers(0, 1_500))
def test_any_bytes_are_a_tar_or_one_error(data: bytes, at: int) -> None:
    """Flipped bytes in a good tar, too."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.tar"
        good = bytearray(tar(path, {"a.png": b"1" * 700, "b.png": b"2"}).read_bytes())
        good[at : at + len(data) % 40] = data[: len(data) % 40]
        for content in (data, bytes(good)):
            path.write_bytes(content)
            try:
                for member in tarfiles.read_tar(path):
                    assert not member.name.startswith("/")
                    assert ".." not in member.name.split("/")
            except (FormatError, RefusedError):
                continue


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    """A folder without tars, a name that is none, an about that is another version's."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(NotFoundError):
            shards.read([path])
    tar(tmp_path / "a.tar", {"a.png": png(1)})
    (tmp_path / "hyperstore.json").write_text(json.dumps({"version": 2}))
    with pytest.raises(FormatError, match="another version"):
        shards.read([tmp_path])
