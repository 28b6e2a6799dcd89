"""The query language: from text to a tree of plain values, back, and whether one frame fits it.

Files: `condition.py` (what a query asks), `literals.py` (numbers and dates), `fields.py`,
`tokens.py`, `wildcard.py`, `regexsyntax.py`, `regex.py`, `fieldtests.py` (from values to tests),
`writer.py` (from the tree to text), `parser.py`; `valuetests.py` and `match.py` (one frame).

Why not parse by luqum? 1,000 brackets overflow its stack, all threads share its parser, and bounds
and columns of faults would be ours anyway. In the tests it holds our parser to what both read.

Why not match by `re`? It has other syntax, and tries ways again: `(a*)*b` takes it for ever.
"""
