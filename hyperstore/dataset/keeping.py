"""Frames whose files a store keeps: on their way into it, their bytes go to its folder `media`.

A frame is checked before a byte moves. Then all of its files are copied, by threads, for a chunk of
frames at a time; when their names are on the disk the frame names them by `media:` URIs, and goes
on to be stored. Its id stays what it was, and where it had no context it gets the one that it had
all the same, the URI of its source as it would have been stored: relative to a root, so that two
machines agree. Nobody wants frames to be ordered by hashes.

It is the frame object of the caller that changes, so that storing it again does not lead back; a
wire dict stays as it is. What changed is put back where the frame is not stored in the end.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from hyperstore.dataset.changed import ChangedFrames, Changes
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.ingest import Failure, FrameLike, failure_of, frames_in, unfailed
from hyperstore.dataset.updating import Merged, as_given
from hyperstore.errors import (
    CorruptError,
    FrameError,
    HyperstoreError,
    MediaError,
    NotFoundError,
    RefusedError,
)
from hyperstore.frames.group import FrameGroup
from hyperstore.frames.hashes import recorded_hash_of
from hyperstore.frames.pointers import Pointer, frame_object, home_of, pointers, settle_id
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import Frame
from hyperstore.frames.records import SourceRecord
from hyperstore.frames.sourceinfo import lacks_hash, note_content, note_header
from hyperstore.limits import KEEP_FRAMES, KEEP_REMEMBERED, KEEP_THREADS
from hyperstore.media.headers import Header, header_of
from hyperstore.media.kept import KeptMedia, Taken
from hyperstore.media.local import FILE_FAULTS, is_remote, local_file, sha256_in
from hyperstore.media.part import Ended, ends_with
from hyperstore.media.settings import media_settings
from hyperstore.media.uri import KEPT, is_kept, shown

__all__ = ["Keeper"]


class _Wanted(NamedTuple):
    """What is asked of a file; equal ones are copied once."""

    uri: str
    home: str | None  # The store that the frame came from,
    foreign: bool  # and whether that came from somebody else.
    hashed: bool  # Whether its SHA-256 is to be recorded.
    sha256: str | None  # That was recorded: other bytes are not these.
    header: bool


class _Got(NamedTuple):
    taken: Taken
    header: Header | None


_Answer = _Got | HyperstoreError


@dataclass(slots=True)
class _Plan:
    """One frame of a chunk; without an object where storing it will say what is wrong with it."""

    given: FrameLike
    frame: Frame | None
    wanted: list[tuple[Pointer, _Wanted]]


class Keeper:
    """Keeps the files of the frames of one call. `end` is told when the call, or its batch, ends.

    With `remote_only` what is on this machine already stays where it is.
    """

    def __init__(
        self,
        handle: Handle,
        *,
        strict: bool,
        remote_only: bool = False,
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        if handle.database.readonly:
            raise RefusedError(f"{handle.folder} is open for reading only; no files are kept")
        self.failures: list[Failure] = []
        self.frames = 0  # That came by,
        self.files = 0  # and files of them that were kept, each copied or found there.
        self._progress = progress
        self._store = str(handle.folder)
        self._roots = handle.roots
        self._media = KeptMedia(handle.folder, links=media_settings(str(handle.folder)).keeps_links)
        self._strict = strict
        self._remote_only = remote_only
        self._held = ExitStack()
        self._holding = False
        self._changed = ChangedFrames()
        self._known: dict[_Wanted, tuple[tuple[int, ...], _Got]] = {}

    def passed(self, frames: Iterable[FrameLike]) -> Iterator[FrameLike]:
        """Yield frames whose files are kept; the others become failures, or with `strict` raise."""
        source = map(unfailed, frames_in(frames))
        ended = Ended()
        pool = ThreadPoolExecutor(KEEP_THREADS, "hyperstore-keep", ends_with, (ended,))
        try:
            while chunk := list(islice(source, KEEP_FRAMES)):
                yield from self._chunk(chunk, pool)
        finally:
            ended.set()
            pool.shutdown(cancel_futures=True)

    def end(self, stored: bool) -> None:
        """Let prune go on; where nothing was stored, give the frames back what they had."""
        self._held.close()
        if not stored:
            self._changed.take_back()

    def as_given(self, failures: list[Failure]) -> list[Failure]:
        """Return failures that name the frames which were given, with the URIs they had."""
        self._changed.take_back_failed(failures)
        return as_given(failures)

    def _chunk(self, chunk: list[FrameLike], pool: ThreadPoolExecutor) -> list[FrameLike]:
        plans = [self._plan(frame) for frame in chunk]
        if not self._holding:
            self._held.enter_context(self._media.holding())
            self._holding = True
        jobs: dict[_Wanted, Future[_Answer]] = {}
        for plan in plans:
            for _, wanted in plan.wanted:
                if wanted not in jobs:
                    jobs[wanted] = pool.submit(self._answer, wanted)
        answers = {wanted: job.result() for wanted, job in jobs.items()}
        self.files += sum(isinstance(one, _Got) for one in answers.values())
        self._media.settle()
        self.frames += len(chunk)
        if self._progress is not None:
            self._progress("Keeping", self.files, 0)
        if len(self._known) > KEEP_REMEMBERED:
            self._known.clear()
        return [one for plan in plans if (one := self._settled(plan, answers)) is not None]

    def _plan(self, given: FrameLike) -> _Plan:
        try:
            frame = frame_object(given)
            prepare(given, roots=self._roots)
        except FrameError:
            return _Plan(given, None, [])
        return _Plan(given, frame, [(one, self._wanted(frame, one)) for one in self._ours(frame)])

    def _ours(self, frame: Frame) -> Iterator[Pointer]:
        """Yield what is to be kept of a frame."""
        return (one for one in pointers(frame) if not self._remote_only or is_remote(one.uri))

    def _wanted(self, frame: Frame, pointer: Pointer) -> _Wanted:
        home = home_of(frame, pointer)
        return _Wanted(
            pointer.uri,
            None if home is None else home.store,
            home is not None and home.foreign,
            pointer.target is pointer.source and lacks_hash(pointer.source),
            sha256_in(recorded_hash_of(pointer.source, pointer.target)),
            any(getattr(pointer.target, name) is None for name in Header._fields),
        )

    def _answer(self, wanted: _Wanted) -> _Answer:
        """Keep one file, in a thread; an error is returned if it is about that file."""
        store = self._store
        if is_kept(wanted.uri):
            kept = self._media.path(wanted.uri[len(KEPT) :])
            # One that is in another store only is copied from there.
            store = store if kept.exists() else wanted.home or store
        tried = 0
        while True:
            try:
                path = local_file(
                    wanted.uri,
                    store=store,
                    foreign=wanted.foreign,
                    empty_ok=True,
                    sha256=wanted.sha256,
                )
            except FILE_FAULTS as error:
                return error
            try:
                # What it may be refused here is to write, which is not about this file.
                return self._got(wanted, path)
            except (CorruptError, MediaError) as error:
                return error
            except NotFoundError as error:
                if tried == 1:
                    return error
                tried = 1  # What was in the cache made room for something else: fetched again.

    def _got(self, wanted: _Wanted, path: str) -> _Got:
        stamp: tuple[int, ...] = ()
        with suppress(OSError, ValueError):
            found = Path(path).stat()
            stamp = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
        known = self._known.get(wanted)
        if known is not None and known[0] == stamp:
            return known[1]
        digest = wanted.uri[len(KEPT) :] if is_kept(wanted.uri) else ""
        if stamp and not wanted.hashed and path == str(self._media.path(digest)):
            taken = Taken(digest, stamp[2], None)  # Whether it is sound is for verify to say.
        else:
            hashed = wanted.hashed or wanted.sha256 is not None
            taken = self._media.keep(path, shown(wanted.uri), sha256=hashed)
            if digest not in ("", taken.digest):
                raise CorruptError(
                    f"{wanted.uri} is damaged: {path} has other bytes than were kept"
                )
            _check_recorded(wanted, taken)
        header = None
        if wanted.header:
            header = header_of(str(self._media.path(taken.digest)), wanted.uri)
        got = _Got(taken, header)
        self._known[wanted] = (stamp, got)
        return got

    def _settled(self, plan: _Plan, answers: Mapping[_Wanted, _Answer]) -> FrameLike | None:
        """Return a frame that names kept files; None for one of which a file could not be kept."""
        if plan.frame is None or not plan.wanted:
            return plan.given
        for pointer, wanted in plan.wanted:
            answer = answers[wanted]
            if isinstance(answer, HyperstoreError):
                self._fail(plan, FrameError(f"{pointer.what}: {answer}", frame_id=plan.frame.id))
                return None
        changes = Changes()
        _settle(plan.frame, changes, self._stored_context(plan))
        for pointer, wanted in plan.wanted:
            answer = answers[wanted]
            assert isinstance(answer, _Got)
            _lead(pointer, answer, changes)
        if plan.frame is not plan.given:
            return Merged(plan.given, plan.frame.to_dict())
        self._changed.add(plan.frame, changes)
        return plan.frame

    def _stored_context(self, plan: _Plan) -> str | None:
        """Return the context that a frame had by its source's URI, if that is to change."""
        frame = plan.frame
        if isinstance(frame, FrameGroup):
            given = frame._context()
            first = next(iter(frame.values()))._record.sources[0]
        else:
            assert frame is not None
            given, first = frame._record.context_id, frame._record.sources[0]
        leaves = any(pointer.target is first for pointer, _ in plan.wanted)
        if given is not None or not leaves or is_kept(first.uri):
            return None
        return self._roots.stored(first.uri)

    def _fail(self, plan: _Plan, error: FrameError) -> None:
        if self._strict:
            error.frame = plan.given
            raise error
        self.failures.append(failure_of(plan.given, error, "upload"))


def _check_recorded(wanted: _Wanted, taken: Taken) -> None:
    """Raise MediaError where what was kept is not what was recorded. No frame names it then, so
    that prune takes it.
    """
    if wanted.sha256 not in (None, taken.sha256):
        raise MediaError(
            f"{shown(wanted.uri)} has the SHA-256 {taken.sha256}, and {wanted.sha256} is recorded: "
            "it has changed since, or is another file; update_source_info() of the frame records "
            "what it is now"
        )


def _settle(frame: Frame, changes: Changes, context: str | None) -> None:
    """Make a frame's id and context its own, which followed from what is to change."""
    changes.note(frame._record, "id", "context_id")
    settle_id(frame)
    if context is not None:
        frame._record.context_id = context


def _lead(pointer: Pointer, got: _Got, changes: Changes) -> None:
    """Lead one URI of a frame to the kept file, and record what nobody has recorded of that."""
    target = pointer.target
    changes.note(target, "uri", *Header._fields)
    target.uri = got.taken.uri
    if got.header is not None:
        note_header(target, got.header)
    if isinstance(target, SourceRecord):
        changes.note(target, "meta")
        note_content(target, got.taken.size, got.taken.sha256)
