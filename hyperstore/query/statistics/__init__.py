"""Labels, shapes, contexts and sources of many frames, counted in one pass.

Files: `tally.py`, `report.py` (what is said), `counting.py`.
"""
