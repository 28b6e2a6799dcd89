"""The query language: what is typed, and which tree it is."""

import tracemalloc
from datetime import UTC, datetime

import pytest

from hyperstore.errors import QueryError
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
    Range,
    Regex,
    Scope,
    Since,
    Term,
    Test,
    Wildcard,
)
from hyperstore.query.language.parser import all_of, any_of, negation_of, parse, roi_node, text_of

ROI, SOURCE, FRAME = Scope.ROI, Scope.SOURCE, Scope.FRAME


def label(text: str) -> Leaf:
    """Return what a bare term asks of an ROI."""
    return Leaf(Field(ROI, "label", exact=True), Term(text))


def of(name: str, test: Test, scope: Scope = FRAME) -> Leaf:
    """Return a leaf of a field that has one name in its scope."""
    return Leaf(Field(scope, name), test)


def day(number: int, month: int = 10) -> datetime:
    """Return the beginning of a day of 2024."""
    return datetime(2024, month, number, tzinfo=UTC)


A, B, C, D = (label(one) for one in "abcd")


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        (
            'label.keyword:"Car" AND NOT label.keyword:"cut off"',
            And((label("Car"), Not(label("cut off")))),
        ),
        ("label:Car", Leaf(Field(ROI, "label"), Term("Car"))),
        ("a", A),
        ("+a", A),
        ("-a", Not(A)),
        ("!a", Not(A)),
        ("NOT a", Not(A)),
        ("NOT -a", A),
        ("a -b", And((A, Not(B)))),
    ],
)
def test_lq_01_terms_phrases_and_not(text: str, tree: Node) -> None:
    """The forms that every query is made of."""
    assert parse(text, ROI) == tree


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a b", And((A, B))),
        ("a AND b", And((A, B))),
        ("a && b", And((A, B))),
        ("a OR b", Or((A, B))),
        ("a || b", Or((A, B))),
        ("a OR b AND c", Or((A, And((B, C))))),
        ("a AND b OR c", Or((And((A, B)), C))),
        ("a b OR c", And((A, Or((B, C))))),
        ("a OR b c AND d", And((Or((A, B)), C, D))),
        ("(a OR b) AND c", And((Or((A, B)), C))),
        ("NOT a AND b", And((Not(A), B))),
        ("NOT (a OR b)", Not(Or((A, B)))),
        ("((a)) AND (b AND (c AND d))", And((A, B, C, D))),
        ("a OR (b OR (c))", Or((A, B, C))),
        ("not and or", And((label("not"), label("and"), label("or")))),
        ("\\NOT \"AND\" 'OR'", And((label("NOT"), label("AND"), label("OR")))),
    ],
)
def test_what_binds_tighter(text: str, tree: Node) -> None:
    """AND before OR before standing side by side, as Elasticsearch users write it."""
    assert parse(text, ROI) == tree


def test_lq_02_quotes_that_python_escaped_are_quotes() -> None:
    """In the manual's Python strings the backslash is Python's."""
    assert parse("label.keyword:\"car\"", ROI) == label("car")  # fmt: skip
    assert parse('label.keyword:\\"car\\"', ROI) == label('"car"')  # Here it is the query's.


def test_lq_03_bare_terms_of_rois_are_labels_that_one_roi_has_together() -> None:
    """The default field is label.keyword, the default operator AND."""
    assert parse('"Bus Stop" Blue', ROI) == And((label("Bus Stop"), label("Blue")))
    assert parse('"dent__out_of_stripes"', ROI) == label("dent__out_of_stripes")


@pytest.mark.parametrize("scope", [FRAME, SOURCE])
@pytest.mark.parametrize("text", ["car", '"car"', "/car/", "ca*", "meta.x:1 car", "NOT car"])
def test_bare_terms_elsewhere_are_told_to_name_a_field(text: str, scope: Scope) -> None:
    """A frame has too many fields for one of them to be meant."""
    with pytest.raises(QueryError, match="name a field"):
        parse(text, scope)


