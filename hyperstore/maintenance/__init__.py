"""Work on a whole store: what is reachable, what is damaged, what may go.

Words. A *root* is an id that must stay whatever it is for: what a ref names, what the operation
log may still undo, what a living process pins. An object is *reached* if a root leads to it. A
*fault* is one thing that is not as it was written: it is named once, however many things it
breaks. *Absent* is what is missing on purpose or forgotten, which is no fault.

Invariants. A commit, snapshot, tag, lock or record that is here has everything here that it leads
to; collecting takes those out before what they lead to, so this holds at every moment and after
every crash. In one transaction nothing is deleted before all roots of that transaction's own state
are marked. Checking changes nothing and raises nothing for damage, whatever is damaged.

Files in reading order: report.py (what is said); roots.py (what must stay), reach.py (what the
roots lead to), settled.py (how far it came), reserve.py (its room on a full disk), collect.py (gc),
automatic.py (gc by itself), compact.py (a smaller file), keptfiles.py (the files that frames name
in `media`: who uses them, are they sound, which may go); findings.py (faults as they are found),
rows.py (every stored row), keptcheck.py (kept files), moment.py (many reads as one), refs.py (refs,
log, history), trees.py (nodes and entries), sums.py (order, counts and changes), structure.py
(these in their order), check.py (fsck).

Why not keep the marks of a collection in slices on disk: what a mark says is only true of the file
that it was made of, and a backup that is put back would be swept by marks of another. Why not lend
the turn to slices for good: who asks for gc would wait for a process that may write no more.

Why not prune kept files as objects are swept, by marks: then two rules would say what must stay.
A file stays while an object names it, and which objects stay is said once.

Why not mark and sweep in one transaction: a store of a million frames would be shut to writers for
seconds. Why not let writers freshen what they reuse, as git does: a script that registers again
what is there would rewrite it all. Why not ask the writers to wait while garbage is collected: a
reader or writer never fails or waits because of it; see collect.py for the rule that makes this so.
"""
