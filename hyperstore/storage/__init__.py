"""Bytes in LMDB; the only layer that knows it.

Words. A *database* is the folder `db/` of a store: `data.mdb`, `lock.mdb`. It has *tables* of
*rows*. An *object* is a kind and a payload, named by its blake3; it lies as a *record* in a row of
the table `objects`, and its *sequence number* says when it arrived. A *ref* is a name that points
to an object. An *operation* is a row of the log of ref moves. A *pin* holds what a living process
still needs.

Invariants. What a write block put is on disk as a whole when the block ends, or not at all. A
read returns what was written or raises: an object is compared with its id and its check, every
row that changes carries a check bound to its key, and nothing parsed is believed before its
bounds are known. No view of the map, no lmdb error and no inherited handle leaves the layer.
Sequence numbers grow, are never given twice, and survive garbage collection.

Files in reading order: database.py (the handle), reader.py and writer.py (what it hands out);
packing.py, objects.py, rowplaces.py and numbered.py (by number), sweep.py, repack.py, survey.py
(objects), copying.py and duplicate.py (a smaller file); rows.py (rows that change), header.py,
refs.py, reflog.py; pins.py (what the living hold), turn.py (who collects), presence.py (who has it
open); environment.py (the mapped file), registry.py (one for each file), gate.py (readers and who
must be alone), translation.py (the engine's errors), place.py (a look at the folder), datafile.py
(a look at the file before it is mapped), host.py (what is asked of the system).

Why not one row an object: LMDB gives values over 2 kB whole pages, and blobs keyed by hash spread
each write over the file. The figures stand in objects.py.

Why not retry a write block when the map is full: a block cannot be run again from outside. So a
write begins with a reserve of free map, `Database.write` runs a function again, and a block that
outgrows the reserve fails whole.

Why not open to write what is only read: opening tables to write takes the lock of the one writer,
so a reader would wait for an import.
"""
