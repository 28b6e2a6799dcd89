"""What queries mean, the slow way: over wire dicts, one value after another.

Nothing here is shared with the package but the values that a query is made of. Regular expressions
are translated to those of Python, words are those of `re`, and dates are read by `datetime`.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from hyperstore.query.language.condition import (
    And,
    Condition,
    Exists,
    Field,
    Leaf,
    Node,
    Not,
    Or,
    Range,
    Regex,
    RoiCondition,
    Scope,
    Term,
    Wildcard,
)

__all__ = ["asks_in_vain", "fits", "fitting_rois", "python_pattern"]

Wire = dict[str, Any]
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DATE = re.compile(
    r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d(:?\d\d)?)?)?", re.ASCII
)


def fits(condition: Condition, wire: Wire) -> bool:
    """Tell whether a frame, as `to_dict` gives it, is what is asked for."""
    rois = wire.get("rois") or []
    if condition.no_rois and rois:
        return False
    if not _holds(condition.frame, wire, Scope.FRAME):
        return False
    if condition.source is not None and not any(
        _holds(condition.source, source, Scope.SOURCE) for source in wire["sources"]
    ):
        return False
    for rule in condition.rois:
        found = sum(_roi_fits(rule, roi) for roi in rois)
        if rule.must_not:
            if found:
                return False
            continue
        least, most = rule.count
        if found < least or (most is not None and found > most):
            return False
    return True


def fitting_rois(condition: Condition, wire: Wire) -> list[int]:
    """Return where the ROIs stand that a rule asks for; all of them where none asks for any."""
    rois = wire.get("rois") or []
    rules = [rule for rule in condition.rois if not rule.must_not]
    return [
        at
        for at, roi in enumerate(rois)
        if not rules or any(_roi_fits(rule, roi) for rule in rules)
    ]


def asks_in_vain(condition: Condition, wires: Sequence[Wire]) -> bool:
    """Tell whether it tests metadata that none of the frames has, or has of that type."""
    rois = [roi for wire in wires for roi in wire.get("rois") or []]
    asked = [(condition.frame, Scope.FRAME, wires)]
    asked += [(rule.node, Scope.ROI, rois) for rule in condition.rois]
    if condition.source is not None:
        sources = [source for wire in wires for source in wire["sources"]]
        asked.append((condition.source, Scope.SOURCE, sources))
    return any(
        _is_vain(leaf, things, scope) for node, scope, things in asked for leaf in _leaves(node)
    )


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
        return
    for part in [node.part] if isinstance(node, Not) else node.parts:
        yield from _leaves(part)


def _is_vain(leaf: Leaf, things: Sequence[Wire], scope: Scope) -> bool:
    test = leaf.test
    if not leaf.field.path.startswith("meta.") or isinstance(test, Exists):
        return False
    types = {_type(value) for thing in things for value in _values(leaf, thing, scope)}
    if not isinstance(test, Range):
        return not types
    bound = test.high if test.low is None else test.low
    if isinstance(bound, str):
        return not types & {str, datetime}
    return (datetime if isinstance(bound, datetime) else float) not in types


def _type(value: object) -> type:
    """Return what a value is compared as; text that is a date is compared as both."""
    if isinstance(value, str):
        return str if _date(value) is None else datetime
    return bool if isinstance(value, bool) else float


def _roi_fits(rule: RoiCondition, roi: Wire) -> bool:
    if rule.confidence is not None:
        low, high = rule.confidence
        if not low <= roi.get("confidence", 1.0) <= high:
            return False
    return _holds(rule.node, roi, Scope.ROI)


def _holds(node: Node, thing: Wire, scope: Scope) -> bool:
    if isinstance(node, And):
        return all(_holds(part, thing, scope) for part in node.parts)
    if isinstance(node, Or):
        return any(_holds(part, thing, scope) for part in node.parts)
    if isinstance(node, Not):
        return not _holds(node.part, thing, scope)
    assert isinstance(node, Leaf)
    return any(_passes(node, value) for value in _values(node, thing, scope))


# Values.


def _values(leaf: Leaf, thing: Wire, scope: Scope) -> Iterator[object]:
    """Yield every value of a leaf's field; none of them is None, a list or a dict."""
    field = leaf.field
    if scope is Scope.FRAME and field.scope is Scope.ROI:
        for roi in thing.get("rois") or []:
            yield from _of_one(leaf, roi)
    elif scope is Scope.FRAME and field.scope is Scope.SOURCE:
        for source in thing["sources"]:
            yield from _of_one(leaf, source)
    else:
        yield from _of_one(leaf, thing)


