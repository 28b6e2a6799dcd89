"""Which frames of a store fit a condition, without reading them.

An index is over frame objects, whichever versions they are in: immutable files of columns in the
store's cache, caught up when somebody asks. It is no part of the truth: deleted or damaged, it is
made anew. Words: a *segment* is one file, of the frames in a span of sequence numbers; a *column*
has the values of one field, and *places* are the rows of a segment that have them.

Files: `layout.py` and `column.py` (the values of one field), `budget.py` (what stays in memory),
`segment.py`; `columnbuilder.py`, `extractor.py` and `segmentbuilder.py` (from frames to segments),
`segmentfiles.py`, `upkeep.py`; `shownuris.py`, `stringsearch.py` and `columnanswers.py` (one test),
`evaluation.py` (a condition), `knownfields.py` (what cannot be asked), `objectnumbers.py`,
`frameindex.py` (all of it, as one call).
"""
