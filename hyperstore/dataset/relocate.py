"""Sources that lie elsewhere now: URIs under one prefix, led to another in one edit.

A prefix ends where a part of a path ends: `/data/a` is one of `/data/a/1.jpg` and not of
`/data/ab/1.jpg`. Sources, previews and masks are led alike; ids stay, whatever they followed from.
A frame that somebody else changes meanwhile is not overwritten: the whole edit is refused then.
"""

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple
from urllib.parse import quote, unquote

from hyperstore.codec import Unfit
from hyperstore.dataset.view import View
from hyperstore.errors import NotFoundError, UsageError, nearest
from hyperstore.frames.pointers import pointers
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import Frame, read_frame
from hyperstore.frames.roots import RESERVED, Roots, absolute_uri
from hyperstore.ids import Kind, ObjectId
from hyperstore.limits import RELOCATE_PREFIXES
from hyperstore.media.uri import refusal, shown

__all__ = ["Counted", "Lead", "Place", "Relocated", "lead_of", "relocated", "tried"]

Place = str | os.PathLike[str]
_WEB = ("http://", "https://")


class Lead(NamedTuple):
    """From where to where: URIs as frames answer them, without a slash at the end."""

    prefix: str
    new: str

    def is_of(self, uri: str) -> bool:
        return uri == self.prefix or uri.startswith(self.prefix + "/")

    def of(self, uri: str) -> str | None:
        """Return where a URI leads now; None where it is not under the prefix.

        What a server of the web is asked for is quoted, and what stands elsewhere is not.
        """
        if not self.is_of(uri):
            return None
        rest = uri[len(self.prefix) :]
        of_web, to_web = self.prefix.startswith(_WEB), self.new.startswith(_WEB)
        if to_web and not of_web:
            rest = quote(rest)
        elif of_web and not to_web:
            if "?" in rest or "#" in rest:
                raise UsageError(
                    f"{shown(uri)} cannot be led to {shown(self.new)}: what follows its path is "
                    "part of no file's name"
                )
            rest = unquote(rest)
        return self.new + rest

    def apply(self, frame: Frame) -> int:
        """Lead a frame's URIs; return how many."""
        count = 0
        for pointer in pointers(frame):
            led = self.of(pointer.uri)
            if led is None:
                continue
            reason = refusal(led)
            if reason is not None:
                raise UsageError(f"{shown(pointer.uri)} cannot become {shown(led)}: {reason}")
            pointer.target.uri = led
            count += 1
        return count


class Relocated:
    """A frame that is to be led, read again when it is wanted: a million of these fit in memory."""

    __slots__ = ("_lead", "_view", "object_id")

    def __init__(self, view: View, lead: Lead, object_id: ObjectId) -> None:
        self._view = view
        self._lead = lead
        self.object_id = object_id

    def to_dict(self) -> dict[str, object]:
        """Return it as a wire frame, led."""
        payload = self._view.staging.payloads([self.object_id], Kind.FRAME)[0]
        frame = read_frame(payload, home=None, object_id=None, roots=self._view.roots)
        self._lead.apply(frame)
        return frame.to_dict()


class Counted:
    """Frames that are counted on their way."""

    def __init__(self, frames: Iterable[Relocated]) -> None:
        self._frames = frames
        self.count = 0

    def __iter__(self) -> Iterator[Relocated]:
        for frame in self._frames:
            self.count += 1
            yield frame


def tried(frames: Iterable[Relocated], roots: Roots) -> int:
    """Return how many frames would be led; what storing them would raise comes out."""
    count = 0
    for frame in frames:
        prepare(frame.to_dict(), roots=roots)
        count += 1
    return count


def lead_of(prefix: Place, new: Place, roots: Roots) -> Lead:
    """Return what leads from one place to another; UsageError where either is none."""
    lead = Lead(_place(prefix, "prefix", roots), _place(new, "new", roots))
    if lead.prefix == lead.new:
        raise UsageError(f"{shown(lead.prefix)} is where they are already")
    if lead.new.startswith(RESERVED):
        name = lead.new[len(RESERVED) :].partition("/")[0]
        raise UsageError(f"there is no root {name!a} here: set roots.{name}")
    reason = refusal(lead.new)
    if reason is not None:
        raise UsageError(f"the place {shown(lead.new)} is refused: {reason}")
    return lead


def relocated(view: View, lead: Lead) -> Iterator[Relocated]:
    """Yield the frames of which a URI is under the prefix; NotFoundError where none is."""
    found = False
    others: dict[str, None] = {}
    for object_id, payload in view.payloads():
        frame = read_frame(payload, home=None, object_id=None, roots=view.roots)
        uris = [pointer.uri for pointer in pointers(frame)]
        if any(lead.is_of(uri) for uri in uris):
            found = True
            yield Relocated(view, lead, object_id)
        elif not found and len(others) < RELOCATE_PREFIXES:
            for uri in islice(uris, 1):
                above = uri.rpartition("/")[0]
                if above:  # What a store keeps has no folder.
                    others[above] = None
    if not found:
        close = f"; the closest: {nearest(lead.prefix, list(others), 3)}" if others else ""
        raise NotFoundError(f"no source lies under {shown(lead.prefix)}{close}")


def _place(given: Place, what: str, roots: Roots) -> str:
    if isinstance(given, str) and given.startswith(RESERVED):
        uri = roots.absolute(given.rstrip("/") + "/")
    else:
        try:
            uri = absolute_uri(given, what)
        except Unfit as fault:
            raise UsageError(str(fault)) from None
    bare = uri.rstrip("/")
    if not bare.endswith(":"):
        return bare
    # Nothing stands above a bucket but its scheme, nor above the first folder of a disk.
    return "file://" if bare == "file:" else bare + "/"
