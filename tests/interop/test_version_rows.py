"""What the reference promises of a version's life, row by row; each test is named after its row."""

import warnings
from datetime import UTC, datetime

import pytest

from hyperstore import (
    Dataset,
    DatasetVersion,
    ExistsError,
    PublishedError,
    RefusedError,
    SingleFrame,
    UsageError,
)

pytestmark = pytest.mark.usefixtures("default_store")


def frame(name: str, **metadata: object) -> SingleFrame:
    """Return a frame of that id."""
    return SingleFrame(id=name, source=f"s3://bucket/{name}.jpg", metadata=metadata)


@pytest.fixture
def dataset() -> Dataset:
    """Return a new dataset."""
    return Dataset.create("cells")


@pytest.fixture
def current(dataset: Dataset) -> DatasetVersion:
    """Return its empty draft."""
    return dataset.get_version()


def test_dv_01_a_version_is_not_made_by_its_class(current: DatasetVersion) -> None:
    """The error names the calls that are meant."""
    for given in ((), ("cells",), (current.id,)):
        with pytest.raises(UsageError, match=r"get_version\(\) or create_version\(\)"):
            DatasetVersion(*given)


def test_dv_02_current_is_the_head_that_may_be_written(dataset: Dataset) -> None:
    """Also after a snapshot, when it is another version."""
    first = DatasetVersion.get_current(dataset_name="cells")
    child = first.create_snapshot()
    assert DatasetVersion.get_current(dataset_id=dataset.id) == child
    assert child.draft
    assert not first.draft


def test_dv_02_no_current_where_all_is_published(current: DatasetVersion) -> None:
    """The message says what to do."""
    current.publish_version()
    with pytest.raises(ValueError, match=r"all its versions are published; create a version"):
        DatasetVersion.get_current(dataset_name="cells")


def test_dv_03_one_version_by_name_or_id_or_the_current(
    dataset: Dataset, current: DatasetVersion
) -> None:
    """The id of a version names its dataset too."""
    other = dataset.create_version(version_name="other")
    assert DatasetVersion.get_version(dataset_name="cells", version_name="other") == other
    assert DatasetVersion.get_version(version_id=other.id) == other
    assert DatasetVersion.get_version(dataset_name="cells", version_id=current.id) == current


def test_dv_03_a_missing_version_is_a_value_error_that_lists_the_nearest(dataset: Dataset) -> None:
    """C-37."""
    dataset.create_version(version_name="train")
    with pytest.raises(ValueError, match=r"no version 'trian'; there are: 'train', 'Current'"):
        dataset.get_version(version_name="trian")


def test_dv_03_of_several_of_one_name_the_newest_with_a_warning(dataset: Dataset) -> None:
    """A rename makes twins, DV-20; whoever cannot live with a choice gets an error."""
    first = dataset.create_version(version_name="one")
    second = dataset.create_version(version_name="two")
    assert first.set_version_name("two")
    with pytest.warns(UserWarning, match="newest"):
        found = DatasetVersion.get_version(dataset_name="cells", version_name="two")
    assert found == second
    with pytest.raises(UsageError, match="2 versions"):
        DatasetVersion.get_version(dataset_name="cells", version_name="two", raise_on_multiple=True)


def test_dv_04_versions_come_newest_update_first(dataset: Dataset, current: DatasetVersion) -> None:
    """An edit of an old version puts it in front."""
    dataset.create_version(version_name="b")
    current.add_frames([frame("a")])
    assert [one.name for one in DatasetVersion.get_versions(dataset_name="cells")] == [
        "Current",
        "b",
    ]


def test_dv_04_only_published_or_only_drafts(dataset: Dataset, current: DatasetVersion) -> None:
    """Not both at once."""
    current.create_snapshot(publish_name="v1")
    published = DatasetVersion.get_versions(dataset_name="cells", only_published=True)
    drafts = dataset.get_versions(only_draft=True)
    assert [[one.name for one in each] for each in (published, drafts)] == [["v1"], ["Current"]]
    with pytest.raises(UsageError, match="exclude each other"):
        dataset.get_versions(only_draft=True, only_published=True)


def test_dv_05_without_a_parent_a_version_is_empty(current: DatasetVersion) -> None:
    """A root of its own."""
    current.add_frames([frame("a")])
    made = DatasetVersion.create_version("v2", description="d", dataset_name="cells")
    assert (len(made), made.get_parent(), made.description) == (0, "", "d")


