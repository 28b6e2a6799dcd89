"""`query` and `sample`: what they find is what a slow evaluator finds, frame by frame."""

import re
import shlex
from pathlib import Path

import pytest

from hyperstore.cli import progress
from hyperstore.cli.output import Output
from hyperstore.query.language.condition import Condition, RoiCondition, Scope
from hyperstore.query.language.parser import parse, roi_node
from tests.cli.conftest import lines
from tests.support.command import Command, spawn
from tests.support.frames import Wire, by_order, wire
from tests.support.slow_query import fits

CITIES = ("Berlin", "New York", "Rome")
LABELS = (("car",), ("dog", "car"), (), ("Bus stop", "person"), ("car", "car", "car"))


def street() -> list[Wire]:
    """Return thirty frames of three cameras, with labels, confidences, metadata and sizes."""
    frames = []
    for number in range(30):
        frame = wire(
            f"f{number:02}",
            context=f"camera {number % 3}",
            timestamp=number * 40,
            labels=LABELS[number % 5],
            city=CITIES[number % 3],
            speed=number / 2,
            taken=f"2024-10-{number + 1:02}T12:00:00Z",
        )
        if number % 4 == 0:
            frame["meta"]["note"] = "look again"  # type: ignore[index]
        for place, roi in enumerate(frame["rois"]):  # type: ignore[var-annotated, arg-type]
            if (number + place) % 3:
                roi["confidence"] = (number % 10) / 10
        folder = "night" if number % 2 else "day"
        frame["sources"][0]["uri"] = f"s3://bucket/{folder}/{number:02}.jpg"  # type: ignore[index]
        frames.append(frame)
    return frames


@pytest.fixture
def streets(store: Command) -> Command:
    """Return the command where `street@Current` holds these frames in one commit."""
    store("dataset", "create", "street")
    store("add", "-", stdin=lines(street()))
    store("commit", "-m", "Add thirty")
    return store


QUERIES = [
    "meta.city:berlin",
    "meta.city:york",
    'meta.city.keyword:"New York" AND rois.label:car',
    "rois.label:bus",
    "rois.label.keyword:bus OR rois.label:dog",
    "meta.speed:[3 TO 7}",
    "meta.speed:>=12.5",
    "meta.taken:[2024-10-20 TO 2024-10-25]",
    "_exists_:meta.note AND NOT rois.label:car",
    "NOT _exists_:rois",
    "uri:*/night/1?.jpg",
    'context_id:"camera 1"',
    "timestamp:{400 TO *]",
    "rois.confidence:>0.5",
    "meta.note:/look.*/",
    "id:(f01 OR f02 OR f29)",
]
OPTIONS = [
    ("--roi car", Condition(rois=(RoiCondition(roi_node("car")),))),
    ("--roi car --count-range 2:", Condition(rois=(RoiCondition(roi_node("car"), (2, None)),))),
    ("--roi car --count-range 1", Condition(rois=(RoiCondition(roi_node("car"), (1, 1)),))),
    (
        "--roi car --conf-range :0.5",
        Condition(rois=(RoiCondition(roi_node("car"), confidence=(0.0, 0.5)),)),
    ),
    (
        "--roi car --roi dog",
        Condition(rois=(RoiCondition(roi_node("car")), RoiCondition(roi_node("dog")))),
    ),
    (
        "--roi label:car --not-roi dog",
        Condition(
            rois=(
                RoiCondition(parse("label:car", Scope.ROI)),
                RoiCondition(roi_node("dog"), must_not=True),
            )
        ),
    ),
    ("--source uri:*night*", Condition(source=parse("uri:*night*", Scope.SOURCE))),
    (
        "meta.city:rome --source uri:*night* --roi *",
        Condition(
            frame=parse("meta.city:rome", Scope.FRAME),
            source=parse("uri:*night*", Scope.SOURCE),
            rois=(),
        ),
    ),
]


def expected(condition: Condition) -> list[str]:
    """Return the ids of the frames that fit, in order, by the slow evaluator."""
    return by_order([frame for frame in street() if fits(condition, frame)])


@pytest.mark.parametrize("lucene", QUERIES)
def test_a_query_finds_what_fits(streets: Command, lucene: str) -> None:
    """Each kind of question, in the order of iteration; nothing found is the answer no."""
    wanted = expected(Condition(frame=parse(lucene, Scope.FRAME)))
    assert 0 < len(wanted) < 30
    assert streets("query", "street@Current", lucene, "--ids").out.split() == wanted
    assert streets("query", lucene, "--count").out == f"{len(wanted)}\n"


