"""Metadata of datasets and versions: what a query can name, and what it never will."""

import pytest

import hyperstore
from hyperstore import DatasetVersion, UsageError


@pytest.mark.parametrize("metadata", [{"a.b": 1}, {"a": {"$b": 1}}, {"a": [{"b": {"c.d": 1}}]}])
def test_keys_that_a_query_cannot_name_are_refused(
    draft: DatasetVersion, metadata: dict[str, object]
) -> None:
    """A value whose path is ambiguous would never be found again."""
    with pytest.raises(UsageError, match="holds '\\$' or '\\.'"):
        draft.set_metadata(metadata)
    assert draft.get_metadata() == {}


@pytest.mark.parametrize("field", ["_coco", "_voc"])
def test_what_other_formats_had_to_say_is_kept_under_any_key(
    draft: DatasetVersion, field: str
) -> None:
    """A file whose `info` has a key such as `dataset.version` is imported like any other."""
    given = {field: {"files": {"0a1b2c3d": {"fields": {"info": {"a.b": 1, "$": [{"c.d": None}]}}}}}}
    draft.set_metadata(given)
    assert draft.get_metadata() == given


def test_reserved_fields_are_reserved_at_the_top_only(store: hyperstore.Store) -> None:
    """Deeper, `_coco` is a key like any other."""
    with pytest.raises(UsageError, match="holds"):
        store.create_dataset("x", metadata={"a": {"_coco": {"b.c": 1}}})


def test_a_key_with_a_dot_is_warned_of_for_what_it_breaks(
    store: hyperstore.Store, draft: DatasetVersion
) -> None:
    """A warning that is untrue in half is not believed in the other half."""
    frame = {"id": "one", "sources": [{"id": "default", "uri": "s3://b/1"}], "meta": {"a.b": 1}}
    with pytest.warns(UserWarning, match="queries take it .* but a projection does not name it"):
        draft.add_frames([frame])
    view = hyperstore.DataView("any", store=store)
    view.add_query("cells", "Current", frame_query="meta.a.b:1")
    assert [one.id for one in view] == ["one"]
    (shown,) = draft.get_iterator(projection=["meta.a.b"])
    assert shown == {"meta": {}}


def test_describing_a_dataset_sets_the_keys_given_and_leaves_the_others(
    store: hyperstore.Store,
) -> None:
    """Of two who set a key each, neither takes back what the other one set."""
    mine = store.create_dataset("x", metadata={"a": 1, "gone": 2})
    store.dataset("x").describe(metadata={"theirs": 3})
    mine.describe(metadata={"mine": 4}, unset=["gone", "never was"])
    assert mine.get_metadata() == {"a": 1, "theirs": 3, "mine": 4}
