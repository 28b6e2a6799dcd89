"""The one source of a SingleFrame: its pictures by URI, in the forms that users read and set."""

import os
from collections.abc import Iterable, Mapping, Set

from hyperstore.codec import Unfit
from hyperstore.errors import FrameError, HyperstoreError, NotFoundError, UsageError, a_type
from hyperstore.frames.hashes import (
    forget,
    hashes_of,
    mask_hashes,
    recorded_hash,
    set_hash,
    set_mask_hashes,
)
from hyperstore.frames.home import Home
from hyperstore.frames.records import FrameRecord, MaskRecord, Metadata, PreviewRecord, SourceRecord
from hyperstore.frames.roots import absolute_uri, local_path
from hyperstore.frames.sourceinfo import update_info
from hyperstore.frames.values import given_map
from hyperstore.media.local import is_local, local_file
from hyperstore.media.rawfile import sha256_of
from hyperstore.media.uri import refusal, shown

__all__ = ["Pictured", "Uri", "uri_of"]

Uri = str | os.PathLike[str]


class Pictured:
    """The part of a SingleFrame that is about its source."""

    __slots__ = ("_home", "_record")
    _home: Home | None
    _record: FrameRecord

    @property
    def source(self) -> str | None:
        """The URI of the raw data; a local file as its absolute path."""
        return local_path(self._record.sources[0].uri) or None

    @source.setter
    def source(self, value: Uri | None) -> None:
        source = self._record.sources[0]
        uri = "" if value is None else uri_of(value, "source")
        if source.uri not in ("", uri):  # What was recorded is of the file that it named.
            forget(source, "source")
        source.uri = uri

    @property
    def width(self) -> int | None:
        """In pixels."""
        return self._record.sources[0].width

    @width.setter
    def width(self, value: int | None) -> None:
        self._record.sources[0].width = value

    @property
    def height(self) -> int | None:
        """In pixels."""
        return self._record.sources[0].height

    @height.setter
    def height(self, value: int | None) -> None:
        self._record.sources[0].height = value

    @property
    def timestamp(self) -> int:
        """Milliseconds, or any whole number that orders the frames of a context; 0 where unset."""
        own = self._record.timestamp
        return (self._record.sources[0].timestamp or 0) if own is None else own

    @timestamp.setter
    def timestamp(self, value: int | None) -> None:
        self._record.timestamp = self._record.sources[0].timestamp = value

    @property
    def sourcedata(self) -> Metadata:
        """Metadata of the source, beside that of the frame: a live dict."""
        source = self._record.sources[0]
        meta = source.meta
        if meta is None:
            meta = source.meta = {}
        return meta

    @sourcedata.setter
    def sourcedata(self, value: Mapping[str, object] | None) -> None:
        self._record.sources[0].meta = given_map(value, "sourcedata")

    @property
    def size(self) -> object:
        """Bytes of the source, where somebody recorded them."""
        return (self._record.sources[0].meta or {}).get("size")

    @size.setter
    def size(self, value: int | None) -> None:
        self.sourcedata["size"] = value
        if value is None:
            del self.sourcedata["size"]

    @property
    def hash(self) -> object:
        """Hash of the source's content, where somebody recorded it."""
        return hashes_of(self._record.sources[0]).get("source")

    @hash.setter
    def hash(self, value: str | None) -> None:
        set_hash(self._record.sources[0], value)

    @property
    def preview_uri(self) -> str | None:
        """The URI of a picture that stands for the source; a local file as its path."""
        preview = self._record.sources[0].preview
        return None if preview is None else local_path(preview.uri)

    @preview_uri.setter
    def preview_uri(self, value: Uri | None) -> None:
        _set_preview(self._record.sources[0], value)

    preview_source = preview_uri

    @property
    def preview_uri_timestamp(self) -> int | None:
        """The moment in a preview that is a video."""
        preview = self._record.sources[0].preview
        return None if preview is None else preview.timestamp

    @preview_uri_timestamp.setter
    def preview_uri_timestamp(self, value: int | None) -> None:
        preview = self._record.sources[0].preview
        if preview is None:
            raise UsageError("the frame has no preview; set preview_uri first")
        preview.timestamp = value

    preview_source_timestamp = preview_uri_timestamp

    @property
    def mask_source(self) -> str | None:
        """The URI of the mask; of the first one where there are several."""
        return next(iter(_masks_of(self._record.sources[0]).values()), None)

    @mask_source.setter
    def mask_source(self, value: Uri | None) -> None:
        _set_masks(self._record.sources[0], None if value is None else [value])

    @property
    def masks_source(self) -> dict[str, str]:
        """Mask ids and URIs; set from a dict, or from a list, whose masks get ids 00, 01, ..."""
        return _masks_of(self._record.sources[0])

    @masks_source.setter
    def masks_source(self, value: Mapping[str, Uri] | Iterable[Uri] | None) -> None:
        _set_masks(self._record.sources[0], value)

    # Its files on this machine. What is local is answered as it is; the rest is downloaded once,
    # into a cache that all of a user's programs share.

    def get_local_source(
        self,
        raise_on_error: bool = False,
        skip_size_check: bool = False,
        force_download: bool = False,
    ) -> str | None:
        """Return the absolute path of the source's file, downloaded unless it is in the cache.

        Where that fails, None and a line in the log, or the error by `raise_on_error`. Empty files
        are refused, and downloads that have another SHA-256 than is recorded, unless
        `skip_size_check` takes them.
        """
        uri = self._record.sources[0].uri
        return self._local(uri, "source", raise_on_error, skip_size_check, force_download)

    def get_local_mask_source(
        self,
        raise_on_error: bool = False,
        mask_id: str | None = None,
        skip_size_check: bool = False,
        force_download: bool = False,
    ) -> str | None:
        """Return the path of one mask's file, of the first one by default; as get_local_source."""
        masks = {mask.id: mask.uri for mask in self._record.sources[0].masks or ()}
        if mask_id is None:
            mask_id = next(iter(masks), None)
        what = "mask" if mask_id is None else f"mask {mask_id!a} (it has {list(masks)})"
        uri = "" if mask_id is None else masks.get(mask_id, "")
        return self._local(uri, what, raise_on_error, skip_size_check, force_download)

    def get_local_masks_source(
        self,
        raise_on_error: bool = False,
        skip_size_check: bool = False,
        force_download: bool = False,
    ) -> dict[str, str | None]:
        """Return the id of each mask with the path of its file; as get_local_source."""
        return {
            mask.id: self._local(
                mask.uri, f"mask {mask.id!a}", raise_on_error, skip_size_check, force_download
            )
            for mask in self._record.sources[0].masks or ()
        }

    def get_local_preview_source(
        self,
        raise_on_error: bool = False,
        skip_size_check: bool = False,
        force_download: bool = False,
    ) -> str | None:
        """Return the path of the preview's file; as get_local_source."""
        preview = self._record.sources[0].preview
        uri = "" if preview is None else preview.uri
        return self._local(uri, "preview", raise_on_error, skip_size_check, force_download)

    def update_source_files_hash(self, allow_download: bool = False) -> None:
        """Record the SHA-256 of the source, its masks and its preview in `sourcedata["hash"]`.

        Files that are not local are read by `allow_download` only; without it, what is recorded of
        them stays. A file that cannot be read is an error, and nothing is recorded.
        """
        source = self._record.sources[0]
        hashes = hashes_of(source)

        def note(key: str, uri: str) -> None:
            if uri and (allow_download or is_local(uri)):
                hashes[key] = sha256_of(self._need(uri, key, checked=False))

        note("source", source.uri)
        note("preview_source", "" if source.preview is None else source.preview.uri)
        if source.masks:
            found = [
                sha256_of(self._need(mask.uri, f"mask {mask.id!a}", checked=False))
                if allow_download or is_local(mask.uri)
                else known
                for mask, known in zip(source.masks, mask_hashes(source, hashes), strict=True)
            ]
            hashes["mask_source"] = found
            if not any(found):
                del hashes["mask_source"]
        if hashes:
            self.sourcedata["hash"] = hashes

    def update_source_info(self, allow_download: bool = False) -> None:
        """Record what the files say: content type, width and height of the source, its masks and
        its preview; of the source also `sourcedata["size"]` and its SHA-256.

        What was recorded is replaced, where the file says something. Files that are not local are
        read by `allow_download` only. One that cannot be read is an error, and nothing is recorded.
        """

        def path_of(uri: str, what: str) -> str | None:
            if not uri or not (allow_download or is_local(uri)):
                return None
            return self._need(uri, what, checked=False)

        update_info(self._record.sources[0], path_of)

    def get_source_hash(self) -> object:
        """Return the recorded hash of the source's content; None where there is none."""
        return self.hash

    def _need(
        self,
        uri: str,
        what: str,
        *,
        empty_ok: bool = True,
        force: bool = False,
        checked: bool = True,
    ) -> str:
        if not uri:
            raise NotFoundError(f"the frame has no {what}")
        home = self._home
        return local_file(
            uri,
            store=None if home is None else home.store,
            foreign=home is not None and home.foreign,
            force=force,
            empty_ok=empty_ok,
            size=self.size if what == "source" else None,
            sha256=recorded_hash(self._record.sources[0], uri) if checked else None,
        )

    def _local(
        self, uri: str, what: str, raise_on_error: bool, skip_size_check: bool, force: bool
    ) -> str | None:
        try:
            return self._need(
                uri, what, empty_ok=skip_size_check, force=force, checked=not skip_size_check
            )
        except HyperstoreError as error:
            if raise_on_error:
                raise
            import logging  # Not loaded for those who are told nothing.

            logging.getLogger("hyperstore.media").warning("no local %s: %s", what, error)
            return None