def _of_one(leaf: Leaf, thing: Wire) -> Iterator[object]:
    scope, path = leaf.field.scope, leaf.field.path
    if path == "meta" or path.startswith("meta."):
        meta = dict(thing.get("meta") or {})
        if scope is Scope.ROI:
            meta.pop("_type", None)
            meta.pop("_id", None)
        for at, value in _flat("meta", meta):
            inside = isinstance(leaf.test, Exists) and at.startswith(path + ".")
            if at == path or inside:
                yield value
    elif scope is Scope.ROI and path in ("kind", "annotation_id"):
        name = "_type" if path == "kind" else "_id"
        held_there = (thing.get("meta") or {}).get(name)
        if held_there is None and path == "kind":
            held_there = "p2d" if "poly" in thing else "mask" if "mask" in thing else "im"
        yield from _plain(held_there)
    elif scope is Scope.FRAME:
        yield from _of_frame(path, thing)
    else:
        names = path.split(".")
        held: list[Any] = [thing]
        for name in names:
            held = [inner for one in held for inner in _as_list(one.get(name))]
        for value in held:
            yield from _plain(value)
            if names[-1] == "uri" and value.startswith("file:///"):
                yield value[len("file://") :]


def _of_frame(path: str, wire: Wire) -> Iterator[object]:
    first = wire["sources"][0]
    if path == "rois":
        yield from (wire.get("rois") or [])[:1]
    elif path == "id":
        yield wire["id"]
    elif path == "context_id":
        own = wire.get("context_id")
        yield first["uri"] if own is None else own
    elif path == "timestamp":
        own = wire.get("timestamp")
        yield first.get("timestamp", 0) if own is None else own
    elif path == "kind":
        single = len(wire["sources"]) == 1 and first["id"] == "default"
        yield wire.get("_kind") or ("frame" if single else "group")
    else:
        raise AssertionError(f"no field {path}")


def _as_list(value: object) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _plain(value: object) -> Iterator[object]:
    yield from _as_list(value)


