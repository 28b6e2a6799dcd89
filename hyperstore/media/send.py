"""Files sent to where a URI says, tried again after what may pass, never over other content.

A place that holds the content already is left as it is, which makes an interrupted upload go on
where it ended. One that holds another content is somebody's: an older version of this file that a
commit still names, say. The file then goes beside it, under a name that has its hash.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hyperstore.errors import HyperstoreError, MediaError, UsageError
from hyperstore.limits import UPLOAD_LARGE, UPLOAD_SMALL_BYTES
from hyperstore.media import send_cloud, send_local
from hyperstore.media.cloud import need_library, place_of, threads_are_lost
from hyperstore.media.part import Ended, Interrupted, pause_s
from hyperstore.media.sending import Content, Held
from hyperstore.media.uri import Bucket, Web, locate, shown

if TYPE_CHECKING:  # It brings subprocess, which most senders do without.
    from hyperstore.media.send_relay import SendRelay

__all__ = ["Sender", "Sent", "beside"]

_PROBE = ".hyperstore-probe"
_HASH_DIGITS = 16
_UNSYNCED_MAX = 4_096
_T = TypeVar("_T")


class Sent(NamedTuple):
    """Where a file lies now, and whether it had to be sent there."""

    uri: str
    moved: bool


@dataclass(slots=True)
class _Turn:
    """Whose turn it is to send to one place."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0


