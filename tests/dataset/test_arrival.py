"""An import is one operation, whatever has to be made for it."""

from collections.abc import Iterator

import pytest

from hyperstore import FrameError, PublishedError, Store, UsageError
from hyperstore.dataset.arrival import Arrival
from tests.support.frames import Wire, wire, wires
from tests.support.unchanged import held


def test_all_that_is_made_is_one_operation_and_one_undo(store: Store) -> None:
    """Dataset, version, frames, commit and HEAD come together and go together."""
    before = held(store)
    arrival = Arrival(store.handle, "cells", "first")
    arrival.put(wires(30))
    arrival.change_metadata(lambda meta: {**meta, "by": "hand"})
    assert held(store) == before
    version, commit = arrival.finish("Import")
    assert arrival.made == ["dataset cells", "version first"]
    assert commit is not None
    assert (version.name, version.head, len(version)) == ("first", commit.hex(), 30)
    assert version.get_metadata() == {"by": "hand"}
    assert version.log()[0].changes.frames.added == 30
    assert store.head() == version
    assert [one.name for one in store.dataset("cells").versions()] == ["Current", "first"]
    (operation,) = store.operations()
    store.undo(operation.number)
    assert store.datasets() == []
    assert store.head() is None


def test_the_first_draft_of_a_dataset_is_there_as_always(store: Store) -> None:
    """`Current` is made once where it is the one that is asked for."""
    arrival = Arrival(store.handle, "cells", "Current")
    arrival.put(wires(3))
    version, commit = arrival.finish(None)
    assert (arrival.made, commit) == (["dataset cells"], None)
    assert store.dataset("cells").versions() == [version]
    assert version.status().state == "draft"


def test_the_same_again_is_no_operation(store: Store) -> None:
    """Neither with a message nor without."""
    for message in (None, "Import", None, "Again"):
        arrival = Arrival(store.handle, "cells", "Current")
        arrival.put(wires(30))
        arrival.change_metadata(dict)
        arrival.finish(message)
    assert len(list(store.operations())) == 2


def test_what_others_write_meanwhile_is_kept(store: Store) -> None:
    """The import is laid over what is there when it ends; its commit holds both."""
    version = store.create_dataset("cells").version()
    version.add_frames(wires(5))
    arrival = Arrival(store.handle, "cells", "Current")
    arrival.put([*wires(3, start=10), wire("f001", number=-1)])
    version.add_frames(wires(2, start=20))
    arrival.change_metadata(lambda meta: {**meta, "mine": 1})
    version.delete_frames(["f004"])
    version.set_metadata({"theirs": 2})
    version, commit = arrival.finish("Import")
    assert commit is not None
    expected = {"f000", "f001", "f002", "f003", *(f"f0{at}" for at in (10, 11, 12, 20, 21))}
    assert {one.id for one in version.at(commit.hex())} == expected
    assert version.get_metadata() == {"mine": 1, "theirs": 2}
    assert version.get_frame("f001").to_dict()["meta"] == {"number": -1}


def test_a_name_taken_meanwhile_is_an_error_and_nothing_is_made_twice(store: Store) -> None:
    """Two imports that both had to make the dataset: the second is to be run again."""
    first, second = (Arrival(store.handle, "cells", "Current") for _ in range(2))
    first.put(wires(3))
    second.put(wires(3, start=5))
    first.finish(None)
    before = held(store)
    with pytest.raises(ValueError, match="exists"):
        second.finish(None)
    assert held(store) == before


def test_a_failure_at_any_moment_leaves_nothing(store: Store) -> None:
    """A frame that is unfit, one that comes twice, a source that breaks, a message of nothing."""

    def broken() -> Iterator[Wire]:
        yield from wires(5_000)
        raise OSError("the disk went away")

    before = held(store)
    unfit = wire("b") | {"sources": []}
    with pytest.raises(FrameError, match="source"):
        Arrival(store.handle, "cells", "Current").put([wire("a"), unfit])
    with pytest.raises(UsageError, match="came twice"):
        Arrival(store.handle, "cells", "Current").put([wire("a"), wire("a", x=1)])
    with pytest.raises(OSError, match="went away"):
        Arrival(store.handle, "cells", "Current").put(broken())
    with pytest.raises(UsageError):
        Arrival(store.handle, "cells", "Current").finish(" ")
    for names in (("..", "a"), ("a", "-b"), ("a\nb", "c")):
        with pytest.raises(UsageError, match="name"):
            Arrival(store.handle, *names)
    assert held(store) == before


def test_a_published_version_takes_nothing(store: Store) -> None:
    """Said before anything is read."""
    version = store.create_dataset("cells").version()
    version.publish("One")
    with pytest.raises(PublishedError):
        Arrival(store.handle, "cells", "Current")
