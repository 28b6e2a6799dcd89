"""What a DataView is made of, subject by subject.

Files: `queries.py` (what a program asks, as values), `mapping.py` (labels), `wirefields.py` (what a
view's fields are called), `spec.py` (a view as plain data), `versions.py` (from names to versions),
`described.py`, `definition.py` (what a program says), `counts.py`, `shape.py` (how a frame goes
out), `dicts.py`, `reading.py` (what comes of it), `splitting.py`, `explained.py`, `listing.py`,
`viewstore.py`, `kept.py` (under an id), `prefetch.py`, `locking.py`.
"""
