"""COCO in and out: instances, key points, captions. The names that other layers use.

with coco.read(files, images=folder) as source:
    frames = (coco.combine(version_frame(partial.id), partial) for partial in source.frames())
    meta = coco.combine_version(version_meta, source)
report = coco.write(frames, meta, file, of="instances")
"""

from hyperstore.formats.coco_read import CocoSource, combine_version, read
from hyperstore.formats.coco_write import write
from hyperstore.formats.combine import Partial, combine
from hyperstore.formats.report import Report

__all__ = ["CocoSource", "Partial", "Report", "combine", "combine_version", "read", "write"]
