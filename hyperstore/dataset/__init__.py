"""Store, Dataset and DatasetVersion: what users hold.

Words: a *store* is one folder; a *dataset* a named family of versions; a *version* a branch with an
id of its own, *draft* while its head may move, *published* when frozen. A draft's *working
snapshot* is what it holds now; a commit records it. An *operation* is one transaction that moves
refs, with its row in the operation log. A *view* is the frames of a version at one moment.

Invariants: every call is on disk when it returns, and nothing has changed when it raises; refs move
only by compare-and-swap, and every move is in the log; no user code runs inside a transaction; the
order tree follows from the frames; memory does not grow with the number of frames.

Dataset and DatasetVersion have two ways in, which work on the same objects: native calls, and those
that the reference documents, also on the classes, with names and ids, on a *default store*. Each
exported class extends the native one, link by link: version, contents, states, selected, dataset;
datasetcore, dataset. A link holds signatures and few lines; what it does is in a module of its
topic.

Read in this order: store, opening, dataset, version, editor, ingest, edit, staging, transact,
draft, renewal, founding, lifecycle, publishing, merging, undo, compare, view, lookup, listing,
arrival; then the documented calls: writing, contents, states, selected, datasetcore, default,
selectors, choosing, arguments, tagfilter, projection, updating, relocate, bulk, taken, changed,
keeping, fetching, uploading_wish, uploading_known, uploading_lead, uploading, deleting,
scratchtable, masklabels, statistics, schema, lastchange, moved; then the runs of programs:
runswatch, runsrecorder, runsjoin, runs, runsgit, secrets; then what the command asks for:
revisions, abbreviation; then config, handle, metadata, spill.

Why not a facade of its own for the documented calls: two objects for one version would each have
their batches and their views, and a program that uses both ways would meet itself.

Why not a lock around a draft: two jobs that register frames overnight would wait for each other;
redoing the tree edits of the one that lost costs a few milliseconds.
"""
