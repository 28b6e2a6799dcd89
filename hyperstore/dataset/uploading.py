"""Frames whose files are sent elsewhere before they are registered.

A frame is checked before a byte moves. Then its files go, by threads, while the frames behind it
are looked at; when all of them are where they belong the frame names them by their new URIs, with
the hash of each recorded, and goes on to be stored. Its id stays what it was. A content that the
dataset was given before is not sent again: the frame names the place where it lies, once that has
been asked whether it still does.

It is the frame object of the caller that changes, so that storing it again does not lead back; a
wire dict stays as it is. What changed is put back where the frame is not stored in the end.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import NamedTuple

from hyperstore.dataset.changed import ChangedFrames
from hyperstore.dataset.handle import Handle
from hyperstore.dataset.ingest import Failure, FrameLike, failure_of, frames_in, unfailed
from hyperstore.dataset.updating import Merged, as_given
from hyperstore.dataset.uploading_known import Known, KnownContents, hashed_uris
from hyperstore.dataset.uploading_lead import Lies, Report, lead
from hyperstore.dataset.uploading_wish import Target, UploadWish
from hyperstore.dataset.view import View
from hyperstore.errors import FrameError, HyperstoreError
from hyperstore.frames.pointers import Pointer, frame_object, home_of, pointers
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import Frame
from hyperstore.limits import UPLOAD_AHEAD, UPLOAD_THREADS, UPLOAD_THREADS_LOCAL
from hyperstore.media.local import local_file
from hyperstore.media.part import ends_with
from hyperstore.media.send import Sender
from hyperstore.media.sending import Content, content_of
from hyperstore.media.settings import media_settings

__all__ = ["Uploader"]

_Answer = Lies | HyperstoreError


class _Read(NamedTuple):
    """A file that was read through."""

    path: str
    content: Content


@dataclass(slots=True)
class _Job:
    """One file of a frame."""

    pointer: Pointer
    target: Target
    reading: Future[_Read | HyperstoreError]
    sending: Future[_Answer] | None = None  # Perhaps of another file with the same content,
    leads: bool = False  # unless this one is sent for all of them.


@dataclass(slots=True)
class _Plan:
    """One frame on its way; without an object where there is nothing to be done for it."""

    given: FrameLike
    frame: Frame | None = None
    jobs: list[_Job] = field(default_factory=list)
    error: FrameError | None = None

    @property
    def is_read(self) -> bool:
        return all(job.reading.done() for job in self.jobs)

    @property
    def is_sent(self) -> bool:
        return all(job.sending is None or job.sending.done() for job in self.jobs)


class Uploader:
    """Sends the files of the frames of one call. `end` is told when the call, or its batch, ends.

    Making one sees that the destinations can be written to, before anything else is done.
    """

    def __init__(
        self,
        handle: Handle,
        view: View,
        wish: UploadWish,
        known: KnownContents,
        *,
        strict: bool,
        bytes_max: int | None = None,
    ) -> None:
        self.failures: list[Failure] = []
        self._handle = handle
        self._roots = handle.roots
        self._view = view
        self._wish = wish
        self._known = known
        self._strict = strict
        self._bytes_max = bytes_max
        self._leaders: dict[str, Future[_Answer]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._report = Report(wish.report_s)
        self._changed = ChangedFrames()
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
        reading: deque[_Plan] = deque()  # Their files are being read,
        sending: deque[_Plan] = deque()  # and these are on their way.
        try:
            for given in map(unfailed, frames_in(frames)):
                reading.append(self._plan(given))
                while reading and (len(reading) > UPLOAD_AHEAD or reading[0].is_read):
                    sending.append(self._begun(reading.popleft()))
                while sending and (len(sending) > UPLOAD_AHEAD or sending[0].is_sent):
                    yield from self._settled(sending.popleft())
            while reading:
                sending.append(self._begun(reading.popleft()))
            while sending:
                yield from self._settled(sending.popleft())
            self._sender.settle()  # Before anything names what was sent.
            self._report.look(last=True)
        finally:
            self._let_go()

    def end(self, stored: bool) -> None:
        """Where nothing was stored, give the frames back what they had. May come twice."""
        self._let_go()
        if not stored:
            self._changed.take_back()

    def as_given(self, failures: list[Failure]) -> list[Failure]:
        """Return failures that name the frames which were given, with the URIs they had."""
        self._changed.take_back_failed(failures)
        return as_given(failures)

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
            prepared = prepare(given, roots=self._roots)
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
                return _Plan(given, frame, error=_about(frame, pointer, error))
            if target is not None:
                wanted.append((pointer, target))
        if not wanted:
            return _Plan(given)
        if self._pool is None:
            if not self._wish.force:
                self._known.read(self._handle)
            local = all(folder.startswith("file:") for folder in self._wish.folders)
            threads = UPLOAD_THREADS_LOCAL if local else UPLOAD_THREADS
            self._pool = ThreadPoolExecutor(
                threads, "hyperstore-upload", ends_with, (self._sender.stopped,)
            )
        jobs = []
        for pointer, target in wanted:
            home = home_of(frame, pointer)
            store = str(self._handle.folder) if home is None else home.store
            foreign = home is not None and home.foreign
            reading = self._pool.submit(_read, pointer.uri, store, foreign)
            jobs.append(_Job(pointer, target, reading))
        return _Plan(given, frame, jobs)

    def _begun(self, plan: _Plan) -> _Plan:
        """Begin to send the files of a frame; one after the other, so that of equal files it is
        always the first that is sent.
        """
        stored: dict[bytes, str] = {}
        if plan.frame is None or not plan.jobs:
            return plan
        for job in plan.jobs:
            answer = job.reading.result()
            if isinstance(answer, HyperstoreError):
                plan.error = _about(plan.frame, job.pointer, answer)
                return plan  # Nothing of it is sent.
        if not self._wish.force:
            found = self._view.object_ids([plan.frame.id])
            for payload in self._view.staging.frames(found).values():
                stored = dict(hashed_uris(payload, self._roots))
        for job in plan.jobs:
            read = job.reading.result()
            assert isinstance(read, _Read)
            sha256 = read.content.sha256
            leader = None if self._wish.force else self._leaders.get(sha256)
            places = self._places(job, sha256, stored)
            if leader is not None and not (places and places[0].uri in _own(job, sha256, stored)):
                job.sending = leader
                continue
            job.sending = self._pool_now().submit(self._answer, read, job.target, places)
            self._leaders[sha256] = job.sending
            job.leads = True
        return plan

    def _places(self, job: _Job, sha256: str, stored: Mapping[bytes, str]) -> list[Known]:
        """Return where a content may lie already, the file's own places first."""
        if self._wish.force:
            return []
        own = _own(job, sha256, stored)
        return self._known.places(sha256, self._wish.is_ours, own)

    def _pool_now(self) -> ThreadPoolExecutor:
        assert self._pool is not None
        return self._pool

    def _answer(self, read: _Read, target: Target, places: list[Known]) -> _Answer:
        """Bring one file to its place, in a thread; an error is returned."""
        try:
            for place, sure in places:
                if sure or self._sender.holds(place, read.content):
                    return Lies(place, read.content, moved=False)
            found = self._sender.send(
                read.path, read.content, target.uri, target.folder, force=self._wish.force
            )
            return Lies(found.uri, read.content, found.moved)
        except HyperstoreError as error:
            return error

    def _result(self, job: _Job) -> _Answer:
        """Wait for one file."""
        read = job.reading.result()
        assert isinstance(read, _Read)
        assert job.sending is not None
        answer = job.sending.result()
        if job.leads:
            if self._leaders.get(read.content.sha256) is job.sending:
                del self._leaders[read.content.sha256]
        elif isinstance(answer, HyperstoreError):  # Which that other file may have had its own of.
            answer = self._answer(read, job.target, [])
        else:
            answer = answer._replace(moved=False)
        if not isinstance(answer, HyperstoreError):
            self._known.note(answer.content.sha256, answer.uri)
        return answer

    def _settled(self, plan: _Plan) -> Iterator[FrameLike]:
        """Yield a frame that names its files where they lie now; nothing for one that failed."""
        frame = plan.frame
        if frame is None:
            yield plan.given
            return
        found: list[tuple[Pointer, Lies]] = []
        error = plan.error
        for job in plan.jobs if error is None else ():
            answer = self._result(job)
            if isinstance(answer, HyperstoreError):
                error = error or _about(frame, job.pointer, answer)
            else:
                found.append((job.pointer, answer))
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
        changes = lead(frame, found)
        if frame is not plan.given:
            given = plan.given.given if isinstance(plan.given, Merged) else plan.given
            yield Merged(given, frame.to_dict())
            return
        self._changed.add(frame, changes)
        yield frame

    def _fail(self, plan: _Plan, error: FrameError) -> None:
        if self._strict:
            error.frame = plan.given
            raise error
        self.failures.append(failure_of(plan.given, error, "upload"))


def _read(uri: str, store: str, foreign: bool) -> _Read | HyperstoreError:
    """Read a file through, in a thread; an error is returned."""
    try:
        path = local_file(uri, store=store, foreign=foreign, empty_ok=True)
        return _Read(path, content_of(path))
    except HyperstoreError as error:
        return error


def _about(frame: Frame, pointer: Pointer, error: HyperstoreError) -> FrameError:
    return FrameError(f"{pointer.what}: {error}", frame_id=frame.id)


def _own(job: _Job, sha256: str, stored: Mapping[bytes, str]) -> list[str]:
    """Return the places where a file itself may lie: that of the stored frame, which stays what it
    is when it is registered again, and that where it would be sent.
    """
    held = stored.get(bytes.fromhex(sha256))
    return [job.target.uri] if held is None else [held, job.target.uri]
