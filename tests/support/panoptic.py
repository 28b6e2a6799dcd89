"""Panoptic files for tests: written and read without ours, by NumPy and plain JSON.

The formula of a segment's id is that of COCO's panoptic API, written here a second time.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from hyperstore.formats import panoptic
from hyperstore.formats.combine import Wire
from hyperstore.formats.report import Report
from tests.support.coco import DictVersion, put

__all__ = ["Ids", "PanopticVersion", "ids_in", "put_panoptic", "put_png"]

Ids = npt.NDArray[np.int64]
"""The segment's id of each pixel, rows first; 0 where there is none."""


def ids_in(png: Path) -> Ids:
    """Return what a PNG says of each pixel."""
    with Image.open(png) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")
        colour = np.asarray(image).astype(np.int64)
    return colour[:, :, 0] + 256 * colour[:, :, 1] + 256 * 256 * colour[:, :, 2]


def put_png(path: Path, ids: Sequence[Sequence[int]] | Ids) -> Path:
    """Write a PNG of segments' ids."""
    table = np.asarray(ids, dtype=np.int64)
    bands = [table % 256, table // 256 % 256, table // 256**2]
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.stack(bands, axis=2).astype(np.uint8)).save(path)
    return path


def put_panoptic(path: Path, data: Wire, pngs: Mapping[str, Sequence[Sequence[int]] | Ids]) -> Path:
    """Write a panoptic file, and its PNGs where COCO puts them."""
    for name, ids in pngs.items():
        put_png(path.with_suffix("") / name, ids)
    return put(path, data)


class PanopticVersion(DictVersion):
    """What a version does for panoptic files, by dicts."""

    def read_panoptic(self, *files: Path, masks: Path | None = None) -> Report:
        with panoptic.read(files, masks=masks) as source:
            for partial in source.frames():
                self.put(panoptic.combine(self.frames.get(partial.id), partial))
            self.meta = panoptic.combine_version(self.meta, source)
            return source.report

    def write_panoptic(self, path: Path, *, of: str | None = None) -> tuple[Wire, Report]:
        path.parent.mkdir(exist_ok=True)
        report = panoptic.write(self.sorted(), self.meta, path, fetch=str, of=of, replace=True)
        data = json.loads(path.read_text())
        assert isinstance(data, dict)
        return data, report
