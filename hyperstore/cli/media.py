"""`media`: the files that the store keeps, and those that frames name elsewhere."""

import click

from hyperstore.cli.complete import complete_revisions
from hyperstore.cli.console import Console, pass_console
from hyperstore.cli.output import styled
from hyperstore.cli.progress import stages
from hyperstore.cli.text import plural
from hyperstore.cli.verb import Verb, json_option
from hyperstore.dataset.fetching import Fetched, fetch_into_cache
from hyperstore.dataset.ingest import Failure
from hyperstore.errors import UsageError
from hyperstore.frames.pointers import frame_object
from hyperstore.maintenance.keptfiles import kept_uses, prune, verify_kept
from hyperstore.media.uri import KEPT

__all__ = ["media_command"]


@click.group("media", invoke_without_command=True)
@click.pass_context
def media_command(ctx: click.Context) -> None:
    """List, verify and prune the files that the store keeps; fetch what frames name elsewhere.

    Files come into the store by `add --copy`, by `media fetch --keep`, and by copy_media in
    programs. Without a verb: ls.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(ls_verb)


@media_command.command("ls", cls=Verb)
@json_option
@pass_console
def ls_verb(console: Console, as_json: bool = False) -> None:
    """List kept files: hash, bytes, content type, and how many frames name them.

    Frames of all versions count, and those that undo may bring back. --json: uri, size,
    content_type, frames, kept (ms).
    """
    for one in kept_uses(console.store):
        if as_json:
            console.out.json(
                {
                    "uri": KEPT + one.digest,
                    "size": one.size,
                    "content_type": one.content_type,
                    "frames": one.frames,
                    "kept": int(one.kept_s * 1000),
                }
            )
            continue
        kind = one.content_type or "-"
        shown = styled(one.digest, "yellow")
        console.out.line(shown, f"  {one.size:>13,}  {kind:<16}  {plural(one.frames, 'frame')}")


@media_command.command("verify", cls=Verb)
@json_option
@pass_console
def verify_verb(console: Console, as_json: bool) -> int:
    """Hash every kept file, and decode every kept picture; exits with 1 for faults.

    A fault is missing (named and not there), damaged (other bytes than were kept), empty, or broken
    (kept so, and no picture comes out of it). --json: ok, files, pictures, undecoded, bytes, faults
    [code, uri, message, frames].
    """
    with stages(console.out) as progress:
        found = verify_kept(console.store, progress=progress)
    if as_json:
        console.out.json(found.to_dict())
        return 1 if found.faults else 0
    for fault in found.faults:
        console.out.line(styled(fault.code, "red"), f" {KEPT}{fault.digest}: {fault.message}")
        if fault.frames:
            console.out.line("    frames: ", ", ".join(fault.frames))
    pictures = plural(found.pictures, "picture")
    console.out.line(
        f"Verified {plural(found.files, 'file')}, {plural(found.bytes, 'byte')}; decoded {pictures}"
    )
    if found.undecoded:
        console.out.line(f"{plural(found.undecoded, 'picture')} too large to be decoded")
    faults = found.faults
    console.out.line(f"{plural(len(faults), 'fault')} found" if faults else "No faults")
    return 1 if faults else 0


@media_command.command("prune", cls=Verb)
@click.option("-n", "--dry-run", is_flag=True, help="Say what would go now, and change nothing.")
@click.option("--now", is_flag=True, help="Also what is younger than gc.grace.")
@json_option
@pass_console
def prune_verb(console: Console, dry_run: bool, now: bool, as_json: bool) -> None:
    """Delete kept files that no frame names any more; runs `gc` first.

    A frame holds its files as long as any version, tag or operation that can be undone leads to it,
    and until gc has taken it out. What was kept within gc.grace (a day) stays, unless --now, which
    needs the store to itself. --json: dry_run, files, bytes, used, young.
    """
    with stages(console.out):
        done = prune(console.store, dry_run=dry_run, now=now)
    if as_json:
        console.out.json(done.to_dict())
        return
    would = "Would delete" if dry_run else "Deleted"
    console.out.line(f"{would} {plural(done.files, 'file')}, {plural(done.bytes, 'byte')}")
    console.out.line(f"Kept {done.used:,} in use and {done.young:,} that are young")


@media_command.command("fetch", cls=Verb)
@click.argument("revision", metavar="[REV]", required=False, shell_complete=complete_revisions)
@click.option("--keep", is_flag=True, help="Into the store; the draft's frames name that then.")
@json_option
@pass_console
def fetch_verb(console: Console, revision: str | None, keep: bool, as_json: bool) -> int:
    """Make all that frames name elsewhere present on this machine; exits with 1 for failures.

    It comes into the cache of downloads, which all programs share, or with --keep into the store,
    by one edit of the draft. Stopped, and run again, it asks only for what is missing. --json:
    frames, files, failures [frame, error].
    """
    point = console.point(revision)
    if keep and not point.is_version:
        raise UsageError("--keep edits a draft: name a version, no tag and no commit")
    with stages(console.out) as progress:
        if keep:
            done = point.version.fetch_media(keep=True, progress=progress)
        else:
            frames = point.view().get_iterator()
            done = fetch_into_cache(frames, str(console.store.path), progress)
    if as_json:
        console.out.json(_json(done))
        return 1 if done.failures else 0
    for failure in done.failures:
        console.out.warning(f"frame {_id_of(failure)!a}: {failure['error']}")
    where = "the store" if keep else "the cache"
    frames_said = plural(done.frames, "frame")
    console.out.line(f"{plural(done.files, 'file')} of {frames_said} in {where}")
    if done.failures:
        console.out.note(f"{plural(len(done.failures), 'failure')}; run it again to go on")
    return 1 if done.failures else 0


def _json(done: Fetched) -> dict[str, object]:
    failures = [{"frame": _id_of(one), "error": one["error"]} for one in done.failures]
    return {"frames": done.frames, "files": done.files, "failures": failures}


def _id_of(failure: Failure) -> str:
    return frame_object(failure["frame"]).id