def test_operators_in_small_letters_are_told_to_be_in_capitals() -> None:
    """To Lucene they are words, which hardly anybody means."""
    with pytest.raises(QueryError, match=r"column 10 .* OR, in capitals"):
        parse("meta.x:1 or meta.y:2", FRAME)


def test_lq_04_keyword_asks_for_the_value_itself() -> None:
    """Only where words are looked for does it make a difference."""
    assert parse("rois.meta.x.keyword:Rejected", FRAME) == Leaf(
        Field(ROI, "meta.x", exact=True), Term("Rejected")
    )
    assert parse("rois.meta.x:Rejected", FRAME) == Leaf(Field(ROI, "meta.x"), Term("Rejected"))
    assert parse("id.keyword:x", FRAME) == parse("id:x", FRAME)
    assert parse("meta.keyword:x", FRAME) == of("meta.keyword", Term("x"))


def test_lq_05_groups_of_a_field() -> None:
    """One name for all values in the parentheses, but for those that name another."""
    group = Or((of("meta.cam", Term("at_cam_04")), of("meta.cam", Term("at_cam_05"))))
    assert parse("meta.cam:(at_cam_04 OR at_cam_05)", FRAME) == group
    assert parse("meta.cam:(at_cam_04 OR (at_cam_05))", FRAME) == group
    other = And((of("meta.cam", Term("a")), of("meta.x", Term("b"))))
    assert parse("meta.cam:(a meta.x:b)", FRAME) == other
    assert parse("meta.cam:NOT a", FRAME) == Not(of("meta.cam", Term("a")))


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("[1 TO 5]", Range(1, 5)),
        ("{1 TO 5}", Range(1, 5, True, True)),
        ("[1 TO 5}", Range(1, 5, False, True)),
        ("{-1.5 TO +5e3]", Range(-1.5, 5000.0, True, False)),
        ("[* TO 5]", Range(None, 5)),
        ("{0.5 TO *}", Range(0.5, None, True)),
        ("[* TO *]", Exists()),
        (">5", Range(5, None, True)),
        (">=5", Range(5, None)),
        ("<-5", Range(None, -5, False, True)),
        ("<= .5", Range(None, 0.5)),
        ("[a TO b}", Range("a", "b", False, True)),
        ('["1" TO "2"]', Range("1", "2")),
        ('>"a b"', Range("a b", None, True)),
        ("[9007199254740993 TO 18446744073709551615]", Range(2**53 + 1, 2**64 - 1)),
    ],
)
def test_lq_06_ranges(text: str, test: Test) -> None:
    """Numbers keep their exact value; what is quoted is text."""
    assert parse(f"meta.x:{text}", FRAME) == of("meta.x", test)


@pytest.mark.parametrize(
    ("text", "test"),
    [
        ("[2024-10-20 TO 2024-10-30]", Range(day(20), day(31), False, True)),
        ("{2024-10-20 TO 2024-10-30}", Range(day(21), day(30), False, True)),
        ("[2024-10-31 TO 2024-10-31]", Range(day(31), day(1, 11), False, True)),
        (">2024-10-20", Range(day(21), None)),
        (">=2024-10-20", Range(day(20), None)),
        ("<2024-10-20", Range(None, day(20), False, True)),
        ("<=2024-10-20", Range(None, day(21), False, True)),
        ('>="2024-10-20"', Range(day(20), None)),
        (">2024-10-20T00:00", Range(day(20), None, True)),
        ("<=2024-10-20T02:00:00+02:00", Range(None, day(20))),
        ("[2024-10-19T23:00-01 TO '2024-10-20 00:00:00.0Z'}", Range(day(20), day(20), False, True)),
        (">9999-12-31", Range(datetime.max.replace(tzinfo=UTC), None, True)),
        ("<=9999-12-31", Range(None, datetime.max.replace(tzinfo=UTC))),
    ],
)
def test_lq_06_a_date_without_a_time_is_its_whole_day(text: str, test: Test) -> None:
    """`[a TO b]` takes all of b in, and more than b begins when b is over."""
    assert parse(f"meta.updated:{text}", FRAME) == of("meta.updated", test)


