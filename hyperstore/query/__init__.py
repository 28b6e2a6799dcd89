"""What a reader asks of versions beside their order on disk.

Words: the *iteration order* of a reader is sequential or random. A *query* is what is asked of the
frames of some versions, a *rule* what it asks of ROIs; a *part* is a query in one version; a *view*
is a DataView: queries, how to go through what they find, and what frames then look like.

Files: `order.py`; `expression.py` (what a query asks). The language: `scalars.py` (numbers and
dates), `fields.py`, `tokens.py`, `regexsyntax.py` and `regex.py`, `wildcard.py`, `leaves.py`,
`canonical.py` (the way back) and `lucene.py`. Matching: `values.py` and `match.py` (one frame).
The index: `columnbytes.py` and `column.py` (the values of one field), `held.py`, `segment.py` (a
file of them), `gather.py` and `extract.py` (from frames to columns), `build.py`, `shelf.py` (the
files), `catchup.py`; `shown.py`, `scan.py` and `answer.py` (one test), `evaluate.py` (a condition),
`fieldcheck.py` (what cannot be asked), `index.py`. Of many frames: `tally.py`, `statistics.py` and
`counting.py` (labels, shapes and contexts, counted in one pass).
Of history: `since.py` (what changed since a revision), `historyquery.py` (what ever fitted).
Pinned: `frameids.py`, `stampedfile.py`, `lockfile.py` (locks as files), `lock.py`, `keptlocks.py`,
`lockdiff.py`, `locking.py`.
Positions: `numbers.py` (of objects), `versionset.py` (the frames of a version as numbers),
`versionfile.py` (kept on disk), `finding.py` (which of them fit), `stretches.py` and `merged.py`
(several versions in one order), `ordering.py`, `selection.py` (frames by position),
`fingerprint.py`; `sample.py` (orders of a seed), `plan.py` (from a step to a position),
`standing.py` (where an iteration stands), `iterate.py`; `browse.py` (within one context).
Views: `checks.py`, `rules.py` (queries as values), `mapping.py` (labels), `wirefields.py` (what a
view's fields are called), `spec.py` (a view as plain data), `places.py` (from names to versions),
`described.py`, `definition.py` (what a program says), `amounts.py`, `shape.py` (how a frame goes
out), `dicts.py`, `reading.py` (what comes of it), `splitting.py`, `explained.py`, `listing.py`,
`stored.py`, `kept.py` (under an id), `prefetch.py`, `dataview.py`.
Travelling: `course.py` (frames by the numbers of steps) and `splits.py` (a view in pieces).
As tables: `tablemeta.py` (columns that metadata makes), `tablerows.py`, `tableshapes.py`,
`tablecolumns.py` (what each column means), `tablebatches.py`, `tables.py` (Arrow), `sql.py` (DuckDB
over them).

Why not in the layer of datasets? A version is read in one order, the one in which its frames lie;
any other belongs to who asks, and is asked of several versions at once.

Why not parse by luqum? 1,000 brackets overflow its stack, all threads share its parser, and bounds
and columns of faults would be ours anyway. In the tests it holds our parser to what both read.

Why not match by `re`? It has other syntax, and tries ways again: `(a*)*b` takes it for ever.
"""
