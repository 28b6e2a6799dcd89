"""The other way of `parser.py`: one text for each tree, which parses to that tree."""

import re
from datetime import datetime

from hyperstore.errors import QueryError
from hyperstore.query.language.condition import (
    And,
    Exists,
    Leaf,
    Node,
    Not,
    Or,
    Range,
    Regex,
    Scope,
    Since,
    Term,
    Wildcard,
)
from hyperstore.query.language.fields import typed

__all__ = ["text_of"]

_QUOTED = re.compile(r'["\\]')
_PLAIN = re.compile(r"\w")
_NAME = re.compile(r"[\w.-]")
_SLASH = re.compile(r"\\.|/", re.DOTALL)


def text_of(node: Node, scope: Scope = Scope.FRAME) -> str:
    """Return the canonical text of what is asked in a query of this scope.

    Parsing it gives the node back, in normal form. Terms are quoted, so that no character of
    theirs means anything.
    """
    if isinstance(node, Leaf):
        return _leaf(node, scope)
    if isinstance(node, Not):
        return "NOT " + _within(node.part, scope, in_and=False)
    if not node.parts:
        return "*" if isinstance(node, And) else "NOT *"
    if len(node.parts) == 1:
        return text_of(node.parts[0], scope)
    if isinstance(node, And):
        return " AND ".join(_within(part, scope, in_and=True) for part in node.parts)
    return " OR ".join(text_of(part, scope) for part in node.parts)


def _within(part: Node, scope: Scope, *, in_and: bool) -> str:
    """Return the text of a part, in parentheses where it would fall apart."""
    while isinstance(part, (And, Or)) and len(part.parts) == 1:
        part = part.parts[0]
    said = text_of(part, scope)
    if isinstance(part, Or) or (isinstance(part, And) and not in_and):
        return f"({said})" if len(part.parts) > 1 else said
    return said


def _leaf(leaf: Leaf, scope: Scope) -> str:
    name, test = _name(typed(leaf.field, scope)), leaf.test
    if isinstance(test, Exists):
        return f"_exists_:{name}"
    if isinstance(test, Wildcard):
        said = "".join(_wild(part) for part in test.parts)
    elif isinstance(test, Regex):
        said = "/" + _SLASH.sub(lambda one: "\\/" if one[0] == "/" else one[0], test.pattern) + "/"
    elif isinstance(test, Range):
        said = _range(test)
    elif isinstance(test, (Term, Since)):
        said = _quoted(test.text if isinstance(test, Term) else test.revision)
    else:
        raise QueryError(f"{test!r} is no test of a field")
    return f"{name}:{said}"


def _name(name: str) -> str:
    escaped = "".join(one if _NAME.match(one) else "\\" + one for one in name)
    return "\\" + escaped if escaped[:1] == "-" else escaped


def _wild(part: str | bool | None) -> str:
    if part is None:
        return "*"
    if part is True:
        return "?"
    return "".join(one if _PLAIN.match(one) else "\\" + one for one in str(part))


def _quoted(text: str) -> str:
    return '"' + _QUOTED.sub(lambda one: "\\" + one[0], text) + '"'


def _range(test: Range) -> str:
    if test.low is None and test.high is None:
        return "[* TO *]"
    if test.high is None:
        return (">" if test.low_open else ">=") + _bound(test.low)
    if test.low is None:
        return ("<" if test.high_open else "<=") + _bound(test.high)
    begin, end = "{" if test.low_open else "[", "}" if test.high_open else "]"
    return f"{begin}{_bound(test.low)} TO {_bound(test.high)}{end}"


def _bound(bound: int | float | str | datetime | None) -> str:
    if isinstance(bound, datetime):
        return _quoted(bound.isoformat())
    return _quoted(bound) if isinstance(bound, str) else repr(bound)