def test_bounds_of_fields_of_text_are_text() -> None:
    """Ids and URIs that look like numbers or dates still compare by their characters."""
    assert parse("id:[001 TO 099]", FRAME) == of("id", Range("001", "099"))
    assert parse("context_id:>2024-10-20", FRAME) == of(
        "context_id", Range("2024-10-20", None, True)
    )


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("s3://bucket/*.jpg", ("s3://bucket/", None, ".jpg")),
        ("/data/images/*.jpg", ("/data/images/", None, ".jpg")),
        ("file:///data/?.jpg", ("file:///data/", True, ".jpg")),
        ("http://host:80/*", ("http://host:80/", None)),
        ("a**b", ("a", None, "b")),
        ("\\*a\\?*", ("*a?", None)),
        ("?", (True,)),
    ],
)
def test_lq_07_wildcards(text: str, parts: tuple[str | bool | None, ...]) -> None:
    """Colons and slashes of URIs need no escape; escaped wildcards are characters."""
    assert parse(f"uri:{text}", SOURCE) == of("uri", Wildcard(parts), SOURCE)
    assert parse(f"uri:({text} OR x)", SOURCE) == Or(
        (of("uri", Wildcard(parts), SOURCE), of("uri", Term("x"), SOURCE))
    )


@pytest.mark.parametrize("name", ["confidence", "rois.confidence", "roi.confidence"])
def test_lq_08_prefixes_in_roi_queries(name: str) -> None:
    """People paste what worked in a frame query."""
    assert parse(f"{name}:1", ROI) == of("confidence", Term("1"), ROI)
    assert parse(f"{name}:1", FRAME) == of("confidence", Term("1"), ROI)


@pytest.mark.parametrize("name", ["id", "source.id", "sources.id"])
def test_lq_09_prefixes_in_source_queries(name: str) -> None:
    """The manual writes both, and neither."""
    assert parse(f"{name}:00", SOURCE) == of("id", Term("00"), SOURCE)


def test_lq_10_frame_queries_ask_for_metadata_labels_and_quoted_words() -> None:
    """The names that need no prefix, and single quotes, which Lucene does not have."""
    assert parse("meta.rainy:'yes'", FRAME) == of("meta.rainy", Term("yes"))
    assert parse("label.keyword:car", FRAME) == label("car")
    assert parse("rois.label:'a b'", FRAME) == Leaf(Field(ROI, "label"), Term("a b"))
    assert parse("uri:x", FRAME) == of("uri", Term("x"), SOURCE)
    assert parse("sources:cam1", FRAME) == of("id", Term("cam1"), SOURCE)


def test_wire_names_of_kind_and_id_of_annotations() -> None:
    """They lie among the metadata of ROIs on the wire; in other metadata they are the user's."""
    assert parse("meta._type:b2d", ROI) == of("kind", Term("b2d"), ROI)
    assert parse("rois.meta._id:7", FRAME) == of("annotation_id", Term("7"), ROI)
    assert parse("meta._type:b2d", FRAME) == of("meta._type", Term("b2d"))


@pytest.mark.parametrize(
    ("text", "leaf"),
    [
        ("_exists_:rois", of("rois", Exists())),
        ("rois:*", of("rois", Exists())),
        ("_exists_:meta", of("meta", Exists())),
        ("meta.x:*", of("meta.x", Exists())),
        ("meta.x:**", of("meta.x", Exists())),
        ('_exists_:"rois.confidence"', of("confidence", Exists(), ROI)),
        ("_exists_:sources.preview", of("preview.uri", Exists(), SOURCE)),
        ("sources.masks:*", of("masks.id", Exists(), SOURCE)),
        ("rois.mask:*", of("mask.id", Exists(), ROI)),
    ],
)
def test_asking_for_any_value(text: str, leaf: Leaf) -> None:
    """What has fields in it is asked for by one that is always there."""
    assert parse(text, FRAME) == leaf


