"""A folder of pictures and videos as frames of a version, and again when the folder has changed.

Ids follow from paths relative to the folder, facts from the files, so two machines that register
the same folder have the same frames. The second time only what is new or has changed is read, what
moved is recognised by its content, and what people said in the store stays. Nothing is deleted
unless it is asked for.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path

from hyperstore.codec import encode
from hyperstore.dataset.dataset import DatasetVersion
from hyperstore.dataset.ingest import Failure
from hyperstore.dataset.view import View
from hyperstore.errors import FormatError, FrameError, UsageError
from hyperstore.formats.folderedits import FreshFrame, RefreshedFrame, add_legend
from hyperstore.formats.folderfacts import Reading, read_facts
from hyperstore.formats.folderframes import Maker
from hyperstore.formats.folderindex import Index, Settled
from hyperstore.formats.foldermatch import Held, Match, Matching
from hyperstore.formats.folderplan import Layout, Plan, Planned
from hyperstore.formats.folderside import read_legend
from hyperstore.formats.folderwalk import Found, is_gone, look, walk
from hyperstore.frames.records import read_lazily
from hyperstore.frames.roots import local_path
from hyperstore.ids import Kind
from hyperstore.limits import FOLDER_CHUNK, FOLDER_LISTED_MAX
from hyperstore.media.kept import kept_in, kept_path
from hyperstore.media.uri import KEPT, is_kept

__all__ = ["FolderReport", "add_folder"]

Named = list[tuple[str, str]]
"""Paths, each with what is said of it."""
Progress = Callable[[Iterable[Reading]], Iterable[Reading]]
"""Gives on each file that was read; told of by whoever shows how far the work has come."""


@dataclass
class FolderReport:
    """What came of a folder, in frames where nothing else is said. Paths are relative to it."""

    files: int = 0  # That were looked at.
    read: int = 0  # Files whose bytes were read.
    added: int = 0
    changed: int = 0
    moved: int = 0
    unchanged: int = 0
    pruned: int = 0  # Deleted, since their files are gone.
    refused: Named = field(default_factory=list)  # Files that were not taken, and why.
    passed_over: Named = field(default_factory=list)  # Links to folders.
    copies: Named = field(default_factory=list)  # Files, and of which registered ones.
    gone: list[str] = field(default_factory=list)  # Files of frames that are still there.
    # Such files whose content is in the folder all the same, and where: `prune` spares the frames.
    unsure: Named = field(default_factory=list)
    incomplete: list[tuple[str, list[str]]] = field(default_factory=list)  # Groups, what they lack.


def add_folder(
    version: DatasetVersion,
    folder: str | os.PathLike[str],
    *,
    only: Sequence[str] | None = None,
    context: str | None = None,
    images: str | None = None,
    masks: str | None = None,
    legend: str | os.PathLike[str] | None = None,
    side: str | None = None,
    group: str | None = None,
    every_ms: float | None = None,
    fps: float | None = None,
    verify: bool = False,
    decode: bool = False,
    prune: bool = False,
    copy_media: bool = False,
    skip_invalid: bool = False,
    progress: Progress | None = None,
) -> FolderReport:
    """Register the pictures and videos of a folder, or bring their frames up to date.

    `only` names files of the folder instead of all. `images`, `masks`, `side` and `group` are
    patterns (see folderpattern), `legend` a file that says what the colours of masks mean. A video
    gives a frame for each of its own, or one every `every_ms`, or `fps` a second. `verify` reads
    every file whatever is remembered, `decode` also decodes every picture. `prune` deletes frames
    whose files are gone, and such masks of frames. What is no picture is refused, and listed. What
    contradicts itself is an error and nothing is stored, or with `skip_invalid` refused as well.
    """
    layout = Layout.of(masks, side, group, images=images, every_ms=every_ms, fps=fps)
    colours = None if legend is None else read_legend(Path(legend))
    if colours is not None and layout.masks is None:
        raise UsageError("a legend says what masks mean: give the pattern of masks too")
    place = Path(os.path.abspath(folder))  # noqa: PTH100 - Path.absolute() would keep `..`.
    # What is read here is compared with what is written in the end, so all of it is one edit.
    with nullcontext() if version._editor.pending is not None else version.batch():
        run = _Run(version, place, layout, context, skip_invalid=skip_invalid, keeps=copy_media)
        files = run.found(only)
        settled = run.settled(files) if only is None else None
        believed = settled is not None and not (verify or decode or copy_media)
        if believed and settled is not None:
            run.report.unchanged = settled.frames
        else:
            readings = read_facts(place, files, run.index, verify=verify, decode=decode)
            plan = run.planned(readings if progress is None else progress(readings))
            run.write(plan, files, prune=prune, part=only is not None)
        if colours is not None:
            add_legend(version, colours, str(legend))
    if not believed:
        run.remember(files, part=only is not None)
    return run.report


class _Run:
    """One pass over a folder."""

    def __init__(
        self,
        version: DatasetVersion,
        folder: Path,
        layout: Layout,
        context: str | None,
        *,
        skip_invalid: bool,
        keeps: bool,
    ) -> None:
        self._version = version
        self._folder = folder
        self._plan = Plan(layout)
        self._layout = layout
        self._context = context
        self._skip_invalid = skip_invalid
        self._keeps = keeps
        self._view: View = version.view()
        self._store = Path(self._view.home.store)
        roots = repr(self._view.roots)
        self._question = encode([layout.question, context, roots], what="a question").hex()
        self._present: dict[str, str | None] = {}
        self.index = Index(self._store / "cache", folder)
        self.report = FolderReport()

    def found(self, only: Sequence[str] | None) -> list[Found]:
        """Return the files that are there; UsageError where there is none."""
        refuse = self._refuse
        if only is not None:
            files = list(look(self._folder, only, refuse=refuse))
        else:
            passed = self.report.passed_over
            files = list(
                walk(
                    self._folder,
                    self._layout.wanted,
                    refuse=refuse,
                    pass_over=lambda path, why: passed.append((path, why)),
                    without=self._store,
                )
            )
        if not files and not self.report.refused:
            raise UsageError(f"folder {str(self._folder)!a} holds no pictures and no videos")
        self.report.files = len(files)
        return files

    def settled(self, files: list[Found]) -> Settled | None:
        """Return what is remembered if nothing has changed since, in the folder or the version."""
        known = self.index.settled()
        if known is None or self.report.refused or known.question != self._question:
            return None
        same = (known.content, known.files) == (self._view.content_id, _digest(files))
        return known if same else None

    def planned(self, readings: Iterable[Reading]) -> list[Planned]:
        """Return the frames that the files make; list those that are broken."""
        plan = self._plan
        for path, _ in self.report.refused:
            if self._layout.wanted(path):
                plan.take(path, None)
        for found, facts, is_new in readings:
            self.report.read += is_new
            self._present[found.path] = facts.sha256
            if facts.fault is not None:
                # Its message names the file by where it is now, which is said already.
                place = str(self._folder / found.path)
                self._refuse(found.path, facts.fault.removeprefix(place).strip())
                plan.take(found.path, None)
            else:
                plan.take(found.path, facts)
        frames = plan.frames()
        self.report.refused += plan.refused
        self.report.incomplete = plan.incomplete
        self._settle_problems(plan.problems)
        return frames

    def write(self, frames: list[Planned], files: list[Found], *, prune: bool, part: bool) -> None:
        """Store what is new, bring up to date what is there, and note the rest."""
        maker = Maker(
            self._folder,
            self._view.roots,
            self._plan.side_files,
            self._present,
            frozenset(self._present.values()),
            context=self._context,
            prune=prune,
        )
        matching = Matching(self._view, maker, self._present, self._stillness(files), part=part)
        matches = matching.match(frames)
        self._settle_problems(matching.clashes)
        report = self.report
        report.copies = matching.copies
        known = self._refreshed(maker, [one for one in matches if one.held is not None])
        fresh = self._new(maker, [one for one in matches if one.held is None])
        made: Iterator[FreshFrame | RefreshedFrame] = chain(known, fresh)
        first = next(made, None)
        if first is not None:
            # Somebody may edit a frame between this reading and the writing: theirs stays.
            with self._naming():
                failures = self._version.update_frames(
                    chain([first], made),
                    strict=not self._skip_invalid,
                    if_unchanged=True,
                    copy_media=self._keeps,
                )
            self._refuse_failed(failures)
            new = sum(isinstance(one["frame"], FreshFrame) for one in failures)
            report.added -= new
            report.changed -= len(failures) - new
        if prune and matching.gone:
            report.pruned = self._version._editor.delete(
                (held.frame_id for held, _ in matching.gone),
                only_as=(held.object_id for held, _ in matching.gone),
            )
        gone = () if prune else (path for _, path in matching.gone)
        report.gone = sorted({*gone, *maker.gone})
        report.unsure = matching.unsure

    def remember(self, files: list[Found], *, part: bool) -> None:
        """Keep what was learnt, and of a whole folder whether nothing is left to do."""
        report = self.report
        undone = (
            report.refused or report.gone or report.unsure or report.copies or report.incomplete
        )
        settled = None
        if not part and not undone:
            known = self.index.rows
            if all((row := known.get(one.path)) is not None and row.is_of(one) for one in files):
                content = self._version.view().content_id
                frames = report.added + report.changed + report.moved + report.unchanged
                settled = Settled(self._question, content, _digest(files), frames)
        only = None if part else {one.path for one in files}
        self.index.save(only=only, settled=settled)

    def _stillness(self, files: list[Found]) -> Callable[[str], bool]:
        """Return what tells of a file whether it is as it was when the folder was looked at."""
        before: dict[str, Found] = {}

        def is_still(path: str) -> bool:
            if not before:
                before.update((one.path, one) for one in files)
            now = next(look(self._folder, [path], refuse=lambda path, why: None), None)
            return now is not None and now == before.get(path)

        return is_still

    def _new(self, maker: Maker, matches: list[Match]) -> Iterator[FreshFrame]:
        for match in matches:
            again = partial(maker.wire, match.planned, frame_id=match.frame_id)
            try:
                wire = again()
            except FormatError as error:
                self._settle_problem(match.planned.name, error)
                continue
            self.report.added += 1
            yield FreshFrame(wire, again)

    def _refreshed(self, maker: Maker, matches: list[Match]) -> Iterator[RefreshedFrame]:
        """Yield the frames that are not as their files are, brought up to date."""
        source = iter(matches)
        while chunk := list(islice(source, FOLDER_CHUNK)):
            helds = [one.held for one in chunk if one.held is not None]
            payloads = self._view.staging.payloads([one.object_id for one in helds], Kind.FRAME)
            for match, held, payload in zip(chunk, helds, payloads, strict=True):
                if self._keeps and self._is_lost(payload):
                    # Its files are kept again, from where the originals are.
                    match = match._replace(lead=True)
                try:
                    made = self._made(maker, match, held, payload)
                except (FormatError, FrameError) as error:
                    self._settle_problem(match.planned.name, error)
                    continue
                if made is None:
                    if not (self._keeps and held.is_local):
                        self.report.unchanged += 1
                        continue
                    made = payload  # As it was, but that its bytes are to be kept.
                if match.moved:
                    self.report.moved += 1
                else:
                    self.report.changed += 1
                again = partial(self._remade, maker, match, held)
                yield RefreshedFrame(held.object_id, made, self._view.roots, again)

    def _made(self, maker: Maker, match: Match, held: Held, payload: bytes) -> bytes | None:
        anew = match.lead and not held.is_local
        return maker.refreshed(
            payload, match.planned, lead=match.lead, origin=held.origin, anew=anew
        )

    def _remade(self, maker: Maker, match: Match, held: Held) -> bytes:
        payload = self._view.staging.payloads([held.object_id], Kind.FRAME)[0]
        return self._made(maker, match, held, payload) or payload

    def _is_lost(self, payload: bytes) -> bool:
        """Return whether the store lacks a kept file that a frame has as a source or a mask."""
        digests = kept_in(payload)
        if not digests or all(map(self._has, digests)):
            return False
        sources = read_lazily(payload, what="frame").sources
        uris = [one.uri for source in sources for one in (source, *(source.masks or ()))]
        return any(is_kept(uri) and not self._has(uri[len(KEPT) :]) for uri in uris)

    def _has(self, digest: str) -> bool:
        return not is_gone(kept_path(str(self._store), digest))

    def _refuse(self, path: str, why: str) -> None:
        self.report.refused.append((path, why))
        self._present.setdefault(path, None)

    def _refuse_failed(self, failures: list[Failure]) -> None:
        for failure in failures:
            self.report.refused.append((self._name_of(failure["frame"]), str(failure["error"])))

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Name the file in the error of a frame that cannot be stored."""
        try:
            yield
        except FrameError as error:
            raise FrameError(f"{self._name_of(error.frame)}: {error}", path=error.path) from None

    def _name_of(self, frame: object) -> str:
        """Return the path of the first file of a frame."""
        wire = frame if isinstance(frame, dict) else getattr(frame, "to_dict", dict)()
        sources = wire.get("sources") or [{}]
        return local_path(str(sources[0].get("uri", ""))).removeprefix(f"{self._folder}/")

    def _settle_problem(self, path: str, error: Exception) -> None:
        if not self._skip_invalid:
            raise error
        self.report.refused.append((path, str(error)))

    def _settle_problems(self, problems: Named) -> None:
        """Raise one FormatError for all that contradicts itself, or note it."""
        if problems and not self._skip_invalid:
            said = "; ".join(f"{path!a} {why}" for path, why in problems[:FOLDER_LISTED_MAX])
            more = len(problems) - FOLDER_LISTED_MAX
            raise FormatError(said + (f"; and {more} more" if more > 0 else ""))
        self.report.refused += problems


def _digest(files: list[Found]) -> str:
    """Return 64 hex digits that are the same for the same files, unchanged."""
    found = hashlib.sha256()
    for path, size, mtime_ns, inode in files:
        found.update(f"{path}\0{size} {mtime_ns} {inode}\0".encode())
    return found.hexdigest()
