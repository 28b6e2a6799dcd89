"""Panoptic COCO in and out: a JSON file of segments, and PNGs that show them.

with panoptic.read(files, masks=folder, images=pictures) as source:
    frames = (panoptic.combine(version_frame(one.id), one) for one in source.frames())
    meta = panoptic.combine_version(version_meta, source)
report = panoptic.write(frames, meta, file, fetch=path_of_uri)
"""

from hyperstore.formats.coco_read import combine_version
from hyperstore.formats.combine import combine
from hyperstore.formats.panoptic_read import read
from hyperstore.formats.panoptic_write import write

__all__ = ["combine", "combine_version", "read", "write"]
