"""Frames whose files are sent elsewhere before they are registered.

A frame is checked before a byte moves. Then its files go, by threads, while the frames behind it
are looked at; when all of them are where they belong the frame names them by their new URIs, with
the hash of each recorded, and goes on to be stored. Its id stays what it was. A content that the
dataset was given before is not sent again: the frame names the place where it lies, once that has
been asked whether it still does.

It is the frame object of the caller that changes, so that storing it again does not lead back; a
wire dict stays as it is. What changed is put back where the frame is not stored in the end.
"""

import contextlib
import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from hyperstore.dataset.handle import Handle
from hyperstore.dataset.ingest import Failure, FrameLike, frames_in, unfailed
from hyperstore.dataset.updating import Merged
from hyperstore.dataset.uploading_known import KnownContents
from hyperstore.dataset.uploading_wish import Target, UploadWish
from hyperstore.errors import FrameError, HyperstoreError
from hyperstore.frames.pointers import Pointer, frame_object, pointers, settle_id
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import Frame
from hyperstore.frames.records import SourceRecord
from hyperstore.limits import UPLOAD_AHEAD, UPLOAD_THREADS
from hyperstore.media.local import local_file
from hyperstore.media.send import Sender
from hyperstore.media.sending import Content, content_of
from hyperstore.media.settings import media_settings

__all__ = ["Uploader"]

_log = logging.getLogger("hyperstore.uploads")
_CHANGES = 4_096  # After so many, those of frames that are gone are dropped.


class _Lies(NamedTuple):
    """Where a file lies now, and what it holds."""

    uri: str
    content: Content
    moved: bool


_Answer = _Lies | HyperstoreError


@dataclass(slots=True)
class _Plan:
    """One frame on its way; without an object where there is nothing to be done for it."""

    given: FrameLike
    frame: Frame | None = None
    jobs: list[tuple[Pointer, Future[_Answer]]] = field(default_factory=list)
    error: FrameError | None = None


@dataclass(slots=True)
class _Report:
    """What was done so far; said in the log every now and then."""

    every_s: float
    frames: int = 0
    sent: int = 0
    sent_bytes: int = 0
    linked: int = 0
    failed: int = 0
    begun: float = field(default_factory=time.monotonic)
    said: float = field(default_factory=time.monotonic)

    def look(self, *, last: bool = False) -> None:
        now = time.monotonic()
        late = now - self.said >= self.every_s
        if not late and not (last and self.sent + self.linked + self.failed):
            return
        self.said = now
        _log.info(
            "%s%d frames: %d files sent (%d bytes), %d were there, %d frames failed; %.0f s",
            "uploaded " if last else "uploading, ",
            self.frames,
            self.sent,
            self.sent_bytes,
            self.linked,
            self.failed,
            now - self.begun,
        )