class Sender:
    """Sends files from any number of threads. It is closed by whoever made it."""

    def __init__(self, *, timeout_s: int, retries: int) -> None:
        self._timeout_s = timeout_s
        self._retries = retries
        self._large = threading.BoundedSemaphore(UPLOAD_LARGE)
        self._turns: dict[str, _Turn] = {}  # Of the places that are being sent to.
        self._turns_lock = threading.Lock()
        self.stopped = Ended()
        self._unsynced: set[str] = set()  # Local folders in which files appeared.
        self._unsynced_lock = threading.Lock()
        self._vacant: set[str] = set()  # Folders that held nothing when they were checked.
        self._relay = _new_relay() if threads_are_lost() else None

    def check(self, folder: str) -> None:
        """See that files can be written to a folder; one clear error where they cannot."""
        probe = f"{folder}/{_PROBE}"
        place = locate(probe)
        if isinstance(place, Bucket):
            need_library(folder)
        elif not isinstance(place, str | Web):
            raise UsageError(f"{shown(folder)} is no upload destination; give a folder or a URI")
        try:
            self._patiently(lambda: self._check(place, folder, probe))
        except HyperstoreError as error:
            said = f"nothing can be written to the upload destination {shown(folder)}: {error}"
            raise type(error)(said) from None

    def send(
        self, path: str, content: Content, uri: str, folder: str, *, force: bool = False
    ) -> Sent:
        """Bring a file to a place in a folder that was checked; return where it is.

        By `force` it is sent though it is there already.
        """
        if content.size > UPLOAD_SMALL_BYTES:
            with self._large:
                return self._patiently(lambda: self._send(path, content, uri, folder, force))
        return self._patiently(lambda: self._send(path, content, uri, folder, force))

    def replace(self, path: str, content: Content, uri: str, folder: str) -> None:
        """Bring a file to a place whatever is there: for who asks for just that."""
        self._patiently(lambda: self._put(path, content, uri, folder, replace=True))

    def holds(self, uri: str, content: Content) -> bool:
        """Tell whether a content is at a place for sure."""
        try:
            return self._patiently(lambda: self._held(uri, content)) == "same"
        except HyperstoreError:
            return False

    def delete(self, uri: str) -> None:
        """Delete an object of a bucket; one that is not there is deleted already."""
        self._patiently(lambda: self._cloud("delete_object", uri, self._timeout_s))

    def settle(self) -> None:
        """Make all that was sent durable, as far as that is ours to do."""
        with self._unsynced_lock:
            folders, self._unsynced = self._unsynced, set()
        send_local.sync_names(folders)

    def stop(self) -> None:
        """Let what other threads do end with its next failure, and wait for no answer to it."""
        self.stopped.set()

    def close(self, *folders: str) -> None:
        """Give up what sending needs, and what it left in these folders."""
        if self._relay is not None:
            self._relay.close()
        for folder in folders:
            place = locate(f"{folder}/x")
            if isinstance(place, str):
                send_local.tidy_folder(os.path.dirname(place))  # noqa: PTH120 - as it came.

    def _check(self, place: object, folder: str, probe: str) -> None:
        if isinstance(place, str):
            send_local.check_folder(os.path.dirname(place))  # noqa: PTH120 - the same.
        elif isinstance(place, Bucket):
            refuses = self._cloud("check_bucket", probe, self._timeout_s)
            # Without looking only where it is told when something is there after all.
            if refuses and not self._cloud("has_objects", folder, self._timeout_s):
                self._vacant.add(folder)
        else:
            from hyperstore.media.send_web import check_server

            check_server(probe, self._timeout_s)

    def _send(self, path: str, content: Content, uri: str, folder: str, force: bool) -> Sent:
        # One after the other, as not every server tells who of two was first.
        with self._turn(uri):
            found = self._send_to(path, content, uri, folder, force)
        if found is not None:
            return found
        uri = beside(uri, content)
        with self._turn(uri):
            if self._held(uri, content) == "same" and not force:
                return Sent(uri, moved=False)
            self._put(path, content, uri, folder, replace=True)
        return Sent(uri, moved=True)

    def _send_to(
        self, path: str, content: Content, uri: str, folder: str, force: bool
    ) -> Sent | None:
        """Bring a file to this very place; None where another one is there."""
        small = content.size <= UPLOAD_SMALL_BYTES
        held: Held = "absent"
        if not (small and folder in self._vacant):
            held = self._held(uri, content)
        if held == "absent" or (held == "unknown" and small and isinstance(locate(uri), Bucket)):
            if self._put(path, content, uri, folder, replace=False):
                return Sent(uri, moved=True)
            held = self._held(uri, content)  # Somebody was first.
        if held != "same":
            return None
        if force:
            self._put(path, content, uri, folder, replace=True)
        return Sent(uri, moved=force)

    @contextlib.contextmanager
    def _turn(self, uri: str) -> Iterator[None]:
        """Wait until nobody else sends to a place, however it is spelled, and keep others out."""
        place = place_of(uri)
        with self._turns_lock:
            turn = self._turns.setdefault(place, _Turn())
            turn.users += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._turns_lock:
                turn.users -= 1
                if not turn.users:
                    del self._turns[place]

    def _held(self, uri: str, content: Content) -> Held:
        place = locate(uri)
        if isinstance(place, str):
            return send_local.held_file(place, content)
        if isinstance(place, Bucket):
            found = self._cloud("held_object", uri, *content, self._timeout_s)
            return found if found in ("absent", "same", "other") else "unknown"
        from hyperstore.media.send_web import held_page

        return held_page(uri, content, self._timeout_s)

    def _put(self, path: str, content: Content, uri: str, folder: str, *, replace: bool) -> bool:
        place = locate(uri)
        if isinstance(place, str):
            above = locate(f"{folder}/x")
            assert isinstance(above, str)
            base = os.path.dirname(above)  # noqa: PTH120 - the same.
            done = send_local.put_file(path, place, base, content, replace=replace)
            with self._unsynced_lock:
                self._unsynced.add(os.path.dirname(place))  # noqa: PTH120 - the same.
            if len(self._unsynced) > _UNSYNCED_MAX:
                self.settle()
            return done
        if isinstance(place, Bucket):
            return bool(self._cloud("put_object", path, uri, *content, self._timeout_s, replace))
        from hyperstore.media.send_web import put_page

        return put_page(path, uri, content, self._timeout_s, replace=replace)

    def _cloud(self, name: str, *given: str | int | bool) -> object:
        if self._relay is not None:
            return self._relay.call(name, *given)
        call: Callable[..., object] = getattr(send_cloud, name)
        return call(*given)

    def _patiently(self, call: Callable[[], _T]) -> _T:
        tried = 0
        while True:
            try:
                return call()
            except Interrupted as error:
                if tried == self._retries or self.stopped.is_set:
                    times = "once" if tried == 0 else f"{tried + 1} times"
                    raise MediaError(f"{error} (tried {times})") from None
            self.stopped.wait(pause_s(tried))
            tried += 1


def _new_relay() -> "SendRelay":
    from hyperstore.media.send_relay import SendRelay as Relay

    return Relay()


def beside(uri: str, content: Content) -> str:
    """Return the place for a content where its own place is taken by another one."""
    folder, slash, name = uri.rpartition("/")
    stem, _, extension = name.rpartition(".")
    digits = content.sha256[:_HASH_DIGITS]
    return f"{folder}{slash}{stem}.{digits}.{extension}" if stem else f"{uri}.{digits}"
