"""Lock files: what is written is read back, and what was edited, cut or made up is refused."""

import hashlib
import json
from pathlib import Path

import pytest
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from hyperstore import CorruptError, ExistsError, FormatError, HyperstoreError, NotFoundError
from hyperstore.history.lock import (
    LockedQuery,
    LockedRevision,
    LockedVersion,
    LockRecord,
    encode_lock,
)
from hyperstore.ids import Kind, content_hash, object_id
from hyperstore.query.locks.lockfile import lock_text, read_lock_file, stamp_of, write_lock_file

ids = st.binary(min_size=32, max_size=32)
words = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def records(draw: st.DrawFn) -> LockRecord:
    """Draw locks as they might stand in a store."""
    versions = draw(
        st.lists(
            st.builds(
                LockedVersion,
                commit=ids,
                content=ids,
                count=st.integers(0, 2**40),
                dataset=words,
                dataset_name=words,
                version=words,
                version_name=words,
            ),
            max_size=3,
        )
    )
    places = st.lists(st.integers(0, len(versions) - 1), max_size=3) if versions else st.just([])
    return LockRecord(
        begins=draw(st.just(b"") | ids),
        count=draw(st.integers(0, 2**40)),
        extra=draw(st.dictionaries(words, values, max_size=2)),
        format=1,
        frames=draw(ids),
        queries=draw(
            st.lists(
                st.builds(LockedQuery, count=st.integers(0, 2**40), versions=places), max_size=3
            )
        ),
        since=draw(
            st.lists(
                st.builds(LockedRevision, commit=ids, dataset=words, revision=words), max_size=2
            )
        ),
        spec=draw(st.dictionaries(words, values, max_size=4)),
        store=draw(words),
        versions=versions,
        view=draw(words),
    )


def lock() -> LockRecord:
    """Return a small lock."""
    version = LockedVersion(commit=b"c" * 32, content=b"r" * 32, count=2, dataset="d", version="v")
    return LockRecord(
        count=2,
        format=1,
        frames=b"f" * 32,
        queries=[LockedQuery(count=2, versions=[0])],
        spec={"filters": [{"frame_query": "label:dog", "weight": 1.5}]},
        store="0" * 32,
        versions=[version],
        view="dogs",
    )


@given(record=records())
def test_a_lock_comes_back_from_its_file(
    tmp_path_factory: pytest.TempPathFactory, record: LockRecord
) -> None:
    """What is pinned must be what was pinned."""
    path = tmp_path_factory.mktemp("lock") / "a.lock"
    write_lock_file(path, record)
    assert read_lock_file(path).record == record


def test_a_file_says_by_its_id_and_its_check_that_it_is_whole() -> None:
    """Both computed here from the document alone."""
    text = lock_text(lock())
    found = json.loads(text)
    assert found["id"] == object_id(Kind.LOCK, encode_lock(lock())).hex()
    check = found.pop("check")
    whole = json.dumps(found, sort_keys=True, separators=(",", ":")).encode()
    assert check == content_hash([whole])
    assert text == lock_text(lock())


def test_white_space_of_a_file_is_nobodys_business(tmp_path: Path) -> None:
    """Whoever keeps locks in git has a formatter run over them."""
    path = tmp_path / "a.lock"
    path.write_text(json.dumps(json.loads(lock_text(lock())), indent=8, sort_keys=False))
    assert read_lock_file(path).record == lock()


