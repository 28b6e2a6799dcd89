"""Frames as columns of plain values, whatever library then makes tables of them.

Files: `metadata.py` (columns that metadata makes), `rows.py`, `boxes.py` and
`previews.py` (what fills some of them), `columns.py` (what each column means), `batches.py`.
"""
