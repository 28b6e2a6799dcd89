"""Files sent to buckets of S3, Google and Azure. An object appears whole or not at all.

Each object carries the SHA-256 of its bytes as metadata, given with them in one request, so that
what is there is known again without reading it. One without, which somebody else put there, is
read through. What these functions take and return goes through JSON: a forked child calls them
in another process.
"""

import contextlib
import hashlib
import re
from typing import Literal

from hyperstore.errors import HyperstoreError, MediaError, NotFoundError, RefusedError
from hyperstore.limits import (
    UPLOAD_PART_BYTES,
    UPLOAD_PARTS,
    UPLOAD_RATE_MIN,
    UPLOAD_SMALL_BYTES,
)
from hyperstore.media.cloud import client_of, need_library, open_object, translated
from hyperstore.media.sending import Content, Held, chunks_of, content_type_of
from hyperstore.media.uri import Bucket, locate, shown

__all__ = ["check_bucket", "delete_object", "has_objects", "held_object", "put_object"]

_HASH = "sha256"
_NO_CONDITIONS = re.compile(r"501 Not Implemented|NotImplemented")


def check_bucket(probe: str, timeout_s: int) -> bool:
    """Write an object, then delete it; return whether a second one was refused in its place."""
    place = _place(probe)
    need_library(probe)
    import obstore
    from obstore.exceptions import AlreadyExistsError, PreconditionError

    with translated(probe):
        obstore.put(client_of(place, timeout_s, 0), place.key, b"hyperstore", use_multipart=False)
    refuses = False
    client = client_of(place, timeout_s, 0)
    with contextlib.suppress(HyperstoreError, NotImplementedError), translated(probe):
        try:
            obstore.put(client, place.key, b"hyperstore", mode="create", use_multipart=False)
        except (AlreadyExistsError, PreconditionError):
            refuses = True
    with contextlib.suppress(HyperstoreError):  # Who may only add is welcome.
        delete_object(probe, timeout_s)
    return refuses


def has_objects(folder: str, timeout_s: int) -> bool:
    """Tell whether there may be objects below a place; False proves that there are none."""
    place = _place(f"{folder}/x")
    import obstore

    try:
        with translated(folder):
            found = obstore.list(
                client_of(place, timeout_s, 0), prefix=place.key[:-2], chunk_size=1
            )
            return any(found)
    except (RefusedError, MediaError):
        return True


def held_object(uri: str, sha256: str, size: int, timeout_s: int) -> Held:
    """Tell what is at a place."""
    place = _place(uri)
    need_library(uri)
    import obstore

    try:
        with translated(uri):
            found = obstore.get(client_of(place, timeout_s, 0), place.key, options={"head": True})
            known = {str(name).lower(): one for name, one in found.attributes.items()}.get(_HASH)
            held = int(found.meta["size"])
        if held != size or (known is not None and known != sha256):
            return "other"
        return "same" if known == sha256 or _reads(place, sha256, timeout_s, uri) else "other"
    except NotFoundError:
        return "absent"
    except RefusedError:
        return "unknown"


def put_object(path: str, uri: str, sha256: str, size: int, timeout_s: int, replace: bool) -> bool:
    """Send a file; False where something is there already and stays, which of large files is not
    found out.
    """
    place = _place(uri)
    need_library(uri)
    import obstore
    from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

    content = Content(sha256, size)
    attributes = {_HASH: sha256}
    kind = content_type_of(path)
    if kind is not None:
        attributes["Content-Type"] = kind
    # The clients count the time from the first byte sent to the answer.
    small = size <= UPLOAD_SMALL_BYTES
    patience = timeout_s + min(size, UPLOAD_PARTS * UPLOAD_PART_BYTES) // UPLOAD_RATE_MIN
    client = client_of(place, _rounded(timeout_s, patience), 0)
    with translated(uri):
        if not small:
            # It stops at the error of a file that changed, and nothing has appeared then.
            obstore.put(
                client,
                place.key,
                chunks_of(path, content),
                attributes=attributes,
                chunk_size=UPLOAD_PART_BYTES,
                max_concurrency=UPLOAD_PARTS,
            )
            return True
        data = b"".join(chunks_of(path, content))
        modes: list[Literal["create", "overwrite"]] = ["create", "overwrite"]
        for mode in modes[1:] if replace else modes:
            try:
                obstore.put(
                    client,
                    place.key,
                    data,
                    attributes=attributes,
                    mode=mode,
                    use_multipart=False,
                )
            except (AlreadyExistsError, PreconditionError):
                return False
            except (BaseError, NotImplementedError) as error:
                if mode == "overwrite" or not _NO_CONDITIONS.search(str(error)):
                    raise
                # Some servers have never heard of conditions. Then one has to ask, and all that is
                # lost is who of two was first.
                if held_object(uri, sha256, size, timeout_s) != "absent":
                    return False
            else:
                return True
        raise AssertionError  # The last mode either returns or raises.


def delete_object(uri: str, timeout_s: int) -> None:
    """Delete an object; one that is not there is deleted already."""
    place = _place(uri)
    need_library(uri)
    import obstore

    try:
        with translated(uri):
            obstore.delete(client_of(place, timeout_s, 0), place.key)
    except NotFoundError:
        return


def _place(uri: str) -> Bucket:
    place = locate(uri)
    assert isinstance(place, Bucket), shown(uri)
    return place


def _reads(place: Bucket, sha256: str, timeout_s: int, uri: str) -> bool:
    """Return whether an object has a hash, by reading it through."""
    digest = hashlib.sha256()
    for chunk in open_object(place, timeout_s, 0, uri)[1]:
        digest.update(chunk)
    return digest.hexdigest() == sha256


def _rounded(timeout_s: int, patience: int) -> int:
    """Return how long an answer may take, one of few numbers: each has clients of its own."""
    rounded = timeout_s
    while rounded < patience:
        rounded *= 2
    return rounded