def _flat(at: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for name, held in value.items():
            yield from _flat(f"{at}.{name}", held)
    elif isinstance(value, list):
        for held in value:
            yield from _flat(at, held)
    elif value is not None:
        yield at, value


# Tests.


def _passes(leaf: Leaf, value: object) -> bool:
    test = leaf.test
    words = _analysed(leaf.field)
    if isinstance(test, Exists):
        return True
    if isinstance(test, Term):
        return _is(test.text, value, words)
    if isinstance(test, Range):
        return _between(test, value)
    if not isinstance(value, str):
        return False
    candidates = [value]
    if words:
        candidates = [value.casefold(), *_words(value)]
    if isinstance(test, Wildcard):
        pattern = _wildcard_pattern(test, words)
    else:
        assert isinstance(test, Regex)
        pattern = python_pattern(test.pattern, words)
    return any(re.fullmatch(pattern, one, re.DOTALL) for one in candidates)


def _analysed(field: Field) -> bool:
    if field.exact:
        return False
    return field.path.startswith("meta.") or (field.scope is Scope.ROI and field.path == "label")


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _is(text: str, value: object, words: bool) -> bool:
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    if isinstance(value, (int, float)):
        if _NUMBER.fullmatch(text) is None:
            return False
        return value == (int(text) if re.fullmatch("[+-]?[0-9]+", text) else float(text))
    assert isinstance(value, str)
    wanted = _words(text)
    if not words or not wanted:
        return text == value
    there = _words(value)
    return any(there[at : at + len(wanted)] == wanted for at in range(len(there)))


def _between(test: Range, value: object) -> bool:
    low: Any = test.low
    high: Any = test.high
    if isinstance(low, datetime) or isinstance(high, datetime):
        found: Any = _date(value) if isinstance(value, str) else None
    elif isinstance(low, str) or isinstance(high, str):
        found = value if isinstance(value, str) else None
    else:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        found = value if is_number else None
    if found is None:
        return False
    if low is not None and not (low < found if test.low_open else low <= found):
        return False
    return high is None or bool(found < high if test.high_open else found <= high)


def _date(text: str) -> datetime | None:
    if _DATE.fullmatch(text) is None or not text.isascii():
        return None
    # Python reads more than six digits of a fraction, and cuts off the others.
    try:
        found = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _wildcard_pattern(test: Wildcard, fold: bool) -> str:
    said = []
    for part in test.parts:
        if part is None:
            said.append(".*")
        elif part is True:
            said.append(".")
        else:
            said.append(re.escape(str(part).casefold() if fold else str(part)))
    return "".join(said)


# Regular expressions.

_SHORT = {"d": "[0-9]", "w": "[A-Za-z0-9_]", "s": "[ \\t\\n\\r]"}
_SHORT |= {"D": "[^0-9]", "W": "[^A-Za-z0-9_]", "S": "[^ \\t\\n\\r]"}
_COUNTED = re.compile(r"\{([0-9]+)(,([0-9]*))?\}")
_INTERVAL = re.compile(r"<([0-9]+)-([0-9]+)>")
_CLASS = re.compile(r"\[(\^?)((?:\\.|[^\\\]])+)\]", re.DOTALL)


def python_pattern(pattern: str, fold: bool) -> str:
    """Return the expression of `re`, to be matched with DOTALL, for one of Lucene's.

    With `fold`, it matches folded text: literals are folded, classes ignore case. Loops of loops
    need parentheses here, and complement and intersection, which `re` does not have, are missing.
    """
    said, at = [], 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\":
            char = pattern[at + 1]
            at += 2
            said.append(_SHORT.get(char) or _literal(char, fold))
            continue
        if char == '"':
            end = pattern.index('"', at + 1)
            said.append(f"(?:{_literal(pattern[at + 1 : end], fold)})")
            at = end + 1
            continue
        found = _COUNTED.match(pattern, at) or _INTERVAL.match(pattern, at)
        if found is not None:
            said.append(found[0] if char == "{" else _interval(found[1], found[2]))
            at = found.end()
            continue
        if char == "[":
            found = _CLASS.match(pattern, at)
            assert found is not None
            said.append(_class(found, fold))
            at = found.end()
            continue
        if char in ".?+*|()":
            said.append("(?:" if char == "(" else char)
        elif char in "@#":
            said.append("(?:.*)" if char == "@" else "(?!)")
        else:
            said.append(_literal(char, fold))
        at += 1
    return "".join(said)


def _literal(text: str, fold: bool) -> str:
    folded = re.escape(text.casefold() if fold else text)
    return folded if len(text) == 1 and len(text.casefold()) == 1 else f"(?:{folded})"


def _class(found: re.Match[str], fold: bool) -> str:
    inside, at = [], 0
    while at < len(found[2]):
        char = found[2][at]
        if char == "\\":
            at += 1
            char = found[2][at]
            inside.append(_SHORT[char][1:-1] if char in "dws" else re.escape(char))
        else:
            inside.append("-" if char == "-" else re.escape(char))
        at += 1
    said = f"[{found[1]}{''.join(inside)}]"
    return f"(?i:{said})" if fold else said


def _interval(low: str, high: str) -> str:
    """Return all numbers of an interval, one by one: short ones only, then."""
    least, most = sorted((int(low), int(high)))
    if len(low) == len(high):
        numbers = [f"{number:0{len(low)}d}" for number in range(least, most + 1)]
        return f"(?:{'|'.join(numbers)})"
    return f"(?:0*(?:{'|'.join(map(str, range(least, most + 1)))}))"
