"""What a view calls its versions, and what it says of one that is not there."""

import pytest

from hyperstore import DatasetVersion, DataView, NotFoundError, QueryError, Store
from tests.support.stores import frame


@pytest.fixture
def tagged(store: Store) -> DatasetVersion:
    """Return a version whose only commit, of two frames, has the tag `v1`; a third came since."""
    version = store.create_dataset("pets").version()
    version.add_frames([frame(0), frame(1)])
    version.commit("Begin")
    version.tag("v1")
    version.add_frames([frame(2)])
    return version


def missing(store: Store, version: str) -> str:
    """Return what is said of a version that is not there."""
    with pytest.raises(NotFoundError) as caught:
        DataView(store=store).add_query("pets", version).get_count()
    return str(caught.value)


def test_tags_are_among_what_there_is_instead(store: Store, tagged: DatasetVersion) -> None:
    """A version may be given by its tag."""
    assert "there are: 'Current'; tags: 'v1'" in missing(store, "v2")


def test_of_many_tags_there_is_only_the_number(store: Store, tagged: DatasetVersion) -> None:
    """A message is to be read."""
    for at in range(9):
        tagged.tag(f"t{at}")
    assert missing(store, "v2").endswith("; and 10 tags")


def test_undo_is_not_offered_for_what_was_never_there(store: Store, tagged: DatasetVersion) -> None:
    """What was deleted last may be of another dataset, and another name."""
    other = store.create_dataset("other")
    other.create_version("v2")
    other.delete_version("v2")
    assert "undo" not in missing(store, "v2")


@pytest.mark.parametrize("kind", ["version", "tag"])
def test_undo_of_its_number_brings_a_deleted_one_back(
    store: Store, tagged: DatasetVersion, kind: str
) -> None:
    """Also where other things were done since."""
    if kind == "tag":
        tagged.tag("v2")
        store.dataset("pets").delete_tag("v2")
    else:
        store.dataset("pets").create_version("v2")
        store.dataset("pets").delete_version("v2")
    deleted = next(iter(store.operations())).number
    store.create_dataset("other")
    assert f"`hyperstore undo {deleted}` brings it back" in missing(store, "v2")
    store.undo(deleted)
    assert DataView(store=store).add_query("pets", "v2").get_count() in (0, 2)


def test_an_explanation_names_a_tag_as_it_was_asked(store: Store, tagged: DatasetVersion) -> None:
    """Of the version that the commit was made in, it would be another answer."""
    view = DataView(store=store).add_query("pets", "v1").add_query("pets", "Current")
    assert [one.version for one in view.explain().parts] == ["pets@v1", "pets@Current"]
    assert tagged.head is not None
    store.dataset("pets").delete_tag("v1")
    (part, _) = view.explain().parts
    assert part.version == f"pets@Current at {tagged.head[:12]}"


def test_a_stored_view_shows_its_queries_by_names(store: Store, tagged: DatasetVersion) -> None:
    """It is stored by ids, which tell people nothing."""
    view = DataView("pets", store=store).add_query("pets", "v1").add_query("pets", "*")
    again = DataView.get(view.store(), store=store)
    assert again.get_count() == 3
    assert repr(again) == "<DataView 'pets', pets@v1, pets@*>"


def test_rules_that_contradict_each_other_are_named(store: Store, tagged: DatasetVersion) -> None:
    """By the dataset and version, also where these were given by their ids."""
    view = DataView(store=store)
    ids = {"dataset_id": tagged.dataset_id, "version_id": tagged.id}
    view.add_mapping_rule("pets", "Current", ["cat"], "x")
    with pytest.raises(QueryError, match="two rules map 'cat' of pets@Current"):
        view.add_mapping_rule(from_labels=["cat"], to_label="y", **ids)


def test_a_range_that_ends_before_it_begins_is_explained(
    store: Store, tagged: DatasetVersion
) -> None:
    """Lucene takes it, and answers nothing, which looks like frames that are missing."""
    asked = "timestamp:[5 TO 1] OR (NOT timestamp:[7 TO 7] AND rois.confidence:{1 TO 0.5])"
    view = DataView(store=store).add_query("pets", "v1", frame_query=asked)
    said = view.explain()
    wrong = ("timestamp:[5 TO 1]", "rois.confidence:{1 TO 0.5]")
    assert sorted(said.parts[0].empty) == sorted(wrong)
    assert "timestamp:[5 TO 1] ends before it begins: nothing fits it" in str(said)
