"""The query language: the part of Lucene's that is about matching, over the fields of a frame.

The grammar, loosest first; whatever stands side by side must hold together, like what AND joins:

    query   = either { either }
    either  = both { (OR | ||) both }
    both    = one { (AND | &&) one }
    one     = { + | - | NOT | ! } operand [ ^number ]
    operand = [ field: ] one | ( query ) | value
    value   = term | "phrase" | 'phrase' | /regex/ | [low TO high] | {low TO high} | >low | <=high

What values mean, by the kinds of value that a field has (`fields.py`):

- A *term* is equal to a string; on an analysed field (labels, strings of metadata, both without
  `.keyword`) its words stand in the value one behind another, whatever their case. Words are
  `re.findall(r"\\w+", text.casefold())`; a text without any is the value. A term that is a number
  is equal to numbers of that value, `true` and `false` in any case to booleans. A phrase is a term
  that may hold spaces and whose `*` and `?` are what they are.
- A *wildcard* (`*` any run, `?` one character) and a *regular expression* (`regex.py`) match a
  whole string; on an analysed field the whole folded value, or a word of it, with the pattern
  folded. `field:*` asks whether there is any value, as `_exists_:field` does; `*` and `*:*` fit
  everything.
- A *range* compares numbers with numbers, dates with strings that are dates (`literals.py`), and
  strings with strings by code points. What is not quoted and a number is a number; what is a date
  is one, quoted or not. On a field that only has strings (`id`, `uri`, `label` ...) bounds are
  strings.
- A boost is read and means nothing; behind a revision it is refused, as are fuzzy terms and
  distances between words.

A field of ROIs or sources in a frame query holds if it does of any of them; in an ROI query all of
the query holds of one ROI, in a source query of one source. Where no field is named, an ROI query
asks for `label.keyword`, and others refuse.

What is parsed is in normal form: no AND directly in an AND, no OR directly in an OR, none of one
part, no NOT of a NOT. `text_of` writes any tree so that parsing gives it back in that form.
"""

import re
from collections.abc import Sequence

from hyperstore.errors import QueryError, a_type
from hyperstore.limits import (
    QUERY_CHARS_MAX,
    QUERY_DEPTH_MAX,
    QUERY_PATTERNS_MAX,
    QUERY_TERMS_MAX,
)
from hyperstore.query.language.condition import (
    EVERYTHING,
    NOTHING,
    And,
    Exists,
    Field,
    Leaf,
    Node,
    Not,
    Or,
    Regex,
    Scope,
    Since,
    Term,
    Wildcard,
)
from hyperstore.query.language.fields import Holds, holds, resolve
from hyperstore.query.language.fieldtests import leaf_of_comparison, leaf_of_range, leaf_of_token
from hyperstore.query.language.tokens import Kind, Token, fault_at, tokens_of
from hyperstore.query.language.writer import text_of

__all__ = ["all_of", "any_of", "negation_of", "parse", "roi_node", "text_of"]

_LABEL = Field(Scope.ROI, "label", exact=True)
_EXISTS = "_exists_"
_SHORT = 512  # Characters of which no query is too long when it is written out.
_SYNTAX = re.compile(
    r"""[:"()*?\\]|\b(?:AND|OR|NOT)\b|&&|\|\||\A\s*'.*'\s*\Z|\A\s*/.*/\s*\Z""", re.DOTALL
)
_BEGINS = frozenset(
    {
        Kind.TERM,
        Kind.PHRASE,
        Kind.REGEX,
        Kind.NOT,
        Kind.PLUS,
        Kind.MINUS,
        Kind.OPEN,
        Kind.BEGIN,
        Kind.COMPARE,
    }
)


def parse(text: str, scope: Scope) -> Node:
    """Return what a query of this scope asks; QueryError names the column of the fault.

    `*` alone is EVERYTHING. An empty query is refused.
    """
    given: object = text
    if not isinstance(given, str):
        raise QueryError(f"a query is text, not {a_type(given)}")
    tokens = tokens_of(text)
    if len(tokens) == 1:
        raise fault_at(text, 0, "the query is empty; '*' asks for everything")
    try:
        return _Parser(text, tokens, Scope(scope)).whole()
    except RecursionError:  # The bound leaves room, unless the caller took most of it.
        raise fault_at(text, 0, "its groups are nested too deeply to be parsed from here") from None


def roi_node(asked: str | Sequence[str]) -> Node:
    """Return what is asked of one ROI: a label, labels that it has together, or a query.

    `'*'` asks for nothing (EVERYTHING). A string without any syntax of queries (no colon, double
    quote, parenthesis, wildcard, backslash, AND, OR, NOT, && or ||, and not all in single quotes)
    is one label; the labels of a list are taken as they are.
    """
    given: object = asked
    if isinstance(given, str):
        if given == "*":
            return EVERYTHING
        return parse(given, Scope.ROI) if _SYNTAX.search(given) else Leaf(_LABEL, Term(given))
    if not isinstance(given, Sequence) or isinstance(given, (bytes, bytearray)):
        raise QueryError(f"an ROI is asked for by a label, labels or a query, not {a_type(given)}")
    if list(given) == ["*"]:
        return EVERYTHING
    if not given:
        raise QueryError("the list of labels is empty; '*' asks for everything")
    if len(given) > QUERY_TERMS_MAX:
        raise QueryError(f"{len(given):,} labels; one ROI is asked for {QUERY_TERMS_MAX:,} at most")
    for label in given:
        if not isinstance(label, str):
            raise QueryError(f"a label is text, not {a_type(label)}")
    return all_of([Leaf(_LABEL, Term(label)) for label in given])


