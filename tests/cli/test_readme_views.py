"""The lines about views and locks in README, run one after the other."""

import re
import shlex
import shutil
from pathlib import Path

from tests.cli.conftest import lines
from tests.cli.test_query import street
from tests.support.command import PROJECT, Command

SECTION = (PROJECT / "README.md").read_text().partition("\n## Which frames a model saw\n")[2]
COMMANDS = re.findall(r"^\$ hyperstore (.+?)(?: +# (.+))?$", SECTION.partition("\n## ")[0], re.M)


def test_the_lines_work_one_after_the_other(store: Command) -> None:
    """What is typed from a README should work at once."""
    store("dataset", "create", "street")
    store("add", "-", stdin=lines(street()))
    store("commit", "-m", "Add thirty")
    Path("model.pt").write_text("weights")
    assert len(COMMANDS) == 7
    for line, said in COMMANDS:
        done = store(*shlex.split(line))
        pins = re.match(r"pins (\d+) frames", said)
        if pins is not None:
            assert f"Locked {pins[1]} frames" in done.out
            for name in ("old.lock", "new.lock"):
                shutil.copy("cars.lock", name)
        if line.startswith("which"):
            assert "as it was stamped" in done.out