def test_dv_05_an_existing_draft_is_returned_unless_an_error_is_asked_for(
    dataset: Dataset,
) -> None:
    """The error is a ValueError."""
    first = DatasetVersion.create_version("v2", dataset_name="cells")
    assert dataset.create_version(version_name="v2") == first
    with pytest.raises(ExistsError) as raised:
        DatasetVersion.create_version("v2", dataset_name="cells", raise_if_exists=True)
    assert isinstance(raised.value, ValueError)


def test_dv_05_a_published_version_of_that_name_is_returned_with_a_warning(
    dataset: Dataset, current: DatasetVersion
) -> None:
    """C-17."""
    current.create_snapshot(publish_name="v1")
    with pytest.warns(UserWarning, match="published"):
        found = dataset.create_version(version_name="v1")
    assert found == current


def test_dv_05_a_version_has_one_parent(dataset: Dataset, current: DatasetVersion) -> None:
    """A list is taken, for what may come, but of one."""
    current.create_snapshot(publish_name="v1")
    made = dataset.create_version(version_name="v2", parent_version_names=["v1"])
    assert made.get_parent() == current.id
    with pytest.raises(UsageError, match="one parent"):
        dataset.create_version(version_name="v3", parent_version_ids=[current.id, made.id])
    with pytest.raises(UsageError, match="exclude"):
        dataset.create_version(
            version_name="v3", parent_version_ids=[current.id], parent_version_names=["v1"]
        )


def test_dv_06_a_parent_must_be_published(dataset: Dataset, current: DatasetVersion) -> None:
    """C-25: unless it is allowed by name."""
    with pytest.raises(UsageError, match="snapshot"):
        dataset.create_version(version_name="v2", parent_version_ids=[current.id])
    made = dataset.create_version(
        version_name="v2", parent_version_ids=[current.id], allow_draft_parent=True
    )
    assert made.get_parent() == current.id


def test_dv_06_a_child_inherits_overrides_and_hides_and_the_parent_stays(
    dataset: Dataset, current: DatasetVersion
) -> None:
    """Fact 12."""
    current.add_frames([frame("a"), frame("b"), frame("c")])
    child = current.create_snapshot()
    child.add_frames([frame("a", mine=True)])
    child.delete_frames(["b"])
    assert {one.id: one.metadata for one in child} == {"a": {"mine": True}, "c": {}}
    assert {one.id: one.metadata for one in current} == {"a": {}, "b": {}, "c": {}}


def test_dv_07_a_snapshot_publishes_in_place_and_returns_the_new_draft(
    current: DatasetVersion,
) -> None:
    """The id stays on what becomes published."""
    current.add_frames([frame("a")])
    before = current.id
    child = DatasetVersion.create_snapshot(
        dataset_name="cells", publish_name="v1", child_name="next"
    )
    assert type(child) is DatasetVersion
    assert (current.id, current.name, current.draft) == (before, "v1", False)
    assert (child.name, child.draft, len(child), child.get_parent()) == ("next", True, 1, before)


def test_dv_07_a_snapshot_takes_comments_and_metadata_of_both(current: DatasetVersion) -> None:
    """The child takes the published metadata unless it gets its own."""
    current.set_metadata({"old": 1})
    child = current.create_snapshot(
        publish_comment="for the paper", publish_metadata={"p": 1}, child_comment="goes on"
    )
    assert (current.comment, current.get_metadata()) == ("for the paper", {"p": 1})
    assert (child.comment, child.get_metadata()) == ("goes on", {"p": 1})
    again = child.create_snapshot(child_metadata={"c": 1})
    assert (child.get_metadata(), again.get_metadata()) == ({"p": 1}, {"c": 1})


def test_dv_07_any_draft_may_be_named(dataset: Dataset, current: DatasetVersion) -> None:
    """C-49: the head only where none is."""
    other = dataset.create_version(version_name="other")
    child = DatasetVersion.create_snapshot(version_id=other.id)
    assert child.get_parent() == other.id
    assert current.draft


