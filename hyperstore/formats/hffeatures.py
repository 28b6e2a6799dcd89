"""What columns of a dataset of Hugging Face are, as its Parquet files say it under `huggingface`.

Only what matters here is understood: which columns are pictures, and which numbers are classes.
Lists of maps are written as maps of lists, which is how `datasets` has them, old and new.
"""

import json
from collections.abc import Mapping, Sequence

from hyperstore.formats.combine import Wire, mapping

__all__ = ["KEY", "classes_of", "features_for", "features_in", "is_image"]

KEY = b"huggingface"
_IMAGE: Wire = {"_type": "Image"}


def _value(dtype: str) -> Wire:
    return {"dtype": dtype, "_type": "Value"}


def _list(of: Wire, length: int | None = None) -> Wire:
    fixed: Wire = {} if length is None else {"length": length}
    return {"feature": of, "_type": "Sequence"} | fixed


def features_for(names: Sequence[str], *, whole: bool) -> bytes:
    """Return what stands under the key for the columns that `huggingface` writes."""
    label: Wire = {"names": list(names), "_type": "ClassLabel"} if names else _value("int64")
    objects: Wire = {
        "id": _list(_value("string")),
        "bbox": _list(_list(_value("float64"), 4)),
        "category": _list(label),
        "area": _list(_value("float64")),
        "confidence": _list(_value("float64")),
    }
    texts = {name: _value("string") for name in ("uri", "meta_json", *(("wire",) if whole else ()))}
    features: Wire = {
        "image": _IMAGE,
        "id": _value("string"),
        "context_id": _value("string"),
        "timestamp": _value("int64"),
        "width": _value("int64"),
        "height": _value("int64"),
        "objects": objects,
        "labels": _list(label),
        **texts,
    }
    return json.dumps({"info": {"features": features}}).encode()


def features_in(metadata: Mapping[bytes, bytes] | None) -> Wire:
    """Return the features of a file; {} where it says none that can be read."""
    text = (metadata or {}).get(KEY)
    if text is None:
        return {}
    try:
        return mapping(mapping(mapping(json.loads(text)).get("info")).get("features"))
    except (ValueError, RecursionError):
        return {}


def is_image(feature: object) -> bool:
    return mapping(feature).get("_type") == "Image"


def classes_of(feature: object) -> list[str] | None:
    """Return the names of the classes that a feature's numbers stand for; None for others."""
    found = mapping(feature)
    while found.get("_type") in ("Sequence", "List", "LargeList"):
        found = mapping(found.get("feature"))
    names = found.get("names")
    if found.get("_type") == "ClassLabel" and isinstance(names, list):
        return list(map(str, names))
    return None
