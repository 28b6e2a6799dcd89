"""What a DataView is made of, subject by subject.

A view is a `ViewState`: what it says, a store, and an *origin*, which has its versions: they are
looked up whenever it is read, or a lock pins them. What it comes to at one moment is `Resolved`, of
which all that is read is asked. DataView adds its calls in three steps, none of which changes one
of another: what is said (`definition.py`), how that is kept (`kept.py`), what is read of it.

Files: `queries.py` (what a program asks, as values), `mapping.py` (labels), `wirefields.py` (what a
view's fields are called), `spec.py` (a view as plain data), `versions.py` (from names to versions),
`resolved.py`, `origins.py`, `state.py`; `described.py` (names and tags), `counts.py`, `shape.py`
(how a frame goes out), `dicts.py`, `reading.py`, `splitting.py`, `listing.py`, `explained.py`,
`prefetch.py`; `viewstore.py` and `keeping.py` (under an id), `shown.py` (what a lock says of it),
`telling.py` (to a run), `locking.py`; `definition.py`, `kept.py`.
"""
