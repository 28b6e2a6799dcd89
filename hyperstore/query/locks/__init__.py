"""Views that are pinned: the commits, the frames and their order, so that they can be had again.

Files: `stampedfile.py` (the file beside which a lock lies), `lockfile.py`, `lock.py`,
`lockstore.py` (locks that a store keeps), `difference.py` (of two locks).
"""
