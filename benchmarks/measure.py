"""One measurement in a process of its own: `measure.py CONTENDER WORKLOAD FOLDER SIZE TURN CORE`.

Prints one line of JSON: the figures, or why there are none. Started by run.py.
"""

import json
import os
import sys
from pathlib import Path

__all__ = ["main"]

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))  # The checkout, installed or not.


def main() -> None:
    """Run one workload on one core and print its figures."""
    contender, workload, folder, size, turn, core = sys.argv[1:]
    if hasattr(os, "sched_setaffinity") and int(core) in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {int(core)})
    from contenders import opened  # After the pinning: some libraries count cores at import.
    from workloads import WORKLOADS

    try:
        store = opened(contender, Path(folder))
    except ImportError as error:
        print(json.dumps({"absent": str(error)}))
        return
    try:
        figures = WORKLOADS[workload](store, Path(folder), int(size), int(turn))
    except AttributeError as error:
        if error.obj is not store:
            raise
        print(json.dumps({"skipped": f"cannot {workload}"}))
        return
    store.close()
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