@pytest.mark.parametrize(("words", "condition"), OPTIONS, ids=lambda one: str(one)[:40])
def test_options_narrow_what_is_found(streets: Command, words: str, condition: Condition) -> None:
    """Each holds of one ROI or one source, and all of them together."""
    wanted = expected(condition)
    assert 0 < len(wanted) < 30
    assert streets("query", *words.split(), "--ids").out.split() == wanted


def test_nothing_found_is_the_answer_no(streets: Command) -> None:
    """As of grep, so that a script can ask."""
    for words in (["--ids"], [], ["--json"]):
        done = streets.run("query", "rois.label:bird", *words)
        assert (done.code, done.out) == (1, "")
    done = streets.run("query", "rois.label:bird", "--count")
    assert (done.code, done.out) == (1, "0\n")
    assert streets.run("query", "rois.label:bird", "--count", "--json").rows() == [{"count": 0}]


def test_what_is_printed_is_the_frame(streets: Command) -> None:
    """The wire form, some of its fields, or a table."""
    shown = {row["id"]: row for row in streets("ls", "--json").rows()}
    rows = streets("query", "meta.speed:<2", "--json").rows()
    assert rows == [shown[row["id"]] for row in rows]
    assert [row["id"] for row in rows] == ["f00", "f03", "f01", "f02"]
    row = streets("query", "id:f02", "--json", "--fields", "meta.city").rows()
    assert row == [{"meta": {"city": "Rome"}}]
    assert streets("query", "id:f01", "--fields", "id,rois.label").out == "f01\tdog, car\n"
    title, line = streets("query", "id:f04").out.splitlines()
    assert title.split() == ["id", "context", "time", "labels", "size"]
    assert re.split(" {2,}", line) == ["f04", "camera 1", "160", "car 3", "640 x 480"]


def test_n_shows_the_first_and_says_of_how_many(streets: Command) -> None:
    """Who sees ten frames wants to know whether that is all."""
    done = streets("query", "rois.label:car", "-3")
    assert len(done.out.splitlines()) == 4
    count = len(expected(Condition(frame=parse("rois.label:car", Scope.FRAME))))
    assert done.err == f"3 of {count} frames\n"
    assert streets("query", "rois.label:car", "-2", "--ids").err == ""


def test_several_revisions_are_one_answer(streets: Command) -> None:
    """In the order of one version over all of them; a frame that several have is there once."""
    streets("switch", "-c", "fix")
    streets("edit", "f00", "--set", "meta.city=Rome")
    streets("rm", "f03")
    streets("add", "-", stdin=lines([wire("new", context="camera 0", city="Berlin")]))
    streets("commit", "-m", "Fix")
    streets("switch", "Current")
    berlin = expected(Condition(frame=parse("meta.city:berlin", Scope.FRAME)))
    assert streets("query", "street@fix", "meta.city:berlin", "--ids").out.split() == [
        "new" if one == "f00" else one for one in berlin if one != "f03"
    ]
    both = sorted([*berlin, "new"], key=lambda one: (one != "f00", one != "new", one))
    for words in (["street@Current", "street@fix"], ["street@*"], ["*@*"], ["Current", "fix"]):
        found = streets("query", *words, "meta.city:berlin", "--ids").out.split()
        assert sorted(found) == sorted(both), words
    assert streets("query", "street@fix~1", "meta.city:berlin", "--count").out == "10\n"
    streets("tag", "v1")
    assert streets("query", "v1", "meta.city:berlin", "--count").out == "10\n"


def test_a_draft_is_searched_as_it_is_now(streets: Command) -> None:
    """Pending edits are found; a commit has what it recorded."""
    streets("edit", "f00", "--set", "meta.city=Oslo")
    assert streets("query", "meta.city:oslo", "--ids").out == "f00\n"
    assert streets.run("query", "HEAD~0", "meta.city:oslo").code == 1