def test_everything_and_nothing() -> None:
    """A star alone, or of any field, asks for nothing."""
    assert parse("*", FRAME) == parse("*:*", FRAME) == parse("(*)^2", FRAME) == EVERYTHING
    assert parse("NOT *", FRAME) == NOTHING
    assert parse("* AND a", ROI) == A
    assert parse("a OR NOT *", ROI) == A
    assert parse("NOT (NOT *)", ROI) == EVERYTHING


def test_history_is_asked_for_by_revision() -> None:
    """Names of commits, tags and versions, as they are."""
    assert parse("added:v1.2", FRAME) == of("added", Since("v1.2"))
    assert parse("NOT changed:'night shift'", FRAME) == Not(of("changed", Since("night shift")))


@pytest.mark.parametrize("text", ["added:v1^2", "NOT (removed:v1)^1", "changed:(v1 OR v2^3)"])
def test_a_boost_behind_a_revision_is_refused(text: str) -> None:
    """It would be read over, where `^` leads to a parent; in quotes it does."""
    with pytest.raises(
        QueryError, match=r'stands in quotes: (added|removed|changed):"v[12]\^[123]"'
    ):
        parse(text, FRAME)
    assert parse('added:"v2^1"', FRAME) == of("added", Since("v2^1"))


@pytest.mark.parametrize("text", ["added:*", "_exists_:removed", "changed:**", "NOT added:(*)"])
def test_that_there_was_any_history_is_not_asked(text: str) -> None:
    """Frames are compared with a revision; without one nothing would ever be found."""
    with pytest.raises(QueryError, match="goes with a commit, tag or version"):
        parse(text, FRAME)


def test_escapes_in_terms_names_and_quotes() -> None:
    """A backslash takes any next character as it is."""
    assert parse("meta.two\\ words:a\\:b\\(", FRAME) == of("meta.two words", Term("a:b("))
    assert parse('"a \\"b\\" \\\\ \\c"', ROI) == label('a "b" \\ c')
    assert parse("'it\\'s'", ROI) == label("it's")
    assert parse("t-shirt C++ a/b x!", ROI) == And(
        tuple(map(label, ["t-shirt", "C++", "a/b", "x!"]))
    )


def test_signs_of_numbers() -> None:
    """Behind a colon a sign belongs to the number; before other terms it is an operator."""
    assert parse("meta.t:-5", FRAME) == of("meta.t", Term("-5"))
    assert parse("meta.t:-cold", FRAME) == Not(of("meta.t", Term("cold")))
    assert parse("meta.t:(-5)", FRAME) == Not(of("meta.t", Term("5")))


def test_times_need_no_escape() -> None:
    """Their colons belong to them, as they do for Lucene."""
    assert parse("meta.t:2024-10-20T10:30:00Z", FRAME) == of("meta.t", Term("2024-10-20T10:30:00Z"))
    assert parse("meta.t:>2024-10-20T10:30:00+02:00", FRAME) == of(
        "meta.t", Range(datetime(2024, 10, 20, 8, 30, tzinfo=UTC), None, True)
    )


def test_regular_expressions_stand_between_slashes() -> None:
    """A slash in one is escaped, for the query only."""
    assert parse("meta.x:/a[b-d]\\/.*/", FRAME) == of("meta.x", Regex("a[b-d]/.*"))
    assert parse("(/a b/)^2", ROI) == Leaf(Field(ROI, "label", exact=True), Regex("a b"))
    assert parse("uri:/data/", SOURCE) == of("uri", Regex("data"), SOURCE)
    assert parse("uri:/data/x", SOURCE) == of("uri", Term("/data/x"), SOURCE)


def test_boosts_mean_nothing() -> None:
    """They rank, and nothing is ranked here."""
    assert parse("a^2 AND b^0.5 (c)^3", ROI) == And((A, B, C))


