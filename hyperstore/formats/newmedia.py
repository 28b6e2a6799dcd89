"""Pictures that come inside of other files: kept in a store, or written into a folder.

What comes back is what a source says of them: address, type, size in pixels and in bytes, SHA-256.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeAlias

from hyperstore.dataset.handle import Handle
from hyperstore.errors import MediaError
from hyperstore.formats.combine import Wire
from hyperstore.formats.shardnames import extension_of
from hyperstore.formats.staging import Staging
from hyperstore.ids import content_hash
from hyperstore.media.facts import Facts, picture_facts
from hyperstore.media.kept import KeptMedia
from hyperstore.storage.translation import disk_errors

__all__ = ["Keep", "facts_of", "kept_in_store", "written_to"]

Keep: TypeAlias = Callable[[bytes, str], Wire]
"""Takes bytes, and what they are called in messages; gives the fields of a source."""


@contextmanager
def kept_in_store(handle: Handle) -> Iterator[Keep]:
    """Give what keeps pictures in a store; prune waits until the block ends."""
    media = KeptMedia(handle.folder)
    places: list[Path] = []  # Where bytes are on their way, once there are any.
    with ExitStack() as held:

        def keep(data: bytes, name: str) -> Wire:
            facts = facts_of(data, name)
            if not places:
                held.enter_context(media.holding())
                with disk_errors(handle.scratch):
                    handle.scratch.mkdir(exist_ok=True)
                    folder = tempfile.TemporaryDirectory(dir=handle.scratch)
                places.append(Path(held.enter_context(folder)) / "part")
            with disk_errors(places[0]):
                places[0].write_bytes(data)
            taken = media.keep(str(places[0]), name)
            media.settle()
            return {"uri": taken.uri} | _said(facts, data)

        yield keep


@contextmanager
def written_to(folder: Path, *, replace: bool = False) -> Iterator[Keep]:
    """Give what writes pictures to a folder, named by their content; they show in the end."""
    with Staging.open(folder, replace=replace) as staging:
        place = Path(os.path.abspath(folder))  # noqa: PTH100 - links stay as they are.

        def keep(data: bytes, name: str) -> Wire:
            facts = facts_of(data, name)
            own = f"{content_hash([data])[:32]}.{extension_of(facts.content_type, '')}"
            if not staging.has(own):
                staging.put(own, data)
            return {"uri": str(place / own)} | _said(facts, data)

        yield keep


def facts_of(data: bytes, name: str) -> Facts:
    """Return what bytes say of themselves as a picture; MediaError where they are none."""
    facts = picture_facts(data)
    if facts.fault is not None or facts.width is None:
        raise MediaError(f"{name}: {facts.fault or 'it is no picture'}")
    return facts


def _said(facts: Facts, data: bytes) -> Wire:
    found: Wire = {"width": facts.width, "height": facts.height}
    if facts.content_type is not None:
        found["content_type"] = facts.content_type
    sha256 = facts.sha256 or hashlib.sha256(data).hexdigest()
    found["meta"] = {"size": len(data), "hash": {"source": sha256}}
    return found
