"""Frames as columns of plain values, whatever library then makes tables of them.

Files: `metadata.py` (columns that metadata makes), `rows.py`, `boxes.py`, `columns.py` (what each
column means), `batches.py`.
"""
