"""Raw data: what its URIs lead to, and files of it on this machine.

Words: a *source* is raw data that a frame names by URI; a *pointer* is a URI that only its user
understands; a *hit* is a file that the cache has. Functions take a URI and what holds for it (the
store's folder, whether its contents came from somebody else); nothing here knows a frame.

Invariants:

- A URI is never rewritten here, and what is local is copied only where a store is to keep it.
- A kept file is whole, on the disk, and never written to again; its name is the hash of its bytes.
- What is sent appears whole or not at all, and never over other content.
- A file in the cache is whole. What was promised and what came have the same length, or there is
  no file.
- A hit needs no network. A download needs memory for a chunk, however long the file.
- What frames of a foreign store name is checked before anything is read or connected to, and the
  address that was checked is the one that is connected to.
- Nothing lives longer than a call but the clients of buckets, which a forked child does not touch.

Files, in reading order: `uri.py` (what a URI is), `settings.py`, `reach.py` (how far URIs of a
foreign store lead), `part.py` (a file on its way), `web.py` (from the web), `cloud.py` (from
buckets), `relay.py` (the same, for forked children), `evict.py` and `cache.py` (files by URI),
`kept.py` (files by their hash, which a store keeps), `local.py` (all of it together), `listing.py`
(what lies below a place). Outwards:
`sending.py` (a file held still while it goes), `send_local.py`, `send_cloud.py`, `send_web.py`,
`send_relay.py`, `send.py` (all of it together). Then pictures: `picture.py` (opened, whatever they
are), `rawfile.py`, `headers.py`, `probe.py` and `facts.py` (what a file is), `thumbnail.py` and
`thumbnails.py` (one, and many in processes of their own), `video.py` (a moment), `masks.py` (as
labels), `canvas.py` (painted anew), `lettering.py`, `draw.py` and `glance.py` (a frame as people
look at it), `chart.py` and `plot.py` (numbers as people look at them). Pillow is loaded where a
picture is opened, not before.

Why not fetch from the web by the library that knows buckets? It takes a query string for part of
the name, which breaks signed URLs, and follows redirects by itself, to wherever they lead.

Why not hard links for kept files, which would cost no room either? See `kept.py`: an edit of the
user's own file would change what is kept. Blocks are shared where the file system can.

Why not a database beside the cached files? The folder is the truth, so that no crash and no `rm`
can make the two disagree; a stat answers a hit, and only eviction has to look at all of it.
"""