def all_of(parts: Sequence[Node]) -> Node:
    """Return the node that holds where all parts do, in normal form if they are."""
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, And) else (part,))
    return flat[0] if len(flat) == 1 else And(tuple(flat))


def any_of(parts: Sequence[Node]) -> Node:
    """Return the node that holds where any part does, in normal form if they are."""
    flat: list[Node] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Or) else (part,))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negation_of(part: Node) -> Node:
    """Return the node that holds where a part does not, in normal form if it is."""
    if isinstance(part, Not):
        return part.part
    if part == EVERYTHING:
        return NOTHING
    return EVERYTHING if part == NOTHING else Not(part)


def _depth(node: Node) -> int:
    if isinstance(node, Leaf):
        return 0
    if isinstance(node, Not):
        return 1 + _depth(node.part)
    return 1 + max(map(_depth, node.parts), default=0)


def _least_size(node: Node) -> int:
    """Return how many characters the names of all fields take, without any escapes."""
    if isinstance(node, Leaf):
        return len(node.field.path) + 1
    return _least_size(node.part) if isinstance(node, Not) else sum(map(_least_size, node.parts))


class _Parser:
    """One pass over the tokens. `field` is that of the values to come; None for the default."""

    def __init__(self, text: str, tokens: list[Token], scope: Scope) -> None:
        self.text = text
        self.tokens = tokens
        self.scope = scope
        self.next = 0
        self.depth = 0
        self.terms = 0
        self.patterns = 0

    def fault(self, fault: str, token: Token | None = None) -> QueryError:
        return fault_at(self.text, (token or self.tokens[self.next]).at, fault)

    @property
    def kind(self) -> Kind:
        return self.tokens[self.next].kind

    def take(self) -> Token:
        token = self.tokens[self.next]
        self.next += 1
        return token

    def whole(self) -> Node:
        node = self.query(None)
        if self.kind is not Kind.STOP:
            raise self.unexpected()
        # What is written out has no shorthand, and is to be read again under the same bounds.
        if _depth(node) > QUERY_DEPTH_MAX:
            raise self.too_deep(self.tokens[0])
        if len(self.text) > _SHORT:
            size = _least_size(node)  # What would take long to be written is not.
            size = len(text_of(node)) if size <= QUERY_CHARS_MAX else size
            if size > QUERY_CHARS_MAX:
                raise QueryError(
                    f"the query takes {size:,} characters when each term names its field; "
                    f"{QUERY_CHARS_MAX:,} are the limit"
                )
        return node

    def too_deep(self, token: Token) -> QueryError:
        return self.fault(f"groups are nested deeper than {QUERY_DEPTH_MAX}", token)

    def unexpected(self) -> QueryError:
        token = self.tokens[self.next]
        if token.kind is Kind.STOP:
            return self.fault("the query ends where a term is missing")
        if token.kind is Kind.CLOSE:
            return self.fault("a ')' where a term is missing, or without its '('")
        if token.kind is Kind.FUZZY:
            return self.fault(
                "fuzzy terms and distances ('~') are not supported; a plain '~' is written '\\~'"
            )
        return self.fault(f"{token.text!a} where a term is missing")

    # What the grammar says, top-down.

    def query(self, field: Field | str | None) -> Node:
        parts = [self.either(field)]
        while self.kind in _BEGINS:
            parts.append(self.either(field))
        return all_of(parts)

    def either(self, field: Field | str | None) -> Node:
        parts = [self.both(field)]
        while self.kind is Kind.OR:
            self.next += 1
            parts.append(self.both(field))
        return any_of(parts)

    def both(self, field: Field | str | None) -> Node:
        parts = [self.one(field)]
        while self.kind is Kind.AND:
            self.next += 1
            parts.append(self.one(field))
        return all_of(parts)

    def one(self, field: Field | str | None, *, named: bool = False) -> Node:
        """Parse an operand; directly behind the name of a field (`named`) it names no other."""
        negated = False
        while self.kind in (Kind.NOT, Kind.PLUS, Kind.MINUS):
            negated ^= self.take().kind is not Kind.PLUS
        node = self.operand(field, named)
        while self.kind is Kind.BOOST:
            boost = self.take()
            if isinstance(node, Leaf) and isinstance(node.test, Since):
                path, text = node.field.path, node.test.revision + boost.text
                raise self.fault(
                    f"a revision has no boost; one that leads to an ancestor stands in quotes: "
                    f'{path}:"{text[:80]}"',
                    boost,
                )
        if self.kind is Kind.FUZZY:
            raise self.unexpected()
        return negation_of(node) if negated else node

    def operand(self, field: Field | str | None, named: bool) -> Node:
        kind = self.kind
        if kind is Kind.OPEN:
            return self.group(field)
        if kind not in (Kind.TERM, Kind.PHRASE, Kind.REGEX, Kind.BEGIN, Kind.COMPARE):
            raise self.unexpected()
        if kind is Kind.TERM and self.tokens[self.next + 1].kind is Kind.COLON:
            if named:
                raise self.fault("a second ':'; write '\\:' or quotes if it belongs to the value")
            return self.named()
        self.terms += 1
        if self.terms > QUERY_TERMS_MAX:
            raise self.fault(f"more than {QUERY_TERMS_MAX:,} terms")
        return self.leaf(field)

    def group(self, field: Field | str | None) -> Node:
        opened = self.take()
        self.depth += 1
        if self.depth > QUERY_DEPTH_MAX:
            raise self.too_deep(opened)
        node = self.query(field)
        if self.kind is Kind.STOP:
            raise self.fault("this '(' is not closed", opened)
        if self.kind is not Kind.CLOSE:
            raise self.unexpected()
        self.next += 1
        self.depth -= 1
        return node

    def named(self) -> Node:
        """Parse what begins with the name of a field."""
        name = self.take()
        self.next += 1
        if name.parts == (None,):
            if self.kind is Kind.TERM and self.tokens[self.next].parts == (None,):
                self.next += 1
                return EVERYTHING
            raise self.fault("'*:' goes with '*' only; name a field", name)
        if not all(isinstance(part, str) for part in name.parts):
            raise self.fault("the name of a field has no wildcards", name)
        if name.text == _EXISTS:
            return self.one(_EXISTS, named=True)
        # What has fields in it can be asked for, too: `preview:*`.
        whole = self.kind is Kind.TERM and self.tokens[self.next].parts == (None,)
        return self.one(self.resolved(name, whole=whole), named=True)

    def resolved(self, token: Token, *, whole: bool) -> Field:
        try:
            return resolve(token.text, self.scope, whole=whole)
        except QueryError as fault:
            raise self.fault(str(fault), token) from None

    # Values.

    def leaf(self, field: Field | str | None) -> Node:
        token = self.take()
        if field == _EXISTS:
            if token.kind not in (Kind.TERM, Kind.PHRASE):
                raise self.fault("'_exists_:' goes with the name of a field", token)
            return self.existing(self.resolved(token, whole=True), token)
        if token.kind is Kind.TERM and token.parts == (None,):
            if isinstance(field, Field):
                return self.existing(field, token)
            return EVERYTHING
        own = self.defaulted(field, token)
        if token.kind is Kind.BEGIN:
            return leaf_of_range(own, token, self.bounds(), self.fault)
        if token.kind is Kind.COMPARE:
            if self.kind not in (Kind.TERM, Kind.PHRASE):
                raise self.unexpected()
            return leaf_of_comparison(own, token, self.take(), self.fault)
        made = leaf_of_token(own, token, self.fault)
        self.patterns += isinstance(made.test, (Wildcard, Regex))
        if self.patterns > QUERY_PATTERNS_MAX:
            said = f"more than {QUERY_PATTERNS_MAX} wildcards and regular expressions"
            raise self.fault(said, token)
        return made

    def existing(self, field: Field, token: Token) -> Leaf:
        if holds(field) == Holds.STORY:
            raise self.fault(f"'{field.path}:' goes with a commit, tag or version", token)
        return Leaf(field, Exists())

    def bounds(self) -> tuple[Token, Token, Token]:
        """Take what stands between the brackets of a range, and the bracket that ends it."""
        found = []
        for wanted in ("a bound", "TO", "a bound", "']' or '}'"):
            token = self.take()
            if token.kind is Kind.STOP:
                raise self.fault("this range is not closed", token)
            fits = {"TO": (Kind.TO,), "a bound": (Kind.TERM, Kind.PHRASE)}.get(wanted, (Kind.END,))
            if token.kind not in fits:
                raise self.fault(f"a range is '[low TO high]'; here {wanted} is missing", token)
            found.append(token)
        return found[0], found[2], found[3]

    def defaulted(self, field: Field | str | None, token: Token) -> Field:
        if isinstance(field, Field):
            return field
        if self.scope is not Scope.ROI:
            hint = ""
            if token.text in ("and", "or", "not"):
                hint = f"; the operator is {token.text.upper()}, in capitals"
            raise self.fault(
                "name a field, as in 'meta.weather:rain'; only ROI queries have a default, "
                f"'label.keyword'{hint}",
                token,
            )
        if token.kind in (Kind.BEGIN, Kind.COMPARE):
            raise self.fault("name the field of this range, as in 'confidence:>0.5'", token)
        return _LABEL
