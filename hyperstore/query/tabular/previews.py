"""What the table of sources says of previews and masks."""

from collections.abc import Callable

from hyperstore.frames.records import SourceRecord
from hyperstore.frames.wire import source_wire
from hyperstore.query.tabular.metadata import json_text
from hyperstore.query.tabular.rows import Rows, of_items

__all__ = ["of_masks", "part_json", "preview_uri"]


def preview_uri(rows: Rows) -> list[object]:
    def uri(source: object) -> str | None:
        assert isinstance(source, SourceRecord)
        return None if source.preview is None else source.preview.uri

    return of_items(uri)(rows)


def of_masks(name: str) -> Callable[[Rows], list[object]]:
    def said(source: object) -> list[str]:
        assert isinstance(source, SourceRecord)
        return [getattr(mask, name) for mask in source.masks or ()]

    return of_items(said)


def part_json(name: str) -> Callable[[Rows], list[object]]:
    """Return what fills a column with a part in the wire form, sizes, types and all."""

    def text(source: object) -> str | None:
        assert isinstance(source, SourceRecord)
        return json_text(source_wire(source)[name]) if getattr(source, name) else None

    return of_items(text)