@pytest.mark.parametrize(
    "bound",
    ["2024-13-01", "2024-02-30", '"2024-02-30T10:00Z"', "0000-01-01", '"9999-12-31T23:59-01:00"'],
)
@pytest.mark.parametrize("text", ["<{}", ">={}", "[{} TO *]", "{{* TO {}]"])
def test_a_bound_with_the_form_of_a_date_is_one(text: str, bound: str) -> None:
    """As text it found whatever lies behind its characters, and nobody saw the slip."""
    with pytest.raises(QueryError, match=r"column [0-9]+ .* is no date of the calendar"):
        parse(f"meta.updated:{text.format(bound)}", FRAME)
    assert parse(f"meta.updated:{bound}", FRAME) == of("meta.updated", Term(bound.strip('"')))
    assert parse(f"rois.id:<{bound}", FRAME) == of(
        "id", Range(None, bound.strip('"'), False, True), Scope.ROI
    )


@pytest.mark.parametrize("bound", ["1e999", "-1e999", "9" * 401, "0." + "1" * 400])
@pytest.mark.parametrize("field", ["meta.n", "timestamp", "rois.confidence"])
def test_a_number_that_is_none_is_called_so(field: str, bound: str) -> None:
    """In metadata it was taken for text, and the error spoke of strings."""
    with pytest.raises(QueryError, match=r"column [0-9]+ .* is no number that compares"):
        parse(f"{field}:>{bound}", FRAME)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("(a", 1, r"'\(' is not closed"),
        ("a)", 2, r"'\)'"),
        ("a AND", 6, "ends where a term is missing"),
        ("a AND AND b", 7, "'AND' where a term is missing"),
        ("OR a", 1, "'OR' where a term is missing"),
        ("a OR )", 6, r"'\)'"),
        ("()", 2, r"'\)'"),
        ("NOT", 4, "ends"),
        ("a ~2", 3, "fuzzy"),
        ("a~", 2, "fuzzy"),
        ('"a b"~3', 6, "distances"),
        ("a^x", 2, "boost"),
        ("label:", 7, "ends"),
        ("label:a:b", 7, "second ':'"),
        ('"abc', 1, "quote is not closed"),
        ("x 'abc", 3, "apostrophe"),
        ('a"b', 2, "quote within a term"),
        ("abc\\", 4, "backslash"),
        ("lable:x", 1, "the nearest: 'label'"),
        ("a AND confidense:1", 7, "the nearest: 'confidence'"),
        ("poly:1", 1, "no field 'poly'"),
        ("meta:x", 1, "no field 'meta'"),
        ("meta.:x", 1, "no field 'meta.'"),
        ("_exists_:label:x", 10, "second ':'"),
        ("la*:x", 1, "no wildcards"),
        ("*:x", 1, "name a field"),
        ("confidence:high", 12, "holds numbers, and 'high' is none"),
        ("confidence:[0 TO high]", 18, "holds numbers"),
        ("confidence:0*", 12, "patterns match text only"),
        ("confidence:/0/", 12, "patterns match text only"),
        ("meta.x:[a TO 5]", 9, "text and numbers"),
        ("meta.x:[2024-10-20 TO 5]", 9, "dates and numbers"),
        ("meta.x:[1 TO 2024-10-20]", 9, "numbers and dates"),
        ("meta.x:[1 5]", 11, "TO is missing"),
        ("meta.x:[1 TO 5", 15, "not closed"),
        ("meta.x:[1 TO [2 TO 3]]", 14, "range within a range"),
        ("meta.x:[a* TO b]", 9, "no wildcards"),
        ("meta.x:>*", 9, "goes with a value"),
        ("meta.x:>", 9, "ends"),
        ("meta.x:>(1)", 9, "'\\('"),
        ("]", 1, "ends no range"),
        ("[0 TO 1]", 1, "name the field of this range"),
        (">1", 1, "name the field of this range"),
        ("meta.x:/a", 8, "not closed"),
        ("meta.x:/a(/", 8, "character 3"),
        ("meta.x:/a{9999}/", 8, "repetition"),
        ("_exists_:[a TO b]", 10, "name of a field"),
        ("_exists_:nothing", 10, "no field 'nothing'"),
        ("a \ud800", 3, "surrogate"),
    ],
)
def test_lq_11_errors_name_the_column_and_the_fault(text: str, column: int, said: str) -> None:
    """Malformed queries fail when they are given, where they are wrong."""
    with pytest.raises(QueryError, match=said) as caught:
        parse(text, ROI)
    assert str(caught.value).startswith(f"column {column} of the query ")


