"""The hashes of a source's files, as `hash` in the metadata of the source has them.

    {"source": SHA-256, "preview_source": SHA-256, "mask_source": [SHA-256 or None, ...]}

Each is of 64 hex digits, those of masks stand in the order of the masks. What others recorded may
be anything; one hash that stands alone is that of the source, of a kind that nobody knows.
"""

from collections.abc import Mapping, Sequence

from hyperstore.frames.records import MaskRecord, PreviewRecord, SourceRecord

__all__ = [
    "by_file",
    "forget",
    "hashes_of",
    "mask_hashes",
    "recorded_hash",
    "recorded_hash_of",
    "set_hash",
    "set_mask_hashes",
]


def by_file(said: object) -> dict[str, object]:
    """Return what `hash` says of each file; a new dict."""
    if isinstance(said, Mapping):
        return dict(said)
    return {} if said is None else {"source": said}


def hashes_of(source: SourceRecord) -> dict[str, object]:
    """Return the hashes of a source's files; a new dict."""
    return by_file((source.meta or {}).get("hash"))


def mask_hashes(source: SourceRecord, hashes: Mapping[str, object]) -> list[object]:
    """Return the hash of each mask; None for each where there are more masks, or fewer."""
    masks = source.masks or []
    known = hashes.get("mask_source")
    return known if isinstance(known, list) and len(known) == len(masks) else [None] * len(masks)


def recorded_hash(source: SourceRecord, uri: str) -> object:
    """Return what is recorded as the SHA-256 of the file that one of a source's URIs names."""
    said = (source.meta or {}).get("hash")
    if not isinstance(said, Mapping):
        return None
    if uri == source.uri:
        return said.get("source")
    for mask, one in zip(source.masks or (), mask_hashes(source, said), strict=True):
        if mask.uri == uri:
            return one
    return said.get("preview_source")


def recorded_hash_of(
    source: SourceRecord, target: SourceRecord | PreviewRecord | MaskRecord
) -> object:
    """Return what is recorded as the SHA-256 of the file of a source, of one of its masks or of
    its preview.
    """
    hashes = hashes_of(source)
    if target is source:
        return hashes.get("source")
    if target is source.preview:
        return hashes.get("preview_source")
    masks = source.masks or ()
    known = mask_hashes(source, hashes)
    return next((one for mask, one in zip(masks, known, strict=True) if mask is target), None)


def forget(source: SourceRecord, *files: str) -> None:
    """Drop what is recorded of these files (`source`, `preview_source`, `mask_source`), whose URIs
    lead to others now; with the source's hash goes its size.
    """
    meta = source.meta
    if not meta:
        return
    hashes = {name: one for name, one in hashes_of(source).items() if name not in files}
    kept = {name: one for name, one in meta.items() if name != "hash"}
    if "source" in files:
        kept.pop("size", None)
    source.meta = {**kept, "hash": hashes} if hashes else kept or None


def set_mask_hashes(source: SourceRecord, known: Sequence[object]) -> None:
    """Record the hash of each mask, in their order; None for one that nobody knows."""
    if any(known):
        hashes = {**hashes_of(source), "mask_source": list(known)}
        source.meta = {**(source.meta or {}), "hash": hashes}
    else:
        forget(source, "mask_source")


def set_hash(source: SourceRecord, value: str | None) -> None:
    """Record the hash of the source's content beside those of its masks and preview, or drop it."""
    hashes = {**hashes_of(source), "source": value}
    if value is None:
        del hashes["source"]
    source.meta = {**(source.meta or {}), "hash": hashes}
    if not hashes:
        del source.meta["hash"]
