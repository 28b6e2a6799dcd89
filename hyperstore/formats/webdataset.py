"""Frames as WebDataset: tar files of samples, each a few files whose names begin alike.

Of a frame there is KEY.json, the frame in the wire form; KEY.jpg (or png, webp, ...), its source's
bytes; and KEY.mask-ID.png, its masks. In a group the names are KEY.SOURCE.jpg and
KEY.SOURCE.mask-ID.png (`shardnames`). The same frames and pictures give the same bytes. What the
version says of itself stands beside the tars, in hyperstore.json.
"""

import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from hyperstore.formats.beside import put_about
from hyperstore.formats.combine import Wire, mapping, sequence
from hyperstore.formats.report import Report
from hyperstore.formats.shardnames import JSON, extension_of, field_of, key_of
from hyperstore.formats.staging import Staging
from hyperstore.formats.tarfiles import TarWriter
from hyperstore.formats.webdataset_read import ShardFrames, read
from hyperstore.limits import SHARD_BYTES, SHARD_FRAMES, SHARD_MEMBER_BYTES_MAX
from hyperstore.media.headers import header_of
from hyperstore.media.local import FILE_FAULTS
from hyperstore.media.rawfile import raw_file
from hyperstore.media.video import is_video

__all__ = ["ShardFrames", "read", "write"]


def write(
    frames: Iterable[Wire],
    folder: Path,
    *,
    fetch: Callable[[str], str],
    meta: Mapping[str, object] | None = None,
    shard_bytes: int = SHARD_BYTES,
    shard_frames: int = SHARD_FRAMES,
    replace: bool = False,
) -> Report:
    """Write shard-000000.tar and so on into a folder, and say what was written and what not.

    `fetch` gives the path of a URI's file. A frame whose file is not to be had is written without.
    A tar ends before the frame with which it would have more than `shard_bytes` or `shard_frames`.
    """
    report = Report()
    with Staging.open(folder, replace=replace) as staging:
        with _Shards(staging, shard_bytes, shard_frames, report) as shards:
            for frame in frames:
                shards.add(frame, fetch)
        put_about(staging, meta)
    return report


class _Shards:
    """The tars, one after the other."""

    def __init__(self, staging: Staging, most: int, frames: int, report: Report) -> None:
        self._staging = staging
        self._bytes_max = most
        self._frames_max = frames
        self._report = report
        self._number = 0
        self._frames = 0
        self._open = ExitStack()
        self._tar: TarWriter | None = None

    def __enter__(self) -> "_Shards":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._end()
        self._open.close()

    def add(self, frame: Wire, fetch: Callable[[str], str]) -> None:
        place = f"frame {frame.get('id')}"
        key = key_of(str(frame.get("id")))
        text = json.dumps(frame, ensure_ascii=False, allow_nan=False, sort_keys=True).encode()
        files = list(self._files(frame, fetch, place))
        size = len(text) + sum(one for _, _, one in files)
        full = self._tar is not None and self._tar.size + size > self._bytes_max
        if full or self._frames >= self._frames_max:
            self._end()
        tar = self._begun()
        tar.add(f"{key}.{JSON}", len(text), io.BytesIO(text))
        for field, path, expected in files:
            with raw_file(path) as raw:
                tar.add(f"{key}.{field}", raw.size, raw.stream)
                raw.check_same()
            self._report.count("files")
            assert expected >= 0
        self._frames += 1
        self._report.count("frames")

    def _files(
        self, frame: Wire, fetch: Callable[[str], str], place: str
    ) -> Iterator[tuple[str, str, int]]:
        """Yield (the name after the key, path, size) of what is to be had of a frame."""
        sources = [mapping(one) for one in sequence(frame.get("sources"))]
        alone = len(sources) == 1 and frame.get("_kind") != "group"
        taken: set[str] = set()
        for source in sources:
            name, kind = str(source.get("id")), source.get("content_type")
            uri = str(source.get("uri"))
            if is_video(uri, kind if isinstance(kind, str) else None):
                self._report.note("video, which stays where it is", place)
            else:
                yield from self._file(uri, name, None, fetch, place, taken, alone=alone)
            for item in sequence(source.get("masks")):
                mask = mapping(item)
                uri, mask_id = str(mask.get("uri")), str(mask.get("id"))
                yield from self._file(uri, name, mask_id, fetch, place, taken, alone=alone)

    def _file(
        self,
        uri: str,
        source: str,
        mask: str | None,
        fetch: Callable[[str], str],
        place: str,
        taken: set[str],
        *,
        alone: bool,
    ) -> Iterator[tuple[str, str, int]]:
        what = "picture" if mask is None else "mask"
        try:
            path = fetch(uri)
            size = Path(path).stat().st_size
            found = header_of(path, uri)
        except (*FILE_FAULTS, OSError) as fault:
            self._report.note(f"{what} that is not to be had, left out", f"{place}: {fault}")
            return
        if size > SHARD_MEMBER_BYTES_MAX:
            self._report.note(f"{what} that is too long for a tar, left out", place)
            return
        field = field_of(source, mask=mask, alone=alone) + extension_of(found.content_type, uri)
        if field in taken or field == JSON:
            self._report.note(f"{what} whose name another has too, left out", place)
            return
        taken.add(field)
        yield field, path, size

    def _begun(self) -> TarWriter:
        if self._tar is None:
            name = f"shard-{self._number:06}.tar"
            stream: BinaryIO = self._open.enter_context(self._staging.created(name))
            self._tar = TarWriter(stream)
            self._number += 1
            self._report.count("tars")
        return self._tar

    def _end(self) -> None:
        if self._tar is not None:
            self._tar.end()
        self._open.close()
        self._tar, self._frames = None, 0
