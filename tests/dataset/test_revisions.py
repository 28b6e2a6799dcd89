"""Revisions: what each form leads to, and what is said where a choice had to be made."""

import pytest

from hyperstore import DatasetVersion, Store
from hyperstore.dataset.abbreviation import frames_beginning
from hyperstore.dataset.revisions import Point, head_version, resolve, resolve_version, split_frame
from hyperstore.errors import NotFoundError, UsageError
from tests.support.frames import wire, wires


@pytest.fixture
def commits(store: Store, draft: DatasetVersion) -> list[str]:
    """Return the ids of three commits of cells@Current, newest first; HEAD stands there."""
    for number, frame in enumerate(wires(3)):
        draft.add_frames([frame])
        draft.commit(f"Commit {number}")
    store.set_head(draft)
    return [info.id for info in draft.log()]


def test_a_version_leads_to_its_newest_commit(store: Store, commits: list[str]) -> None:
    """In every way of writing it; only some say the draft itself."""
    said = ["cells@Current", "Current", '"cells"@"Current"', "@Current", "cells"]
    assert [resolve(store, text).commit for text in said] == [commits[0]] * 5
    assert all(resolve(store, text).is_version for text in said)
    said = ["HEAD", "@", "HEAD~0", "HEAD^0", "Current@{0}", "@{0}", commits[0], commits[0][:6]]
    assert [resolve(store, text).commit for text in said] == [commits[0]] * 8
    assert not any(resolve(store, text).is_version for text in said)


def test_steps_go_up_and_back(store: Store, draft: DatasetVersion, commits: list[str]) -> None:
    """~n first parents, ^n a parent, @{n} moves of the head by the operation log."""
    for text in ("HEAD~1", "~1", "~", "HEAD^", "HEAD^1", "@~", "cells@Current~1", "Current@{1}"):
        assert resolve(store, text).commit == commits[1], text
    for text in ("HEAD~2", "HEAD^^", "~^", "Current@{2}", f"{commits[1][:8]}~"):
        assert resolve(store, text).commit == commits[2], text
    draft.reset(commits[2])
    assert resolve(store, "Current@{1}").commit == commits[0]
    for text in ("HEAD~1", "HEAD^2", "Current@{4}"):
        with pytest.raises(NotFoundError):
            resolve(store, text)


def test_a_draft_shows_what_it_holds_and_a_commit_what_it_recorded(
    store: Store, draft: DatasetVersion, commits: list[str]
) -> None:
    """Readers of a draft see what is pending; HEAD is the commit."""
    draft.add_frames([wire("pending")])
    assert len(resolve(store, "Current").view()) == 4
    assert len(resolve(store, "HEAD").view()) == 3
    assert len(resolve(store, commits[2]).view()) == 1


def test_the_order_of_meanings_is_version_tag_commit_dataset(
    store: Store, draft: DatasetVersion, commits: list[str]
) -> None:
    """And whoever had to choose says so."""
    digits = commits[0][:8]
    dataset = store.dataset("cells")
    found = [resolve(store, digits)]
    draft.tag(digits, commits[1])
    found.append(resolve(store, digits))
    dataset.create_version(digits, commit=commits[2])
    found.append(resolve(store, digits))
    assert [one.commit for one in found] == commits
    assert [bool(one.note) for one in found] == [False, True, True]
    assert "a tag and a commit; a tag was taken" in found[1].note
    assert "a version and a tag and a commit; a version was taken" in found[2].note


def test_the_newest_of_one_name_is_taken_and_said(
    store: Store, draft: DatasetVersion, commits: list[str]
) -> None:
    """Two versions may share a name after a rename."""
    second = store.dataset("cells").create_version("second")
    second.rename("Current")
    found = resolve(store, "cells@Current")
    assert found.version == second
    assert second.id in found.note
    assert resolve(store, f"cells@{draft.id}").version == draft


