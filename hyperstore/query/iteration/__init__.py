"""The way through a selection: a row of numbered steps that processes and machines share out.

Files: `permutation.py` (orders of a seed), `steps.py` (from a step to a position), `state.py`
(where an iteration stands), `course.py` (frames by the numbers of steps), `iterator.py`,
`caching.py` (the same frames again).
"""
