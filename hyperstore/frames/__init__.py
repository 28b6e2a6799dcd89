"""Frames as plain values, their stored form and their wire form.

A frame is metadata that points at raw data by its sources, with annotations. It takes three forms:
the wire form (nested dicts, as frames travel between programs), the stored form (canonical bytes,
whose hash is the frame's object id) and the objects that users hold. No frame holds a store: one
that was read carries a small frozen `Home`, by which `owner.py` looks up what its version says.

Words: an *ROI* is the stored record, an *annotation* the Python object that reads and writes it; a
*source* points at raw data; a *root* is a folder to which local files are stored relative.

Invariants:

- Whatever comes in comes back, but for the normalisations written in FORMAT.md; unknown fields too.
- Equal frames have equal bytes, whichever way they came in. The quick ways in (`strict.py`,
  `wider.py`) and the exact way (`exact.py`) agree on every frame that a quick one takes.
- A frame that cannot be stored is refused with the place of its fault; bytes that are no frame are
  refused as damage, and nothing foreign is raised.
- What is not touched is not decoded.

Files, in reading order: `records.py` (what is stored), `keys.py` (under which keys), `geometry.py`
(the numbers of shapes), `values.py` and `exact.py` (wire to record), `strict.py` (the same,
quickly), `wider.py` (less quickly, for more frames), `roots.py` (local files), `derive.py` (ids
that nobody gave), `wire.py` (record to wire), `stored.py` (a stored frame in passing), `overlap.py`
(areas), `clipping.py`, `rle.py`, `raster.py`, `contour.py` and `pixels.py` (masks), `labelled.py`,
`annotation.py`, `points.py` (as they are given), `polygons.py`, `boxes.py`, `shapes.py` and
`drawing.py` (annotations), `legend.py` (what colours of masks mean), `home.py` and `owner.py`
(where a frame was read), `hashes.py` (of files), `source.py`, `sourceinfo.py`, `said.py` (what
lists of annotations hold), `annotated.py`, `shown.py`, `comparing.py`, `frame.py`, `members.py`,
`group.py` and `own.py` (frames as objects, and their records), `words.py` and `notebook.py` (frames
as text and as HTML), `prepare.py` (from any form to bytes and keys), `read.py` (the other way),
`reshape.py` (ROIs changed when somebody looks), `pointers.py` (every URI of a frame), `change.py`
(what differs between two), `merging.py` (three into one).

Why not keep the kind of an ROI in its metadata, as the wire does? Metadata is the user's; a query
over it must not meet our words, and a user's key `_type` in a frame's metadata is his.

Why not one schema that refuses what it does not know? Frames come from other systems and from
later versions of this one; a store that drops what it does not understand cannot be trusted.

Why not validate frames with a library of models? It costs more than encoding; a typed conversion in
C proves most of it for a quarter of that, and the exact way is only taken where it cannot.

Why not a geometry library? Areas and overlaps of any outlines are sums over slabs, and clipping is
to a rectangle only: both are short and cannot fail on the outlines that people draw, which cross
themselves. shapely and pycocotools hold them to it in the tests.
"""
