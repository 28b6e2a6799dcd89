"""Commits and names; knows `{name: root}` of a snapshot, not what the roots hold.

Words: a *snapshot* is the content of a version at a moment; a *commit* records one, with its
parents; a *head* is a version's newest commit; the *working snapshot* is what a draft holds now; a
*tag* is a lasting name for a commit; a *record* says what a dataset or version is called; a *run*
says what a program read and wrote; a *lock* which frames of which commits a view shows; a *view* is
what a reader asks of versions, kept under an id.

Invariants: everything but refs is immutable; a name is a label in a record, never a path; walks do
not recurse; an object is accepted only in its one canonical form.

Read in this order: names, commit, branches, run, dataview, lock, ancestry, resolve.

Why not generation numbers in commits: a walk over 100,000 commits takes about a second, and a
number that a remote invented would have to be checked by that walk anyway.
"""