def test_dv_08_a_snapshot_is_named_after_its_time(current: DatasetVersion) -> None:
    """ISO 8601 with microseconds, as users sort by."""
    current.create_snapshot()
    stamp = current.name.removeprefix("snapshot ")
    assert datetime.fromisoformat(stamp).isoformat(timespec="microseconds") == stamp
    assert current.comment.startswith("published at 2")
    assert " by " in current.comment


def test_dv_08_the_child_takes_the_old_name_and_the_labels(
    dataset: Dataset, current: DatasetVersion
) -> None:
    """C-20: `Current` stays current."""
    current.add_tags(["gold"])
    child = current.create_snapshot()
    assert (child.name, child.tags) == ("Current", ["gold"])
    named = dataset.create_version(version_name="night")
    assert named.create_snapshot().name == "night"


def test_dv_09_publishing_locks_a_version(current: DatasetVersion) -> None:
    """What is pending is committed first; a second time there is nothing to do."""
    current.add_frames([frame("a")])
    assert current.publish_version() is True
    assert current.publish_version() is False
    assert len(current.log()) == 1
    with pytest.raises(PublishedError):
        current.add_frames([frame("b")])


def test_dv_10_commit_succeeds_with_nothing_pending(current: DatasetVersion) -> None:
    """The native commit returns None then, the command fails; this call does neither."""
    assert current.commit_version()["saved_and_updated"] == 0
    assert current.log() == []


def test_dv_10_a_committed_draft_may_change_further(current: DatasetVersion) -> None:
    """Fact 15: four states, of which two are writable."""
    seen = [current.to_dict()["status"]]
    current.add_frames([frame("a")])
    current.commit_version()
    seen.append(current.to_dict()["status"])
    current.add_frames([frame("b")])
    seen.append(current.to_dict()["status"])
    current.commit_version(publish=True)
    seen.append(current.to_dict()["status"])
    assert seen == ["draft", "committed", "draft", "published"]


def test_dv_11_a_commit_returns_its_counters(current: DatasetVersion) -> None:
    """Frames that were added or changed, and deleted."""
    current.add_frames([frame("a"), frame("b")])
    current.commit_version()
    current.add_frames([frame("b", n=1), frame("c")])
    current.delete_frames(["a"])
    found = current.commit_version()
    assert found == {
        "merged": 2,
        "saved_and_updated": 2,
        "deleted": 1,
        "failed": 0,
        "total": 2,
        "errors": [],
        "parent": "",
        "version": current.id,
        "dataset": current.dataset_id,
    }


def test_dv_12_a_version_is_removed_a_published_one_by_force(
    dataset: Dataset, current: DatasetVersion
) -> None:
    """And never one that nobody named."""
    child = current.create_snapshot(publish_name="v1")
    assert DatasetVersion.remove_version(dataset_name="cells", version_name=child.name) is None
    with pytest.raises(RefusedError, match="force"):
        DatasetVersion.remove_version(dataset_name="cells", version_name="v1")
    with pytest.raises(UsageError, match="no version is named"):
        DatasetVersion.remove_version(dataset_name="cells")
    DatasetVersion.remove_version(version_id=current.id, force=True)
    assert dataset.get_versions() == []


def test_dv_13_properties(dataset: Dataset, current: DatasetVersion) -> None:
    """Names follow renames."""
    dataset.rename("tissue")
    current.set_comment("c")
    assert (current.version_id, current.version_name) == (current.id, "Current")
    assert (current.dataset_id, current.dataset_name) == (dataset.id, "tissue")
    assert (current.draft, current.comment) == (True, "c")


def test_dv_13_last_updated_is_when_a_frame_changed_last(current: DatasetVersion) -> None:
    """Not when metadata did; and a commit is the time of what it recorded."""
    seen = [current.last_updated]
    before = datetime.now(UTC).replace(microsecond=0)
    current.add_frames([frame("a")])
    seen.append(current.last_updated)
    current.set_metadata({"k": 1})
    seen.append(current.last_updated)
    current.commit_version()
    current.set_metadata({"k": 2})
    current.commit_version()
    seen.append(current.last_updated)
    nothing, pending, same, committed = seen
    assert nothing is None
    assert pending is not None
    assert pending == same
    assert pending >= before
    assert committed == datetime.fromtimestamp(current.log()[1].time / 1000, UTC)


def test_dv_14_the_parent_is_told_by_its_id(current: DatasetVersion) -> None:
    """A str, empty for a root."""
    assert current.get_parent() == ""
    assert current.create_snapshot().get_parent() == current.id