@given(data=st.data())
def test_no_edit_of_a_file_passes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Cut off, overwritten, or with other bytes put in: an error of ours, or the same lock."""
    good = lock_text(lock()).encode()
    start = data.draw(st.integers(0, len(good)))
    stop = data.draw(st.integers(start, len(good)))
    bad = good[:start] + data.draw(st.binary(max_size=4)) + good[stop:]
    path = tmp_path_factory.mktemp("lock") / "a.lock"
    path.write_bytes(bad)
    try:
        found = read_lock_file(path)
    except HyperstoreError:
        return
    assert found.record == lock()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("count", 3),
        ("frames", "ab" * 32),
        ("spec", {"filters": []}),
        ("versions", []),
        ("store", "1" * 32),
        ("view", "cats"),
        ("id", "ab" * 32),
        ("queries", [{"count": 2, "versions": [9]}]),
    ],
)
def test_a_field_that_was_edited_by_hand_is_found(
    tmp_path: Path, field: str, value: object
) -> None:
    """Also where somebody made the check fit: then the id does not."""
    found = {**json.loads(lock_text(lock())), field: value}
    path = tmp_path / "a.lock"
    path.write_text(json.dumps(found))
    with pytest.raises(CorruptError, match="edited or damaged"):
        read_lock_file(path)
    del found["check"]
    whole = json.dumps(found, sort_keys=True, separators=(",", ":")).encode()
    path.write_text(json.dumps({**found, "check": content_hash([whole])}))
    with pytest.raises(CorruptError, match="lock anew"):
        read_lock_file(path)


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("", CorruptError, "cannot be read"),
        ("[" * 100_000, CorruptError, "cannot be read"),
        ("[" * 100 + "]" * 100, CorruptError, "deeper"),
        ("[]", FormatError, "is none"),
        ("{}", FormatError, "is none"),
        ('{"hyperstore": "lock", "hyperstore": "lock"}', CorruptError, "twice"),
        ('{"hyperstore": "lock", "count": NaN}', CorruptError, "NaN"),
        ('{"hyperstore": "lock", "count": 1e999}', CorruptError, "finite"),
        ('{"hyperstore": "lock", "count": ' + "9" * 5000 + "}", CorruptError, "cannot be read"),
        ('{"hyperstore": "lock", "view": "\\ud800"}', CorruptError, "surrogate"),
        ('{"hyperstore": "lock", "format": 2}', FormatError, "upgrade"),
        ('{"hyperstore": "lock", "format": 1}', CorruptError, "edited or damaged"),
    ],
)
def test_what_is_no_lock_is_refused_in_one_line(
    tmp_path: Path, text: str, error: type[HyperstoreError], match: str
) -> None:
    """Files come from anywhere, of any depth and with any numbers."""
    path = tmp_path / "a.lock"
    path.write_text(text)
    with pytest.raises(error, match=match) as caught:
        read_lock_file(path)
    assert "\n" not in str(caught.value)


def test_a_file_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A name may lead to a device or to a film."""
    path = tmp_path / "a.lock"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(FormatError, match="bytes"):
        read_lock_file(path)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    """One is to be looked for, the other is a wrong call."""
    with pytest.raises(NotFoundError, match="no lock file"):
        read_lock_file(tmp_path / "none.lock")
    with pytest.raises(HyperstoreError, match="cannot be read"):
        read_lock_file(tmp_path)


def test_a_stamp_holds_size_and_hashes(tmp_path: Path) -> None:
    """Hashes that other programs compute too."""
    model = tmp_path / "model.pt"
    model.write_bytes(b"weights")
    stamp = stamp_of(model)
    assert stamp.size == 7
    assert stamp.sha256 == hashlib.sha256(b"weights").hexdigest()
    assert stamp.blake3 == blake3(b"weights").hexdigest()
    path = tmp_path / "model.pt.lock"
    write_lock_file(path, lock(), stamp)
    assert read_lock_file(path).file == stamp
    with pytest.raises(ExistsError):
        write_lock_file(path, lock(), replace=False)


def test_a_lock_takes_the_place_of_no_other_file(tmp_path: Path) -> None:
    """Many programs have a lock of theirs in the same folder."""
    other = tmp_path / "poetry.lock"
    other.write_text("[[package]]")
    with pytest.raises(ExistsError, match="no lock of a view"):
        write_lock_file(other, lock())
    assert other.read_text() == "[[package]]"
    own = tmp_path / "own.lock"
    own.write_text(lock_text(lock())[:200])
    write_lock_file(own, lock())
    assert read_lock_file(own).record == lock()
    with pytest.raises(NotFoundError, match="no folder"):
        write_lock_file(tmp_path / "none" / "a.lock", lock())