def test_unknown_fields_are_told_where_they_would_be_known() -> None:
    """The same name elsewhere comes first, and says of what query it is."""
    with pytest.raises(QueryError, match=r"the nearest: 'sources.width'"):
        parse("width:640", FRAME)
    with pytest.raises(QueryError, match="it is a field of a frame query"):
        parse("uri:x", ROI)
    for hidden in ("meta_blob.x:1", "blob:x", "added:v1"):
        with pytest.raises(QueryError, match="there is no field"):
            parse(hidden, SOURCE)


def test_patterns_have_a_bound() -> None:
    """Each may have to be tried on a million URIs, where a term is looked up."""
    fits = "*a? " * (QUERY_PATTERNS_MAX - 1) + "/b+/ "
    assert isinstance(parse(fits, ROI), And)
    with pytest.raises(QueryError, match=f"column {len(fits) + 3} .* more than 64 wildcards and"):
        parse(f"{fits}c d*", ROI)


def test_groups_and_terms_have_bounds() -> None:
    """What a person types stays far below; what a program makes up ends in one error."""
    deep = QUERY_DEPTH_MAX
    assert parse("(" * deep + "a" + ")" * deep, ROI) == A
    with pytest.raises(QueryError, match=f"column {deep + 1} .* nested deeper than {deep}"):
        parse("(" * (deep + 1) + "a" + ")" * (deep + 1), ROI)
    with pytest.raises(QueryError, match="nested deeper"):
        parse("(" * 60_000, ROI)
    many = parse("a " * QUERY_TERMS_MAX, ROI)
    assert isinstance(many, And)
    assert len(many.parts) == QUERY_TERMS_MAX
    with pytest.raises(QueryError, match="more than 1,024 terms"):
        parse("a OR " * QUERY_TERMS_MAX + "a", ROI)
    assert parse("NOT " * 10_000 + "a", ROI) == A
    with pytest.raises(QueryError, match="more than 1,000 wildcards"):
        parse("a*" * 501, ROI)
    assert parse("a" * (QUERY_CHARS_MAX - 20) + "*", ROI).__class__ is Leaf
    with pytest.raises(QueryError, match="65,537 characters"):
        parse("a" * (QUERY_CHARS_MAX + 1), ROI)


def test_what_is_parsed_can_be_written_out_and_parsed_again() -> None:
    """Shorthands let a short text say what takes long, or nests deep, when it is written out."""
    deep = "x a OR b AND NOT (" * 15 + "c" + ")" * 15
    assert parse(text_of(parse(deep, ROI)), FRAME) == parse(deep, ROI)
    with pytest.raises(QueryError, match="nested deeper than 64"):
        parse("x a OR b AND NOT (" * 20 + "c" + ")" * 20, ROI)
    name = "meta." + "n" * 1_000
    assert len(text_of(parse(f"{name}:({'a ' * 40})", FRAME))) > 40_000
    with pytest.raises(QueryError, match="when each term names its field"):
        parse(f"{name}:({'a ' * 100})", FRAME)


