"""The command: what people type, with git's words, flags and habits.

A *verb* is what follows `hyperstore`; each lives in a module named after it, or after its family,
which is imported when the verb is run, so that a start costs no more than the verb needs. A
*console* is one run: the store, opened when first needed, and the output.

Laws. Only `output` prints, and it makes everything harmless that came from data before it adds
colour; results go to stdout, all else to stderr. `--json` writes one JSON object a line, in ASCII,
with the names that the verb's help lists. Whatever goes wrong is one line on stderr and an exit
code that `main` lists. Only `init` creates a store. Parsing of revisions, and the place to stand,
belong to the command alone.

Reading order: main, console, output, text, verb; then any verb. `changes` shows a difference,
`graph` draws descent, `alter` makes the small changes of `edit`, `editor` calls the user's editor,
`progress` shows work over a second, `complete` and `completequery` answer the shell, `frames` finds
frames and ROIs by the start of their ids. What a query asks is read by `asked`, answered in
`found`, explained by `explain`; `frametable` prints frames for people or for programs.
`statscharts` makes charts of statistics, `statsprint` prints them, `statspage` writes a page.

Why not JSON documents that are lists: a million frames would have to be held, and `jq` reads both.
Why not exit code 1 for errors: a script must tell "nothing to commit" from "the disk is full".
Why not rich for all output: it takes as long to import as the whole of `log`.
"""