def test_one_word_is_a_revision_or_a_query(streets: Command) -> None:
    """Whichever it can be; who is asked about neither says why."""
    assert streets("query", "street@Current", "--roi", "dog", "--count").out == "6\n"
    assert streets("query", "street", "--roi", "dog", "--count").out == "6\n"
    assert streets("query", "*:*", "--count").out == "30\n"
    assert streets.run("query", "uri:*@2x.jpg").code == 1
    said = streets.fails("query", "dog", code=128)
    assert "no revision" in said
    streets("branch", "id:f01")
    assert "say `HEAD id:f01`" in streets.fails("query", "id:f01", code=2)
    assert streets("query", "HEAD", "id:f01", "--count").out == "1\n"
    assert streets("query", "id:f01", "*:*", "--count").out == "30\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["meta.city:(berlin"], 128, "column"),
        (["rois.lable:car"], 128, "label"),
        (["meta.sped:5"], 128, "speed"),
        (["meta.speed:>abc"], 128, "speed"),
        (["dog cat"], 128, "no revision"),
        (["nothing@there", "id:x"], 128, "no dataset 'nothing'"),
        (["street@v*", "id:x"], 128, "no version fits 'street@v*'"),
        ([], 2, "nothing is asked for"),
        (["street@Current"], 2, "nothing is asked for"),
        (["--roi", "a AND"], 128, "column"),
        (["--source", ""], 128, "the query is empty"),
        (["id:x", "street"], 2, "which stands last"),
        (["--count-range", "2", "id:x"], 2, "--roi"),
        (["--roi", "car", "--count-range", "a:b"], 2, "2:5"),
        (["--roi", "car", "--count-range", "5:2"], 128, "ends before it begins"),
        (["--roi", "car", "--conf-range", "0:2"], 128, "from 0 to 1"),
        (["--roi", "car", "--conf-range", "nan"], 2, "--conf-range"),
        (["--count", "--ids", "id:x"], 2, "--count counts"),
        (["--count", "-n", "3", "id:x"], 2, "--count counts"),
    ],
)
def test_what_cannot_be_asked_is_one_line(
    streets: Command, words: list[str], code: int, said: str
) -> None:
    """With what would be right, and nothing on stdout."""
    assert said in streets.fails("query", *words, code=code)


def test_explain_says_what_was_understood_and_what_it_cost(streets: Command) -> None:
    """Nothing is decoded where the index knows."""
    done = streets("query", "meta.city:rome", "--roi", "car", "--count-range", "2:5", "--explain")
    assert 'frame: meta.city:"rome"' in done.out
    assert 'ROI: label.keyword:"car", 2 to 5 of them' in done.out
    assert re.search(r"query 0 of street@Current: \d of 30\n", done.out)
    assert "decoded" not in done.out
    row = streets("query", "id:f01", "--explain", "--json").rows()[0]
    assert row["count"] == 1
    assert streets.run("query", "id:none", "--explain").code == 1


def test_a_sample_is_the_same_everywhere(streets: Command) -> None:
    """A seed and a number stand for these frames, in every store and process."""
    drawn = streets("sample", "-5", "--seed", "7", "--ids").out.split()
    assert drawn == SAMPLE
    assert streets("sample", "-9", "--seed", "7", "--ids").out.split()[:5] == drawn
    assert len(set(streets("sample", "-n", "99", "--ids").out.split())) == 30
    assert streets("sample", "-5", "--seed", "8", "--ids").out.split() != drawn
    assert spawn(Path.cwd(), "sample", "-5", "--seed", "7", "--ids").out.split() == drawn
    assert streets("sample", "-n", "0").out == ""


def test_a_negative_value_of_an_option_is_no_count(streets: Command) -> None:
    """`-1` stands for `-n 1` by itself alone: an error shows what was typed."""
    said = streets.fails("query", "--roi", "dog", "--count-range", "-1", code=2)
    assert "not '-1'" in said
    said = streets.fails("sample", "--seed", "-1", code=2)
    assert "'-1' is not a number from 0 on. See" in said
    assert len(streets("sample", "--seed", "1", "-3", "--ids").out.split()) == 3


@pytest.mark.parametrize("option", ["--roi", "--not-roi"])
@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_rule_is_refused(streets: Command, option: str, text: str) -> None:
    """A variable of the shell that is not set would find no frame, or every one."""
    assert f"{option} is empty" in streets.fails("query", option, text, code=2)


@pytest.mark.parametrize("verb", ["query", "sample", "stats"])
@pytest.mark.parametrize("word", ["-rois.label:dog", "-name:x", "-dog"])
def test_a_query_that_looks_like_an_option_is_told_from_one(
    streets: Command, verb: str, word: str
) -> None:
    """Lucene writes `-` for NOT; that there is no option `-r` says nothing to who asked."""
    said = streets.fails(verb, "street@Current", word, code=2)
    assert "stands behind `--`" in said
    assert f"'NOT {word[1:]}'" in said


