"""Sorted maps of bytes as immutable nodes.

A tree maps keys to values, both bytes. It is a Merkle tree whose nodes are cut by what the keys
are (a prolly tree), so one set of entries has one root, whatever order it was written in; two
trees share the nodes in which they agree. The tree asks for get, get_many and put of payloads and
knows nothing of what it holds or where it is kept.

Words. A *leaf* holds entries; a *node* above holds children, each a *separator*, the count of
entries below and an id. The *level* of a leaf is 0. A *cut* is the end of a node. The *root* is an
id; the tree without entries is the leaf without entries, `EMPTY`.

Invariants. Same entries, same root. apply(a, diff(a, b)) == b. Keys ascend; a root above the
leaves has at least two children; levels fall by one. What is read is checked: each node when it is
decoded, each child against its parent when it is reached.

Reading order: boundary.py (where nodes end), node.py (their bytes), nodes.py (source and cache),
build.py, cursor.py, edit.py, diff.py, merge.py, check.py.

Why not a B-tree in LMDB: it holds one version. Why not cuts by size in bytes: a changed value
would move them. Why not whole keys above the leaves: shortened separators save a quarter of the
node bytes of a small commit with random keys, more where keys share long beginnings, and an edit
can renew one without reading the neighbour (see `boundary.renewed_separator`).
"""
