"""What a reader asks of versions beside their order on disk.

Words: the *iteration order* of a reader is sequential or random. A *query* is what is asked of the
frames of some versions, a *rule* what it asks of ROIs; a *part* is a query in one version; a *view*
is a DataView: queries, how to go through what they find, and what frames then look like.

Folders, each on those before it: `language` (what is asked, as text and as a tree, and whether one
frame fits), `index` (which of all frames fit), `versionsets` (which frames a version has),
`selection` (those that fit, by position), `iteration` (the way through them), `statistics`,
`tabular` (frames as columns), `locks` (pinned views), `views` (what DataView is made of).

Files: `order.py` and `checks.py` (what may be said of an iteration) are below them all. On top are
the faces: `dataview.py`, `splits.py` (a view in pieces), `tables.py` (Arrow), `sql.py` (DuckDB).

Why not in the layer of datasets? A version is read in one order, the one in which its frames lie;
any other belongs to who asks, and is asked of several versions at once.
"""
