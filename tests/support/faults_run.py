"""The programs of the fault tests, run as `python -m tests.support.faults_run VERB ...`.

Each prints one JSON object. They run beside pytest, not in it: some of their processes are meant
to die, and some run under the library of faults.c.
"""

import json
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.faults_crowd import crowd, threads, workers
from tests.support.faults_damage import flip, truncate
from tests.support.faults_fail import fail, fail_init
from tests.support.faults_full import full
from tests.support.faults_kill import kill
from tests.support.faults_plant import plant
from tests.support.faults_power import record, replay

__all__ = ["main"]

_VERBS: dict[str, Callable[..., object]] = {
    "kill": kill,
    "record": record,
    "replay": replay,
    "fail": fail,
    "fail_init": fail_init,
    "flip": flip,
    "truncate": truncate,
    "full": full,
    "crowd": crowd,
    "threads": threads,
    "workers": workers,
}


def main(arguments: Sequence[str]) -> None:
    """Run a verb with its arguments, of which `--plant NAME` plants a defect first."""
    given = list(arguments)
    warnings.simplefilter("ignore", UserWarning)
    if "--plant" in given:
        place = given.index("--plant")
        plant(given[place + 1])
        del given[place : place + 2]
    verb, *rest = given
    values = [int(one) if one.isdecimal() else one for one in rest]
    paths = [Path(one) if isinstance(one, str) and "/" in one else one for one in values]
    print(json.dumps(_VERBS[verb](*paths)))


if __name__ == "__main__":
    main(sys.argv[1:])