class Uploader:
    """Sends the files of the frames of one call. `end` is told when the call, or its batch, ends.

    Making one sees that the destinations can be written to, before anything else is done.
    """

    def __init__(
        self,
        handle: Handle,
        wish: UploadWish,
        known: KnownContents,
        *,
        strict: bool,
        bytes_max: int | None = None,
    ) -> None:
        self.failures: list[Failure] = []
        self._handle = handle
        self._wish = wish
        self._known = known
        self._strict = strict
        self._bytes_max = bytes_max
        self._turns = _Turns()
        self._pool: ThreadPoolExecutor | None = None
        self._report = _Report(wish.report_s)
        self._changed: list[tuple[weakref.ref[Frame], list[_Old]]] = []
        settings = media_settings(str(handle.folder))
        self._sender = Sender(timeout_s=settings.timeout_s, retries=wish.retries)
        known.begin()
        try:
            for folder in wish.folders:
                self._sender.check(folder)
        except BaseException:
            self.end(stored=False)
            raise

    def passed(self, frames: Iterable[FrameLike]) -> Iterator[FrameLike]:
        """Yield frames whose files are where they belong, in their order; the others become
        failures, or with `strict` raise.
        """
        waiting: deque[_Plan] = deque()
        try:
            for given in map(unfailed, frames_in(frames)):
                waiting.append(self._plan(given))
                while waiting and (len(waiting) > UPLOAD_AHEAD or not waiting[0].jobs):
                    yield from self._settled(waiting.popleft())
            while waiting:
                yield from self._settled(waiting.popleft())
            self._report.look(last=True)
        finally:
            self._let_go()

    def end(self, stored: bool) -> None:
        """Where nothing was stored, give the frames back what they had. May come twice."""
        self._let_go()
        changed, self._changed = self._changed, []
        for frame, olds in reversed(changed):
            if not stored and frame() is not None:
                _put_back(olds)

    def as_given(self, failures: list[Failure]) -> list[Failure]:
        """Return failures that name the frames which were given, with the URIs they had."""
        failed = {id(failure["frame"]) for failure in failures}
        for frame, olds in reversed(self._changed if failed else []):
            if id(frame()) in failed:
                _put_back(olds)
        for failure in failures:
            if isinstance(failure["frame"], Merged):
                failure["frame"] = failure["frame"].given
        return failures

    def _let_go(self) -> None:
        """Let the threads end, with what they are doing and nothing more."""
        self._sender.stop()
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(cancel_futures=True)
        self._sender.close(*self._wish.folders)

    def _plan(self, given: FrameLike) -> _Plan:
        """Begin to send the files of a frame, unless storing it will say what is wrong with it."""
        self._report.frames += 1
        try:
            prepared = prepare(given, roots=self._handle.roots)
            frame = frame_object(given)
        except FrameError:
            return _Plan(given)
        if self._bytes_max is not None and len(prepared.payload) > self._bytes_max:
            return _Plan(given)
        wanted: list[tuple[Pointer, Target]] = []
        for pointer in pointers(frame):
            try:
                target = self._wish.target(pointer.uri)
            except HyperstoreError as error:
                said = FrameError(f"{pointer.what}: {error}", frame_id=frame.id)
                return _Plan(given, frame, error=said)
            if target is not None:
                wanted.append((pointer, target))
        if not wanted:
            return _Plan(given)
        if self._pool is None:
            if not self._wish.force:
                self._known.read(self._handle)
            self._pool = ThreadPoolExecutor(UPLOAD_THREADS, "hyperstore-upload")
        home = frame.home
        store = str(self._handle.folder) if home is None else home.store
        foreign = home is not None and home.foreign
        return _Plan(
            given,
            frame,
            [
                (pointer, self._pool.submit(self._answer, pointer.uri, store, foreign, target))
                for pointer, target in wanted
            ],
        )

    def _answer(self, uri: str, store: str, foreign: bool, target: Target) -> _Answer:
        """Bring one file to its place, in a thread; an error is returned."""
        try:
            path = local_file(uri, store=store, foreign=foreign, empty_ok=True)
            content = content_of(path)
            if self._wish.force:
                return self._sent(path, content, target)
            with self._turns.of(content.sha256):
                for place, sure in self._known.places(content.sha256, self._wish.is_ours):
                    if sure or self._sender.holds(place, content):
                        self._known.note(content.sha256, place)
                        return _Lies(place, content, moved=False)
                found = self._sent(path, content, target)
                self._known.note(content.sha256, found.uri)
                return found
        except HyperstoreError as error:
            return error

    def _sent(self, path: str, content: Content, target: Target) -> _Lies:
        found = self._sender.send(path, content, target.uri, target.folder, force=self._wish.force)
        return _Lies(found.uri, content, found.moved)

    def _settled(self, plan: _Plan) -> Iterator[FrameLike]:
        """Yield a frame that names its files where they lie now; nothing for one that failed."""
        frame = plan.frame
        if frame is None:
            yield plan.given
            return
        found: list[tuple[Pointer, _Lies]] = []
        error = plan.error
        for pointer, job in plan.jobs:
            answer = job.result()
            if isinstance(answer, HyperstoreError):
                error = error or FrameError(f"{pointer.what}: {answer}", frame_id=frame.id)
            else:
                found.append((pointer, answer))
        for _, lies in found:
            self._report.sent += lies.moved
            self._report.sent_bytes += lies.content.size if lies.moved else 0
            self._report.linked += not lies.moved
        self._report.failed += error is not None
        self._report.look()
        if error is not None:
            self._fail(plan, error)
            if self._wish.register_failed:
                yield plan.given
            return
        olds = _lead(frame, found)
        if frame is not plan.given:
            given = plan.given.given if isinstance(plan.given, Merged) else plan.given
            yield Merged(given, frame.to_dict())
            return
        self._changed.append((weakref.ref(frame), olds))
        if len(self._changed) % _CHANGES == 0:
            self._changed = [one for one in self._changed if one[0]() is not None]
        yield frame

    def _fail(self, plan: _Plan, error: FrameError) -> None:
        if self._strict:
            error.frame = plan.given
            raise error
        self.failures.append({"frame": plan.given, "error": str(error), "error_type": "upload"})


class _Old(NamedTuple):
    """An attribute of a record, as it was."""

    target: object
    name: str
    value: object


def _put_back(olds: list[_Old]) -> None:
    for target, name, value in reversed(olds):
        setattr(target, name, value)


def _lead(frame: Frame, found: list[tuple[Pointer, _Lies]]) -> list[_Old]:
    """Lead the URIs of a frame to where its files lie, and record their hashes."""
    record = frame._record
    olds = [_Old(record, "id", record.id)]
    settle_id(frame)
    contents: dict[int, str] = {}
    sources: dict[int, SourceRecord] = {}
    for pointer, lies in found:
        olds.append(_Old(pointer.target, "uri", pointer.target.uri))
        pointer.target.uri = lies.uri
        contents[id(pointer.target)] = lies.content.sha256
        sources[id(pointer.source)] = pointer.source
    for source in sources.values():
        olds.append(_Old(source, "meta", source.meta))
        source.meta = {**(source.meta or {}), "hash": _hashes(source, contents)}
    return olds


def _hashes(source: SourceRecord, contents: Mapping[int, str]) -> dict[str, object]:
    """Return the recorded hashes of a source's files, those that are known now put in."""
    before = (source.meta or {}).get("hash")
    hashes = dict(before) if isinstance(before, Mapping) else {}
    if not isinstance(before, Mapping) and before is not None:
        hashes["source"] = before
    if id(source) in contents:
        hashes["source"] = contents[id(source)]
    if id(source.preview) in contents:
        hashes["preview_source"] = contents[id(source.preview)]
    masks = source.masks or []
    if any(id(one) in contents for one in masks):
        old = hashes.get("mask_source")
        kept = old if isinstance(old, list) and len(old) == len(masks) else [None] * len(masks)
        hashes["mask_source"] = [
            contents.get(id(one), known) for one, known in zip(masks, kept, strict=True)
        ]
    return hashes


class _Turns:
    """One lock for each content, so that of two equal files one is sent and the other named."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[str, tuple[threading.Lock, int]] = {}

    @contextlib.contextmanager
    def of(self, sha256: str) -> Iterator[None]:
        """Hold the content against other threads."""
        with self._lock:
            turn, users = self._held.get(sha256, (threading.Lock(), 0))
            self._held[sha256] = (turn, users + 1)
        try:
            with turn:
                yield
        finally:
            with self._lock:
                _, users = self._held.pop(sha256)
                if users > 1:
                    self._held[sha256] = (turn, users - 1)
