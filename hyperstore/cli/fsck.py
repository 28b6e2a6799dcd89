"""`fsck`: check the store."""

from collections.abc import Mapping

import click

from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.progress import stages
from hyperstore.cli.text import NOUNS, plural
from hyperstore.cli.verb import Verb, json_option
from hyperstore.errors import UsageError
from hyperstore.maintenance.check import fsck_path

__all__ = ["fsck_command"]

_REMARKS = {
    "hashed": ("object", "hashed"),
    "absent": ("object", "absent on purpose"),
    "unverified": ("count", "not verified"),
}


@click.command("fsck", cls=Verb)
@click.option("--quick", "level", flag_value="quick", help="Rows, refs, history, nodes (default).")
@click.option("--full", "level", flag_value="full", help="And every object, frame and count.")
@click.option("--sample", "share", metavar="N%", help="And a share of the objects, such as 5%.")
@click.option("--seed", type=int, default=0, help="Draws the share.")
@click.option("--max-seconds", type=click.FloatRange(min=0), help="Stop after this time.")
@json_option
@pass_console
def fsck_command(
    console: Console,
    level: str | None,
    share: str | None,
    seed: int,
    max_seconds: float | None,
    as_json: bool,
) -> int:
    """Check what the store promises of its bytes. Changes nothing; exits with 1 for faults.

    --json: ok, level, complete, counts, faults [code, where, message, lost, repair].
    """
    if level is not None and share is not None:
        raise UsageError("--quick, --full and --sample do not go together")
    chosen = "sample" if share is not None else level or "quick"
    with stages(console.out) as progress:
        report = fsck_path(
            console.find(),
            level=chosen,
            percent=5.0 if share is None else _percent(share),
            seed=seed,
            max_seconds=max_seconds,
            progress=progress,
        )
    out = console.out
    if as_json:
        out.json(report.to_dict())
        return 0 if report.ok else 1
    for fault in report.faults:
        out.line(styled(fault.code, "red"), f" {fault.where}: {fault.message}")
        if fault.lost:
            out.line("    lost: ", fault.lost)
        if fault.repair:
            out.line("    repair: ", fault.repair)
    out.line(f"Checked ({report.level}): {_counted(report.counts)}")
    if not report.complete:
        out.line("Time ran out before the end")
    out.line("No faults" if report.ok else f"{plural(len(report.faults), 'fault')} found")
    return 0 if report.ok else 1


def _counted(counts: Mapping[str, int]) -> str:
    """Return `3 commits, 12 objects; 12 objects hashed`."""
    said = [plural(count, NOUNS[what]) for what, count in counts.items() if what in NOUNS]
    more = [
        f"{plural(counts[what], noun)} {words}"
        for what, (noun, words) in _REMARKS.items()
        if counts.get(what)
    ]
    return "; ".join(filter(None, (", ".join(said), ", ".join(more))))


def _percent(text: str) -> float:
    try:
        share = float(text.removesuffix("%"))
    except ValueError:
        share = -1.0
    if not 0 < share <= 100:
        raise UsageError(f"--sample takes a share from 0% to 100%, not {text!a}")
    return share