def test_dv_15_metadata_is_replaced_whole_and_not_on_a_published_version(
    current: DatasetVersion,
) -> None:
    """C-39: False, where a write of frames raises."""
    assert current.set_metadata({"a": {"b": [1]}}) is True
    assert current.set_metadata({"c": 2}) is True
    assert current.get_metadata() == {"c": 2}
    current.publish_version()
    assert current.set_metadata({"d": 3}) is False
    assert current.get_metadata() == {"c": 2}


@pytest.mark.parametrize("key", ["a.b", "$a"])
def test_dv_15_keys_that_no_query_could_name_are_value_errors(
    current: DatasetVersion, dataset: Dataset, key: str
) -> None:
    """C-40; at any depth, of a dataset as of a version."""
    for meta in ({key: 1}, {"in": {key: 1}}):
        with pytest.raises(ValueError, match="rename it"):
            current.set_metadata(meta)
        with pytest.raises(ValueError, match="rename it"):
            dataset.set_metadata(meta)


def test_dv_16_a_version_is_renamed(current: DatasetVersion) -> None:
    """Its id stays."""
    assert current.set_version_name("2022-09-07") is True
    found = DatasetVersion.get_version(dataset_name="cells", version_name="2022-09-07")
    assert found.id == current.id


def test_dv_17_statistics_count_rois_by_label(current: DatasetVersion) -> None:
    """Section 2.6; counted anew by hand after an edit."""
    one, other = frame("a"), frame("b")
    for labels in (["car"], ["car", "red"], ["bus"]):
        one.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=labels)
    wire = one.to_dict()
    wire["sources"][0]["content_type"] = "image/jpeg"  # type: ignore[index]
    current.add_frames([wire, other])
    assert current.get_stats() == {
        "labels": [
            {"name": "car", "count": 2},
            {"name": "bus", "count": 1},
            {"name": "red", "count": 1},
        ],
        "frames": [{"name": "annotated", "count": 1}, {"name": "unannotated", "count": 1}],
        "content_types": [{"name": "image/jpeg", "count": 1}],
    }
    other.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["red"])
    current.add_frames([other])
    current.delete_frames(["a"])
    assert current.get_stats() == {
        "labels": [{"name": "red", "count": 1}],
        "frames": [{"name": "annotated", "count": 1}, {"name": "unannotated", "count": 0}],
        "content_types": [],
    }


def test_dv_18_the_record_has_all_documented_fields(current: DatasetVersion) -> None:
    """Programs that walk over them find none missing."""
    current.add_frames([frame("a")])
    current.publish_version()
    record = current.to_dict()
    assert list(record) == [
        "id",
        "name",
        "comment",
        "created",
        "committed",
        "published",
        "last_frames_update",
        "committed_frames_ts",
        "committed_rois_ts",
        "parent",
        "task",
        "user",
        "tags",
        "system_tags",
        "metadata",
        "stats",
        "status",
        "es_index",
    ]
    assert record["status"] == "published"
    assert str(record["published"]).endswith("+00:00")


def test_dv_19_versions_are_found_by_labels_and_text(dataset: Dataset) -> None:
    """The filter language is that of datasets."""
    dataset.create_version(version_name="night", description="rain").add_tags(["gold"])
    dataset.create_version(version_name="day")
    assert [one.name for one in dataset.get_versions(tags=["gold"])] == ["night"]
    assert [one.name for one in dataset.get_versions(search_text="RAIN")] == ["night"]


def test_dv_20_two_versions_may_share_a_name(dataset: Dataset, current: DatasetVersion) -> None:
    """C-18: by a rename; made by name there is one only, and ids tell them apart."""
    other = dataset.create_version(version_name="other")
    assert other.set_version_name("Current") is True
    assert [one.name for one in dataset.get_versions()] == ["Current", "Current"]
    assert DatasetVersion.get_version(version_id=current.id) == current
    with pytest.warns(UserWarning, match="Current"):
        assert dataset.get_version(version_name="Current") == other
    assert dataset.create_version(version_name="Current") in (current, other)
    assert len(dataset.get_versions()) == 2


