"""What a selection is of, in a few digits: the same in every process and on every machine."""

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum

from hyperstore.codec import Struct, astuple
from hyperstore.ids import derived_id
from hyperstore.query.versionsets.parts import Part

__all__ = ["fingerprint_of", "plain_text"]


def fingerprint_of(parts: Sequence[Part], output_rois: str) -> str:
    """Return 32 hex digits for questions to frames; weights and names are not among them."""
    texts = [output_rois]
    for part in parts:
        texts.append(part.view.home.dataset_id)
        texts.append(part.view.snapshot.roots["order"].hex())
        texts.append(plain_text(part.condition))
    return derived_id("\n".join(texts).encode("utf-8", "surrogatepass"))


def plain_text(value: object) -> str:
    """Return a value of plain parts as a text that other values do not have."""
    if isinstance(value, Enum):
        return plain_text(value.value)
    if isinstance(value, datetime):
        return f"datetime({value.isoformat()})"
    if isinstance(value, (tuple, list)):
        return f"({','.join(map(plain_text, value))})"
    if isinstance(value, Struct):
        return f"{type(value).__name__}({','.join(map(plain_text, astuple(value)))})"
    if is_dataclass(value):
        parts = ",".join(plain_text(getattr(value, one.name)) for one in fields(value))
        return f"{type(value).__name__}({parts})"
    return f"{type(value).__name__}:{value!r}"