def test_what_is_too_long_when_written_out_is_refused_unwritten() -> None:
    """65,000 characters could take 9 seconds and 80 MB to say no."""
    text = f"meta.{'n' * 20_000}:({'a ' * 500})"
    tracemalloc.start()
    with pytest.raises(QueryError, match="when each term names its field"):
        parse(text, FRAME)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_caller_deep_in_its_own_calls_gets_a_query_error() -> None:
    """How much of the stack is left is no business of who typed the query."""

    def deeper() -> Node:
        try:
            return deeper()
        except RecursionError:
            return parse("meta.x:(" * 60 + "a" + ")" * 60, ROI)

    with pytest.raises(QueryError, match="too deeply to be parsed from here"):
        deeper()


@pytest.mark.parametrize("given", [None, 5, b"car", ["car"], {"a": 1}])
def test_a_query_is_text(given: object) -> None:
    """Whatever else was passed by mistake is named."""
    with pytest.raises(QueryError, match="a query is text"):
        parse(given, ROI)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "node"),
    [
        ("teddy bear", label("teddy bear")),
        ("t-shirt + C++ [x] a/b it's <3", label("t-shirt + C++ [x] a/b it's <3")),
        ("salt and pepper", label("salt and pepper")),
        ("ANDROID", label("ANDROID")),
        ("", label("")),
        ("*", EVERYTHING),
        (["a", "b"], And((A, B))),
        (("a",), A),
        (["a OR b*"], label("a OR b*")),
        (["*"], EVERYTHING),
        ('"teddy bear"', label("teddy bear")),
        ("'teddy bear'", label("teddy bear")),
        ("a AND b", And((A, B))),
        ("a && b", And((A, B))),
        ("ca*", Leaf(Field(ROI, "label", exact=True), Wildcard(("ca", None)))),
        ("/c.r/", Leaf(Field(ROI, "label", exact=True), Regex("c.r"))),
        ("confidence:>0.5", of("confidence", Range(0.5, None, True), ROI)),
        ("(a)", A),
    ],
)
def test_c_35_a_label_without_syntax_is_that_label(given: str | list[str], node: Node) -> None:
    """Nobody escapes a label; whoever writes syntax means it."""
    assert roi_node(given) == node


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "empty"),
        ([1], "an int"),
        (b"a", "a bytes"),
        (None, "NoneType"),
        (["a"] * 1025, "1,025"),
    ],
)
def test_labels_that_are_none(given: object, said: str) -> None:
    """One error that names what was given."""
    with pytest.raises(QueryError, match=said):
        roi_node(given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "scope", "canonical"),
    [
        ("a b OR -c", ROI, 'label.keyword:"a" AND (label.keyword:"b" OR NOT label.keyword:"c")'),
        ("a", FRAME, 'rois.label.keyword:"a"'),
        ("confidence:{0.5 TO 1]", ROI, "confidence:{0.5 TO 1]"),
        ("label:ca?\\ b*", ROI, "label:ca?\\ b*"),
        ("meta.x:/a\\/b/", ROI, "meta.x:/a\\/b/"),
        ("meta.t:<=2024-10-20", ROI, 'meta.t:<"2024-10-21T00:00:00+00:00"'),
        ("*", ROI, "*"),
        ("NOT *", ROI, "NOT *"),
        ("NOT (a b)", ROI, 'NOT (label.keyword:"a" AND label.keyword:"b")'),
        ("meta.a\\ b:*", ROI, "_exists_:meta.a\\ b"),
    ],
)
def test_canonical_text(text: str, scope: Scope, canonical: str) -> None:
    """One text for each tree, written so that no character of a value means anything."""
    node = parse(text, ROI)
    assert text_of(node, scope) == canonical
    assert parse(canonical, scope) == node


def test_nodes_are_joined_in_normal_form() -> None:
    """As the parser does it, for those who join what was parsed apart."""
    assert all_of([A, And((B, C))]) == And((A, B, C))
    assert any_of([Or((A, B)), C]) == Or((A, B, C))
    assert all_of([]) == EVERYTHING
    assert any_of([]) == NOTHING
    assert negation_of(Not(A)) == A
    assert negation_of(EVERYTHING) == NOTHING