def test_dv_21_a_snapshot_of_one_draft_leaves_the_others(dataset: Dataset) -> None:
    """C-49: not only in the simple structure."""
    dataset.create_version(version_name="other")
    DatasetVersion.create_snapshot(dataset_name="cells", version_name="other")
    assert sorted(one.name for one in dataset.get_versions(only_draft=True)) == [
        "Current",
        "other",
    ]


def test_ie_04_statistics_may_be_overridden_at_a_commit(current: DatasetVersion) -> None:
    """They stand until the frames change."""
    given = {"labels": [{"name": "car", "count": 7}], "frames": [], "content_types": []}
    current.add_frames([frame("a")])
    current.commit_version(override_stats=given)
    assert current.get_stats() == given
    current.add_frames([frame("b")])
    assert current.get_stats()["labels"] == []


@pytest.mark.parametrize(
    "given",
    [
        {"junk": 1},
        [1],
        {"labels": {"car": 1}},
        {"labels": [{"name": "car"}]},
        {"labels": [{"name": "car", "count": -1}]},
        {"labels": [{"name": "\ud800", "count": 1}]},
        {"frames": [{"name": object(), "count": 1}]},
    ],
)
def test_ie_04_what_is_no_statistics_is_refused(current: DatasetVersion, given: object) -> None:
    """get_stats would answer it; and nothing is committed then."""
    current.add_frames([frame("a")])
    with pytest.raises(UsageError, match=r"override_stats(\.| is)"):
        current.commit_version(override_stats=given)  # type: ignore[arg-type]
    assert current.status().state == "draft"


def test_mk_02_colours_of_masks_mean_labels(current: DatasetVersion) -> None:
    """MK-06: read back as they were given, as tuples."""
    assert current.set_masks_labels({(0, 0, 0): ["background"], (255, 0, 0): ["a", "b"]}) is True
    assert current.get_masks_labels() == {(0, 0, 0): ("background",), (255, 0, 0): ("a", "b")}


def test_mk_05_mask_labels_stand_in_the_metadata_and_spare_the_rest(
    current: DatasetVersion,
) -> None:
    """Section 2.5: under `_all_`; what else is there stays."""
    current.set_metadata({"mine": 1, "mask_labels": {"seg": "kept"}})
    current.set_masks_labels({(1, 2, 3): ["x"]})
    current.set_masks_labels({(-1, 1, 255): ["y"]})
    assert current.get_metadata() == {
        "mine": 1,
        "mask_labels": {"seg": "kept", "_all_": [{"value": [-1, 1, 255], "labels": ["y"]}]},
    }


def test_mk_02_mask_labels_of_a_published_version_stay(current: DatasetVersion) -> None:
    """C-39; and they go on in its child."""
    current.set_masks_labels({(1, 2, 3): ["x"]})
    child = current.create_snapshot()
    assert current.set_masks_labels({}) is False
    assert current.get_masks_labels() == child.get_masks_labels() == {(1, 2, 3): ("x",)}


def test_mk_02_colours_come_from_arrays_and_labels_from_sets(current: DatasetVersion) -> None:
    """NumPy's whole numbers are numbers; a set is stored in the same order by every process."""
    numpy = pytest.importorskip("numpy")
    names = {"delta", "alpha", "echo", "bravo", "charlie"}
    current.set_masks_labels({tuple(numpy.array([1, 2, 3])): names})
    assert current.get_masks_labels() == {(1, 2, 3): tuple(sorted(names))}
    with pytest.raises(UsageError, match="it holds an int"):
        current.set_masks_labels({(1, 2, 3): [5]})  # type: ignore[list-item]


@pytest.mark.parametrize(
    "labels", [{"red": ["x"]}, {(1, 2.5): ["x"]}, {(1, 2, 3): 4}, [((1, 2, 3), ["x"])]]
)
def test_mk_02_what_is_no_colour_or_no_label_is_refused(
    current: DatasetVersion, labels: object
) -> None:
    """Nothing is changed then."""
    with pytest.raises(UsageError):
        current.set_masks_labels(labels)  # type: ignore[arg-type]
    assert current.get_metadata() == {}


def test_a_call_on_a_version_in_hand_warns_of_nothing(current: DatasetVersion) -> None:
    """The reference calls some of these deprecated; here they are as good as the others."""
    current.add_frames([frame("a")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert [one.id for one in current.get_frames_by_ids(["a"])] == ["a"]
