"""Bulk contexts: what counts is what a frame said when it was given, and nothing is lost unsaid."""

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence

import pytest

from hyperstore import DatasetVersion, FrameGroup, SingleFrame, Store
from hyperstore.dataset.bulk import BulkContext, Edit
from hyperstore.dataset.ingest import Failure
from hyperstore.errors import RefusedError

BAD = {"id": "bad", "sources": []}


def frame(name: str, **metadata: object) -> SingleFrame:
    """Return a frame of that id."""
    return SingleFrame(id=name, source=f"s3://bucket/{name}.jpg", metadata=metadata)


def test_a_dict_that_is_used_again_is_a_frame_each_time(draft: DatasetVersion) -> None:
    """Loops fill one dict with what comes next."""
    wire = {"id": "", "sources": [{"id": "default", "uri": ""}]}
    with draft.get_bulk_context() as bulk:
        for name in ("a", "b", "c"):
            wire["id"] = name
            wire["sources"][0]["uri"] = f"s3://bucket/{name}.jpg"  # type: ignore[index]
            bulk.add_frame(wire)
    assert {one.id: one.source for one in draft} == {  # type: ignore[union-attr]
        name: f"s3://bucket/{name}.jpg" for name in "abc"
    }


def test_what_is_done_to_a_frame_after_it_was_given_is_not_stored(draft: DatasetVersion) -> None:
    """As with add_frames, which had stored it by then; at any depth."""
    one = frame("a", at={"depth": [1]})
    group = FrameGroup()
    group["left"], group["right"] = frame("l"), frame("r")
    with draft.get_bulk_context() as bulk:
        bulk.add_frame(one)
        bulk.add_frame(group)
        one.metadata["at"]["depth"].append(2)  # type: ignore[index]
        group["left"].metadata["late"] = True
    assert draft.get_frame("a").metadata == {"at": {"depth": [1]}}
    stored = draft.get_frame(group.id)
    assert isinstance(stored, FrameGroup)
    assert stored["left"].metadata == {}


@pytest.mark.parametrize("is_changed", [False, True])
def test_a_frame_learns_its_id_when_it_is_written(draft: DatasetVersion, is_changed: bool) -> None:
    """So that it replaces itself later, whether or not it was changed meanwhile."""
    one = SingleFrame(source="s3://bucket/a.jpg")
    with draft.get_bulk_context() as bulk:
        bulk.add_frame(one)
        if is_changed:
            one.metadata["late"] = True
    one.source = "s3://bucket/b.jpg"
    one.metadata["later"] = True
    assert draft.update_frames([one], if_unchanged=True) == []
    (stored,) = draft
    assert stored.metadata["later"] is True


def test_what_failed_is_said_at_the_end_of_the_block(
    draft: DatasetVersion,
) -> None:
    """Nobody looks at what add_frame returns. The warning points at the program's own line."""

    def work() -> None:
        with draft.get_bulk_context(flush_threshold=2) as bulk:
            for each in (BAD, frame("a"), BAD, frame("b")):
                bulk.add_frame(each)

    with pytest.warns(UserWarning, match=r"2 frames could not .* no source") as said:
        work()
    assert [one.filename for one in said] == [__file__]
    assert len(draft) == 2


def test_what_a_flush_returned_is_not_said_again(draft: DatasetVersion) -> None:
    """A program that looks at its failures need not hear of them twice."""
    with draft.get_bulk_context() as bulk:
        bulk.add_frame(BAD)
        assert len(bulk.flush()) == 1


def test_a_commit_tells_what_failed_before_it(draft: DatasetVersion) -> None:
    """Who commits believes that all is in it."""
    bulk = draft.get_bulk_context()
    bulk.add_frame(BAD)
    bulk.add_frame(frame("a"))
    with pytest.warns(UserWarning, match="1 frame could not"):
        told = draft.commit_version()
    assert (told["failed"], told["total"], told["errors"]) == (1, 1, bulk.failures)


@pytest.mark.parametrize("how", ["publish_version", "create_snapshot"])
def test_publishing_tells_what_failed_before_it(draft: DatasetVersion, how: str) -> None:
    """Afterwards it cannot be mended."""
    draft.get_bulk_context().add_frame(BAD)
    with pytest.warns(UserWarning, match="1 frame could not"):
        getattr(draft, how)()


def test_a_block_inside_of_another_ends_only_itself(draft: DatasetVersion) -> None:
    """A function that is called inside of a block uses the same context."""
    with draft.get_bulk_context() as outer:
        with draft.get_bulk_context() as inner:
            inner.add_frame(frame("a"))
        outer.add_frame(frame("b"))
        assert draft.get_bulk_context() is outer
        assert draft.commit_version()["total"] == 2


def test_a_context_that_is_used_after_its_block_is_found_again(draft: DatasetVersion) -> None:
    """What it gathers then is written by the next commit."""
    with draft.get_bulk_context() as bulk:
        pass
    bulk.add_frame(frame("late"))
    assert draft.commit_version()["total"] == 1


def test_a_context_of_an_ended_block_hands_on_to_the_one_in_use(draft: DatasetVersion) -> None:
    """A version has one order of edits."""
    with draft.get_bulk_context() as old:
        pass
    with draft.get_bulk_context() as new:
        new.add_frame(frame("a"))
        old.delete_frame("a")
        old.add_frame(frame("b"))
    assert [one.id for one in draft] == ["b"]


class Refusing:
    """A version that refuses writes for a while, as one on a full disk does."""

    def __init__(self, version: DatasetVersion) -> None:
        self.refuses = True
        self._version = version

    def write_bulk(self, edits: Sequence[Edit]) -> list[Failure]:
        """Write, or refuse."""
        if self.refuses:
            raise RefusedError("not now")
        return self._version.write_bulk(edits)


def test_edits_that_were_refused_wait_for_the_next_write(draft: DatasetVersion) -> None:
    """In their order, with what came since; the context is still the version's own."""
    version = Refusing(draft)
    registry: dict[object, BulkContext] = {}
    bulk = BulkContext(
        version,
        registry,  # type: ignore[arg-type]
        draft._place,
        flush_threshold=10,
        log=None,
        allow_update=False,
    )

    def refused() -> None:
        with bulk:
            bulk.add_frame(frame("a", turn=1))

    with pytest.raises(RefusedError):
        refused()
    assert list(registry.values()) == [bulk]
    bulk.add_frame(frame("a", turn=2))
    version.refuses = False
    assert (len(bulk), bulk.flush(), len(bulk)) == (2, [], 0)
    assert draft.get_frame("a").metadata == {"turn": 2}


def test_a_program_that_ends_with_edits_unwritten_is_told(store: Store) -> None:
    """It forgot the block, and would believe that they are stored."""
    program = (
        "from hyperstore import Dataset\n"
        "bulk = Dataset.create('cells').get_version().get_bulk_context()\n"
        "bulk.add_frame({'id': 'a', 'sources': [{'id': 'default', 'uri': 's3://bucket/a.jpg'}]})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "HYPERSTORE_DIR": str(store.path)},
    )
    assert "1 edit of a bulk context were never written" in done.stderr


def test_a_warning_points_at_the_line_that_called_the_package(draft: DatasetVersion) -> None:
    """However many functions of the package lie between."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        draft.add_frames([frame("a"), frame("a")])
    assert [one.filename for one in said] == [__file__]
