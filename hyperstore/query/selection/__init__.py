"""The frames that some queries find in some versions, as one row that is read by position.

Files: `attribution.py` (which version gives which frame), `mergedorder.py` (several versions in one
order), `positions.py`, `fingerprint.py`, `selection.py`; `frameids.py` (all ids, quickly),
`contexts.py` (from a time on within one context).
"""
