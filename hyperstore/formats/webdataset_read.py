"""WebDataset to frames: ours, and those of others with pictures, `cls`, `txt` and `json`.

A sample is a run of files with one key: the name up to the first dot behind its folder. A json that
is a wire frame (it has `sources`) is the frame; its pictures stay where it says unless `keep` takes
them. Of others the picture is kept, `cls` is a label of the frame, `txt` and `json` are metadata,
and the frame is called by the key; tar and number give its context and its time. What no frame can
hold is counted: nothing is ever unpickled.
"""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from hyperstore.dataset.scratchtable import ScratchTable
from hyperstore.errors import FormatError, RefusedError, UsageError
from hyperstore.formats.beside import files_in, said_beside
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.newmedia import Keep
from hyperstore.formats.pictures import frame_id
from hyperstore.formats.report import Report
from hyperstore.formats.shardnames import EXTENSIONS, JSON, MASK, field_of
from hyperstore.formats.tarfiles import read_tar
from hyperstore.formats.wirefile import read_frames
from hyperstore.limits import SHARD_SAMPLE_BYTES_MAX

__all__ = ["ShardFrames", "read"]

_TARS = (".tar", ".tar.gz", ".tgz")
_TEXTS = ("txt", "text", "caption", "transcript")
_LABELS = ("cls", "cls2", "index", "inx")


def read(
    paths: Sequence[Path],
    *,
    keep: Keep | None = None,
    keep_all: bool = False,
    report: Report | None = None,
) -> "ShardFrames":
    """Return the samples of tars, or of folders of tars, as frames.

    `keep` takes the pictures of others' samples, and with `keep_all` those of ours too.
    """
    files = files_in(paths, _TARS, what="tar files", below=False, may_be_none=True)
    return ShardFrames(files, said_beside(paths), keep, keep_all, report or Report())


def _json(data: bytes, name: str) -> Wire:
    """Return the one object that JSON holds; any other value is under `json`."""
    text = data.strip()
    if text[:1] != b"{":
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            raise FormatError(f"{name}: not JSON") from None
        return {JSON: value}
    found = list(read_frames(io.BytesIO(text), name))
    if len(found) != 1:
        raise FormatError(f"{name}: more than one JSON value")
    return found[0].wire


@dataclass(slots=True)
class _Sample:
    key: str
    place: str
    number: int  # In its tar, from 0.
    tar: str
    files: dict[str, bytes] = field(default_factory=dict)
    size: int = 0

    def add(self, name: str, data: bytes) -> None:
        if name in self.files:
            raise FormatError(f"{self.place}: the file {name[:80]!a} is there twice")
        self.size += len(data)
        if self.size > SHARD_SAMPLE_BYTES_MAX:
            raise RefusedError(
                f"{self.place}: its files have more than {SHARD_SAMPLE_BYTES_MAX:,} bytes"
            )
        self.files[name] = data