def test_a_dataset_alone_is_its_current_version(store: Store, commits: list[str]) -> None:
    """Said, where there are others."""
    store.create_dataset("other").create_version("more")
    found = resolve(store, "other")
    assert (found.version.name, found.dataset.name) == ("Current", "other")
    assert "2 versions" in found.note
    assert resolve(store, "other@more").commit is None
    with pytest.raises(NotFoundError):
        resolve(store, "other@more").commit_id()


def test_names_of_another_dataset_are_looked_up_there(store: Store, commits: list[str]) -> None:
    """`other@v1` never means a tag or a commit of HEAD's dataset."""
    other = store.create_dataset("other")
    other.version().add_frames([wire("a")])
    made = other.version().commit("Other")
    assert made is not None
    assert resolve(store, made[:10]).dataset == other
    with pytest.raises(NotFoundError):
        resolve(store, f"other@{commits[0][:10]}")


@pytest.mark.parametrize("name", ["a@b", "x..y", "t:1", "w~1", 'q"uote', "it 2026-01-01T10:00"])
def test_odd_names_are_found_quoted_and_whole(store: Store, commits: list[str], name: str) -> None:
    """A person pastes what `branch` of another program shows."""
    made = store.dataset("cells").create_version(name, commit=commits[1])
    quoted = '"' + name.replace('"', '\\"') + '"'
    for text in (quoted, f"cells@{quoted}", f"{quoted}~0", name, f"cells@{name}"):
        assert resolve(store, text).commit == commits[1], text
    assert resolve_version(store, quoted) == made


def test_a_commit_whose_version_is_gone_can_be_read(store: Store, commits: list[str]) -> None:
    """Its frames are there as long as the commit is."""
    dataset = store.dataset("cells")
    side = dataset.create_version("side", commit=commits[2])
    side.add_frames([wire("x")])
    made = side.commit("Side")
    assert made is not None
    dataset.delete_version(side)
    assert len(resolve(store, made).view()) == 2


@pytest.mark.parametrize("text", ["", "~x", "a~~~b", "cells@", "@{", "Current@{x}", '"open'])
def test_what_is_no_revision_is_refused(store: Store, commits: list[str], text: str) -> None:
    """With one error that shows where reading stopped."""
    with pytest.raises((UsageError, NotFoundError)):
        resolve(store, text)


def test_without_head_only_full_names_lead_anywhere(store: Store, draft: DatasetVersion) -> None:
    """A new store has no place to stand."""
    assert isinstance(resolve(store, "cells@Current"), Point)
    for text in ("HEAD", "Current", "~1"):
        with pytest.raises((UsageError, NotFoundError)):
            resolve(store, text)
    with pytest.raises(NotFoundError, match="switch to one of: 'cells'"):
        head_version(store)
    draft.add_frames([wire("a")])
    draft.commit("Add one")
    with pytest.raises(UsageError, match="is a commit, not a version"):
        resolve_version(store, "cells@Current~0")


def test_a_colon_parts_revision_and_frame() -> None:
    """Outside of quotes only."""
    assert split_frame("HEAD~1:f1") == ("HEAD~1", "f1")
    assert split_frame('"a:b"@v:f:1') == ('"a:b"@v', "f:1")
    assert split_frame("f1") is None


def test_frames_begin_with_what_was_typed(store: Store, draft: DatasetVersion) -> None:
    """Ids of 32 hex digits are kept as bytes; an odd number of digits ends inside one."""
    names = ["ab" * 16, "abc" + "0" * 29, "ac" * 16, "ffff" * 8, "abz", "ABC", "ab", "é", "ff"]
    draft.add_frames([wire(name) for name in names])
    view = draft.view()
    for word in ("a", "ab", "abc", "abab", "f", "fffff", "A", "é", "z", "ac" * 16, "ab" * 17):
        wanted = sorted(name for name in names if name.startswith(word))
        assert sorted(frames_beginning(store, view, word, most=99)) == wanted, word
    assert len(frames_beginning(store, view, "a", most=2)) == 2
