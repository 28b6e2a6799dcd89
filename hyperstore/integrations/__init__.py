"""hyperstore's frames where other libraries read them: one optional library a module.

Words: a *sample* is what a loader gives of one frame, an image and its target; an *instance* is one
thing to be found in a picture; a *split* (see `query`) is a part of a DataView that travels.

Invariants:

- Nothing here is imported by the rest of the package; a library that is missing is one error that
  names the command which installs it.
- What travels to another process is a path and plain values; each process opens the store itself.
- Whatever reads, and however many of them, gets the frames of the DataView in its order: none is
  lost, none comes twice.

Files, in reading order: `instances.py` (what is to be found, without any library), `target.py` (the
same as tensors), `decode.py` (frames to samples), `packing.py` and `collate.py` (samples to
batches), `ahead.py` (media fetched before they are asked for), `samples.py` (what all datasets
share), `torch.py` (datasets); `augmentsets.py` and `augmentation.py` (a view's augmentation, drawn
and done); `rows.py` (frames as rows), `ray.py` and `dask.py` (as those of a cluster).

Why not a loader of our own? torch's knows processes, pinned memory and devices; what it lacks is an
order, and that is the DataView's.

Why not decode by a faster library than Pillow? Each has pictures that it decodes to other pixels,
or not at all; who wants one gives it as `read`.
"""