@dataclass(slots=True)
class ShardFrames:
    """The frames of some tars, and what stands beside them of the version."""

    files: list[Path]
    meta: Wire
    keep: Keep | None
    keep_all: bool
    report: Report

    def frames(self) -> Iterator[Wire]:
        """Yield the frames in the wire form, in the order of the tars."""
        seen = ScratchTable("CREATE TABLE seen (key TEXT PRIMARY KEY) WITHOUT ROWID")
        try:
            for file in self.files:
                for sample in self._samples(file):
                    added = seen.change("INSERT OR IGNORE INTO seen VALUES (?)", [(sample.key,)])
                    if not added:
                        raise FormatError(f"{sample.place}: a sample of that key came before")
                    self.report.count("frames")
                    yield self._frame(sample)
        finally:
            seen.close()

    def _samples(self, file: Path) -> Iterator[_Sample]:
        sample: _Sample | None = None
        number = 0
        for member in read_tar(file):
            path = PurePosixPath(member.name)
            stem, dot, name = path.name.partition(".")
            if not stem or not dot or not name:
                self.report.note("file of no sample, left out", f"{file}: {member.name[:200]}")
                continue
            key = (path.parent / stem).as_posix()
            if sample is None or sample.key != key:
                if sample is not None:
                    yield sample
                sample = _Sample(key, f"{file}: {key[:200]}", number, file.name.partition(".")[0])
                number += 1
            sample.add(name, member.data)
        if sample is not None:
            yield sample

    def _frame(self, sample: _Sample) -> Wire:
        said = sample.files.pop(JSON, None)
        wire: Wire = {} if said is None else _json(said, f"{sample.place}.{JSON}")
        if isinstance(wire.get("sources"), list):
            return self._ours(wire, sample)
        return self._foreign(wire, sample)

    def _ours(self, wire: Wire, sample: _Sample) -> Wire:
        """Return the frame as it is; with `keep_all` it names what is kept of it."""
        if self.keep is None or not self.keep_all:
            return wire
        sources = [mapping(one) for one in sequence(wire.get("sources"))]
        alone = len(sources) == 1 and wire.get("_kind") != "group"
        for source in sources:
            name = str(source.get("id"))
            targets = [(source, field_of(name, mask=None, alone=alone))]
            for one in sequence(source.get("masks")):
                mask = mapping(one)
                field_name = field_of(name, mask=str(mask.get("id")), alone=alone)
                targets.append((mask, field_name))
            for target, prefix in targets:
                found = [one for one in sample.files if _is_picture(one, prefix)]
                if len(found) == 1:
                    data = sample.files[found[0]]
                    target["uri"] = self.keep(data, f"{sample.place}.{found[0]}")["uri"]
                    self.report.count("files")
        return wire

    def _foreign(self, meta: Wire, sample: _Sample) -> Wire:
        pictures = [one for one in sample.files if one.rpartition(".")[2].lower() in EXTENSIONS]
        if not pictures:
            raise FormatError(f"{sample.place} has no picture; there is {', '.join(sample.files)}")
        if self.keep is None:
            raise UsageError(f"{sample.place}: say where its pictures are to be kept")
        wire: Wire = {
            "id": frame_id(sample.key),
            "context_id": sample.tar,
            "timestamp": sample.number,
        }
        meta = {"key": sample.key} | meta
        rois: list[object] = []
        for name in [one for one in sample.files if one not in pictures]:
            data = sample.files[name]
            kind = name.rpartition(".")[2].lower()
            if kind in _LABELS and (text := _short(data)) is not None:
                rois.append({"label": [text]})
            elif kind in _TEXTS and (text := _text(data)) is not None:
                meta[name.replace(".", "_")] = text
            elif kind == JSON:
                meta[name.replace(".", "_")] = _json(data, f"{sample.place}.{name}")
            else:
                self.report.note(f"file of type {kind[:20]!a}, left out", sample.place)
        wire["sources"] = self._sources(pictures, sample)
        wire["meta"] = meta
        return wire | ({"rois": rois} if rois else {})

    def _sources(self, pictures: list[str], sample: _Sample) -> list[object]:
        """Return a source for the plain picture, of which the others are masks; or one for each."""
        assert self.keep is not None
        kept = {name: self.keep(sample.files[name], f"{sample.place}.{name}") for name in pictures}
        self.report.count("files", len(kept))
        plain = [name for name in pictures if "." not in name]
        if len(plain) != 1:
            return [{"id": _stem(name)} | kept[name] for name in pictures]
        others = [name for name in pictures if name != plain[0]]
        masks = []
        for name in others:
            self.report.note("picture beside a picture, taken for a mask", sample.place)
            said = {key: held for key, held in kept[name].items() if key != "meta"}
            masks.append({"id": _stem(name).removeprefix(MASK)} | said)
        source = {"id": "default"} | kept[plain[0]]
        return [source | ({"masks": masks} if masks else {})]


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _is_picture(name: str, prefix: str) -> bool:
    """Whether a name is a prefix and one extension."""
    return name.startswith(prefix) and "." not in name[len(prefix) :]


def _text(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _short(data: bytes) -> str | None:
    text = (_text(data) or "").strip() if len(data) < 1_024 else ""
    return text or None