def test_behind_two_dashes_a_query_begins_with_one(streets: Command) -> None:
    """As the error says; and a value of an option may begin so, too."""
    without = streets("query", "NOT rois.label:dog", "--ids").out
    assert without
    assert streets("query", "--ids", "--", "-rois.label:dog").out == without
    other = streets("query", "--ids", "--roi", "-label:dog").out
    assert other == streets("query", "--ids", "--roi", "NOT label:dog").out


@pytest.mark.parametrize("option", ["--roi", "--not-roi", "--source"])
def test_bytes_of_another_encoding_are_refused(streets: Command, option: str) -> None:
    """The shell hands on what a terminal of another encoding typed."""
    assert "unpaired surrogate" in streets.fails("query", option, "caf\udce9", code=128)


def test_a_revision_that_is_not_there_is_answered_with_tags_too(streets: Command) -> None:
    """A tag is what most revisions are named by; of many there are five."""
    missing = streets.fails("query", "street@v9", "*:*", code=128)
    assert missing.splitlines()[0].endswith("its versions: 'Current'")
    for at in range(7):
        streets("tag", f"v{at}")
    missing = streets.fails("query", "street@v9", "*:*", code=128)
    assert "'Current'; its tags: 'v0', 'v1', 'v2', 'v3', 'v4' and 2 more" in missing


SAMPLE = ["f16", "f29", "f09", "f25", "f24"]


def test_a_sample_of_a_query_has_only_what_fits(streets: Command) -> None:
    """The draw is among what was found."""
    wanted = expected(Condition(frame=parse("meta.city:rome", Scope.FRAME)))
    found = streets("sample", "street@Current", "meta.city:rome", "-n", "50", "--ids").out.split()
    assert sorted(found) == sorted(wanted)
    assert found != wanted
    assert len(streets("sample", "--roi", "dog", "-n", "3", "--json").rows()) == 3
    assert streets.run("sample", "rois.label:bird").out == ""


def completed(folder: Path, line: str) -> list[str]:
    """Return what bash proposes for a command line that is being typed."""
    words = {"_HYPERSTORE_COMPLETE": "bash_complete", "COMP_WORDS": line}
    words["COMP_CWORD"] = str(len(shlex.split(line)) - 1)
    out = spawn(folder, settings=words).out
    return [row.partition(",")[2] for row in out.splitlines() if row]


def test_the_shell_completes_revisions_and_fields(streets: Command, tmp_path: Path) -> None:
    """Nobody remembers the names of fields."""
    assert "street@Current" in completed(tmp_path, "hyperstore query str")
    assert "context_id:" in completed(tmp_path, "hyperstore query cont")
    assert "rois.label:" in completed(tmp_path, "hyperstore query rois.l")
    assert "confidence:" in completed(tmp_path, "hyperstore query --roi conf")
    assert "uri:" in completed(tmp_path, "hyperstore query --source ur")
    assert completed(tmp_path, "hyperstore query meta.s") == ["meta.speed:"]
    assert completed(tmp_path, "hyperstore query NOT\\ meta.ci") == ["NOT meta.city:"]
    assert completed(tmp_path, "hyperstore query --roi meta.") == []
    assert "uri:" in completed(tmp_path, "hyperstore query -rois.label:dog --source ur")
    assert "id,sources.uri" in completed(tmp_path, "hyperstore query --fields id,sources.ur")


def test_the_first_query_shows_how_far_its_index_is(
    store: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a large store it takes a while, which is said; the second one finds it made."""
    store("add", "-", stdin=lines([wire(f"f{at:04}", number=at) for at in range(1_300)]))
    monkeypatch.setattr(progress, "QUIET_S", -1.0)
    monkeypatch.setattr(progress, "STEP_S", 0.0)
    monkeypatch.setattr(progress, "rich_bar", progress.plain_bar)
    monkeypatch.setattr(Output, "progress_columns", lambda _: 80)
    done = store("query", "meta.number:7", "--ids")
    assert done.out == "f0007\n"
    assert "Indexing for the first query" in done.err
    assert store("query", "meta.number:8", "--ids").err == ""


def test_a_query_leaves_no_file_of_a_pin(streets: Command) -> None:
    """By processes of their own, as at a shell: what each left would add up until a `gc`."""
    assert streets("query", "street@Current", "--roi", "dog", "--count").out == "6\n"
    for words in (["--count"], []):
        assert spawn(Path(), "query", "street@Current", "--roi", "dog", *words).code == 0
    assert list(Path(".hyperstore/db/pins").iterdir()) == []
