"""Which frames a version has, as sets of numbers; how it changed, and which of it fits a query.

Files: `savedsets.py` (sets kept on disk), `versionset.py`, `changes.py` (since a revision),
`parts.py` (a query in one version), `history.py` (what ever fitted, from commit to commit).
"""