def uri_of(given: object, what: str) -> str:
    """Return the URI of what a user gave, local paths made absolute; FrameError if it is none."""
    try:
        uri = absolute_uri(given, what)
    except Unfit as fault:
        raise FrameError(str(fault), path=fault.path) from None
    reason = refusal(uri)
    if reason is not None:
        raise FrameError(f"{what}: the URI {shown(uri)} is refused: {reason}", path=what)
    return uri


def _set_preview(source: SourceRecord, uri: object) -> None:
    """Set or, by None, take away the preview."""
    if uri is None:
        source.preview = None
        forget(source, "preview_source")
        return
    absolute = uri_of(uri, "preview_uri")
    if source.preview is None:
        source.preview = PreviewRecord(uri=absolute)
    elif source.preview.uri != absolute:
        forget(source, "preview_source")
        source.preview.uri = absolute


def _masks_of(source: SourceRecord) -> dict[str, str]:
    """Return mask ids and URIs, local ones as paths."""
    return {mask.id: local_path(mask.uri) for mask in source.masks or ()}


def _set_masks(source: SourceRecord, masks: object) -> None:
    """Set the masks: from a map of ids to URIs, or from URIs alone, which get ids 00, 01, ..."""
    if masks is None:
        source.masks = None
        forget(source, "mask_source")
        return
    if isinstance(masks, Mapping):
        named = {str(mask_id): uri for mask_id, uri in masks.items()}
    elif isinstance(masks, Iterable) and not isinstance(masks, (str, bytes, Set)):
        named = {f"{at:02}": uri for at, uri in enumerate(masks)}
    else:
        raise UsageError(f"masks are a list of URIs or a dict of them, not {a_type(masks)}")
    kept = {mask.id: mask for mask in source.masks or ()}
    found: list[MaskRecord] = []
    for mask_id, uri in named.items():
        absolute = uri_of(uri, f"masks[{mask_id}]")
        mask = kept.get(mask_id)
        if mask is None or mask.uri != absolute:
            mask = MaskRecord(id=mask_id, uri=absolute)
        found.append(mask)
    before = source.masks or []
    if before:
        known = mask_hashes(source, hashes_of(source))
        hashes = {mask.uri: one for mask, one in zip(before, known, strict=True)}
        set_mask_hashes(source, [hashes.get(mask.uri) for mask in found])
    source.masks = found or None
