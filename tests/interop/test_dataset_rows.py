"""What the reference promises of a Dataset, row by row; each test is named after its row."""

import logging
import pickle
import shutil
from pathlib import Path

import pytest

import hyperstore
from hyperstore import Dataset, DatasetVersion, ExistsError, RefusedError, SingleFrame, UsageError
from hyperstore.dataset.handle import unshare
from hyperstore.dataset.states import iso_time

pytestmark = pytest.mark.usefixtures("default_store")


def frame(name: str) -> SingleFrame:
    """Return a frame of that id."""
    return SingleFrame(id=name, source=f"s3://bucket/{name}.jpg")


def published(dataset: Dataset) -> DatasetVersion:
    """Publish the dataset's current version with one frame."""
    version = dataset.get_version()
    version.add_frames([frame("a")])
    assert version.publish_version()
    return version


def test_ds_01_a_new_dataset_holds_one_empty_draft_named_current() -> None:
    """Programs write to it at once."""
    dataset = Dataset.create(dataset_name="cells")
    (version,) = dataset.get_versions()
    assert (version.version_name, version.draft, len(version)) == ("Current", True, 0)


def test_ds_01_creating_an_existing_dataset_returns_it() -> None:
    """A registration script runs again without a look whether it ran before."""
    first = Dataset.create("cells", description="one")
    again = Dataset.create("cells", description="two")
    assert again == first
    assert again.description == "one"


def test_ds_02_the_version_class_makes_datasets_too() -> None:
    """Older programs call it there, with the name by position."""
    dataset = DatasetVersion.create_new_dataset("cells", description="d", tags=["a", "b"])
    assert type(dataset) is Dataset
    assert (dataset.description, dataset.tags) == ("d", ["a", "b"])


def test_ds_03_an_existing_dataset_is_a_value_error_if_asked_for() -> None:
    """Both kinds of except clause catch it."""
    Dataset.create("cells")
    with pytest.raises(ExistsError) as raised:
        Dataset.create("cells", raise_if_exists=True)
    assert isinstance(raised.value, ValueError)


def test_ds_04_a_project_comes_with_its_first_dataset() -> None:
    """Two projects may have a dataset of one name."""
    one = Dataset.create("cells", dataset_project="one")
    other = Dataset.create("cells", dataset_project="two")
    assert one != other
    assert (one.project, other.project) == ("one", "two")


def test_ds_05_a_dataset_is_got_by_name_or_id() -> None:
    """The id stays when it is renamed."""
    made = Dataset.create("cells")
    assert Dataset.get(dataset_name="cells") == made
    made.rename("tissue")
    assert Dataset.get(dataset_id=made.id).dataset_name == "tissue"


def test_ds_05_a_missing_dataset_is_a_value_error_that_lists_the_nearest() -> None:
    """A typing error is the most frequent reason."""
    Dataset.create("zebras")
    Dataset.create("cells")
    with pytest.raises(ValueError, match=r"no dataset 'cels'; there are: 'cells'"):
        Dataset.get("cels")


def test_ds_06_an_empty_dataset_is_deleted_without_more() -> None:
    """Nothing is lost by that."""
    Dataset.create("cells")
    Dataset.delete("cells")
    assert DatasetVersion.get_datasets() == []


def test_ds_06_drafts_go_only_when_asked_for() -> None:
    """Frames are somebody's work."""
    Dataset.create("cells").get_version().add_frames([frame("a")])
    with pytest.raises(RefusedError, match="delete_all_versions"):
        Dataset.delete("cells")
    Dataset.delete("cells", delete_all_versions=True)
    assert DatasetVersion.get_datasets() == []


def test_ds_06_published_versions_go_only_by_force() -> None:
    """Somebody may have trained on one; and a refused call deletes nothing at all."""
    dataset = Dataset.create("cells")
    version = published(dataset)
    dataset.create_version(version_name="next", parent_version_ids=[version.id])
    with pytest.raises(RefusedError, match="published"):
        Dataset.delete("cells", delete_all_versions=True)
    assert len(dataset.get_versions()) == 2
    Dataset.delete("cells", delete_all_versions=True, force=True)
    assert DatasetVersion.get_datasets() == []


def test_ds_07_one_draft_version_is_deleted_by_name() -> None:
    """The others stay."""
    dataset = Dataset.create("cells")
    dataset.create_version(version_name="other")
    dataset.delete_version(version_name="other")
    assert [one.version_name for one in dataset.get_versions()] == ["Current"]


def test_ds_08_labels_are_added_and_removed() -> None:
    """Each label counts once."""
    dataset = Dataset.create("cells", tags=["a"])
    dataset.add_tags(["b", "a"])
    dataset.remove_tags(["a", "never had"])
    assert dataset.tags == ["b"]


def test_ds_09_a_dataset_makes_and_finds_its_versions() -> None:
    """Its own calls need no selectors."""
    dataset = Dataset.create("cells", dataset_project="p")
    made = dataset.create_version(version_name="v2")
    assert type(made) is DatasetVersion
    assert dataset.get_version(version_name="v2") == made
    assert {one.version_name for one in dataset.get_versions()} == {"Current", "v2"}
    assert dataset.project == "p"


def test_ds_10_datasets_come_oldest_first() -> None:
    """By creation, not by name."""
    for name in ("b", "c", "a"):
        Dataset.create(name)
    assert [one.name for one in DatasetVersion.get_datasets()] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ["ab", "a", "b", "none"]),
        (["a"], ["ab", "a"]),
        (["a", "b"], ["ab", "a", "b"]),
        (["a", "-b"], ["a"]),
        (["-a"], ["b", "none"]),
        (["__$all", "a", "b"], ["ab"]),
        (["__$and", "a", "b"], ["ab"]),
        (["__$all", "a", "__$not", "b"], ["a"]),
        (["__$not", "a"], ["b", "none"]),
        (["__$or", "b", "__$not", "a"], ["ab", "b", "none"]),
        (["__$all", "a", "__$or", "b", "never"], ["ab"]),
    ],
)
def test_ds_11_labels_choose_by_their_little_language(
    words: list[str], expected: list[str]
) -> None:
    """Groups must all hold; each joins its labels in its own way."""
    for name, tags in (("ab", ["a", "b"]), ("a", ["a"]), ("b", ["b"]), ("none", [])):
        Dataset.create(name, tags=tags)
    assert [one.name for one in DatasetVersion.get_datasets(tags=words)] == expected


@pytest.mark.parametrize("words", [["__$nor", "a"], ["a", "__$not"], ["__$not", "__$or"], "a"])
def test_ds_11_what_the_language_does_not_say_is_refused(words: list[str]) -> None:
    """A filter that is read in another way than meant deletes the wrong datasets."""
    with pytest.raises(UsageError):
        DatasetVersion.get_datasets(tags=words)


def test_ds_12_the_record_has_all_documented_fields() -> None:
    """Programs that walk over them find none missing."""
    dataset = Dataset.create("cells", description="d", tags=["a"], dataset_project="p")
    dataset.set_metadata({"k": 1})
    record = dataset.to_dict()
    assert list(record) == [
        "id",
        "name",
        "comment",
        "created",
        "last_update",
        "tags",
        "system_tags",
        "metadata",
        "project",
        "user",
        "company",
        "terms_of_use",
        "paradigm",
        "head_version",
        "version_count",
        "display_stats",
        "display_version_name",
    ]
    assert record["head_version"] == dataset.get_version().id
    assert (record["version_count"], record["metadata"]) == (1, {"k": 1})


def test_ds_13_versions_in_one_line_are_a_single_version_dataset() -> None:
    """A fork makes it general."""
    dataset = Dataset.create("cells")
    child = dataset.get_version().create_snapshot()
    assert dataset.paradigm == "single_version"
    dataset.create_version(version_name="fork", parent_version_ids=[child.get_parent()])
    assert dataset.paradigm == "general"


def test_ds_14_the_head_is_the_draft_furthest_from_its_root() -> None:
    """Not the newest draft."""
    dataset = Dataset.create("cells")
    child = dataset.get_version().create_snapshot()
    dataset.create_version(version_name="root again")
    assert dataset.head_version == child


def test_ds_15_a_dataset_is_archived_renamed_and_moved() -> None:
    """Users ask for these."""
    dataset = Dataset.create("cells")
    dataset.archive()
    dataset.rename("tissue")
    dataset.move_to_project("lab")
    dataset.set_description("slides")
    assert dataset.record.system_tags == ["archived"]
    assert (dataset.name, dataset.project, dataset.description) == ("tissue", "lab", "slides")
    dataset.unarchive()
    assert dataset.record.system_tags == []


def test_ds_16_the_schema_lists_fields_with_their_types() -> None:
    """One with two types shows both, so that a query's author sees the conflict."""
    version = Dataset.create("cells").get_version()
    one, other = frame("a"), frame("b")
    one.metadata.update({"n": 1, "deep": {"x": [1.5]}})
    other.metadata.update({"n": "one"})
    one.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["x"], metadata={"hard": True})
    version.add_frames([one, other])
    fields = version.get_schema("frame")
    assert (fields["meta.n"], fields["meta.deep.x"]) == (["integer", "string"], ["number"])
    assert version.get_schema("roi")["meta.hard"] == ["boolean"]
    assert "uri" in version.get_schema_keys("source")
    with pytest.raises(UsageError, match="frame, source or roi"):
        version.get_schema("mask")


def test_ds_17_sources_and_contexts_are_listed() -> None:
    """A snippet stands for the frames of its context."""
    version = Dataset.create("cells").get_version()
    clip = [
        SingleFrame(id=f"f{at}", source="s3://b/clip.mp4", timestamp=at, context_id="clip")
        for at in (0, 33)
    ]
    version.add_frames([*clip, frame("z")])
    assert version.get_source_ids() == ["default"]
    assert version.get_sources() == {"s3://b/clip.mp4": "f0", "s3://bucket/z.jpg": "z"}
    assert version.get_sources(max_count=1) == {"s3://b/clip.mp4": "f0"}
    found = version.get_snippets()
    assert [(one["id"], one["num_frames"]) for one in found] == [("f0", 2), ("z", 1)]


def test_ds_18_of_two_projects_the_dataset_changed_last_is_got_with_a_warning() -> None:
    """A name alone is ambiguous, so the choice is said."""
    one = Dataset.create("cells", dataset_project="one")
    Dataset.create("cells", dataset_project="two")
    one.get_version().add_frames([frame("a")])
    with pytest.warns(UserWarning, match="projects"):
        assert Dataset.get("cells") == one
    assert Dataset.get("cells", dataset_project="two") != one


def test_ds_19_what_happens_to_a_frame_updates_its_dataset() -> None:
    """The newest operation on anything of it counts."""
    dataset = Dataset.create("cells")
    dataset.get_version().add_frames([frame("a")])
    store = hyperstore.open(dataset.get_version().view().home.store)
    with store:
        newest = next(store.operations())

    assert dataset.to_dict()["last_update"] == iso_time(newest.time_ms)


def test_the_default_store_is_made_at_the_first_write_and_said_once(
    default_store: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A look makes nothing; who writes is told where it went."""
    assert DatasetVersion.get_datasets() == []
    with pytest.raises(ValueError, match="no store yet"):
        Dataset.get("cells")
    assert not default_store.exists()
    with caplog.at_level(logging.INFO, logger="hyperstore"):
        Dataset.create("cells")
        Dataset.create("other")
    assert [one.getMessage() for one in caplog.records] == [f"made a store in {default_store}"]


@pytest.mark.parametrize(
    "given",
    [
        {"dataset_name": "-x"},
        {"dataset_name": 3},
        {"dataset_name": "a", "dataset_project": " "},
        {"dataset_name": "a", "tags": "label"},
        {"dataset_name": "a", "description": 3},
    ],
)
def test_what_cannot_be_stored_makes_no_store(
    default_store: Path, given: dict[str, object]
) -> None:
    """A folder that appears for nothing puzzles whoever finds it."""
    with pytest.raises(UsageError):
        Dataset.create(**given)  # type: ignore[arg-type]
    assert not default_store.exists()


def test_datasets_and_versions_of_class_calls_go_to_other_processes() -> None:
    """They pickle as the path of their store and their ids."""
    dataset = Dataset.create("cells")
    version = dataset.get_version()
    version.add_frames([frame("a")])
    again, read = pickle.loads(pickle.dumps((dataset, version)))
    assert (type(again), type(read)) == (Dataset, DatasetVersion)
    assert (again, read) == (dataset, version)
    assert [one.id for one in read] == ["a"]


def test_another_store_in_the_same_folder_is_another_store(default_store: Path) -> None:
    """What is written after the folder was removed and made again must not go to the old files."""
    Dataset.create("cells")
    shutil.rmtree(default_store)
    hyperstore.init(default_store).close()
    assert DatasetVersion.get_datasets() == []
    Dataset.create("tissue")
    with hyperstore.open(default_store) as store:
        assert [one.name for one in store.datasets()] == ["tissue"]


def test_without_a_named_folder_the_nearest_store_upwards_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command does the same."""
    monkeypatch.delenv("HYPERSTORE_DIR")
    folder = tmp_path / ".hyperstore"
    with hyperstore.init(folder) as store:
        made = store.create_dataset("cells")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert Dataset.get("cells") == made
    unshare(folder)


def test_without_any_store_the_first_write_makes_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that was written for a server does not know of stores."""
    monkeypatch.delenv("HYPERSTORE_DIR")
    monkeypatch.chdir(tmp_path)
    Dataset.create("cells")
    assert (tmp_path / ".hyperstore" / "db").is_dir()
    unshare(tmp_path / ".hyperstore")


def test_calls_on_the_classes_see_what_native_calls_wrote(default_store: Path) -> None:
    """There is one store, and two ways to it."""
    with hyperstore.init(default_store) as store:
        version = store.create_dataset("cells").version()
        version.add_frames([frame("a")])
        assert [one.id for one in DatasetVersion.get_current(dataset_name="cells")] == ["a"]
        Dataset.get("cells").get_version().add_frames([frame("b")])
        assert [one.id for one in version] == ["a", "b"]


def test_selectors_that_exclude_each_other_are_refused() -> None:
    """Which one was meant, nobody knows."""
    made = Dataset.create("cells")
    with pytest.raises(UsageError, match="dataset_id and dataset_name") as raised:
        Dataset.get("cells", dataset_id=made.id)
    assert isinstance(raised.value, RuntimeError)
    with pytest.raises(UsageError, match="version_id and version_name"):
        DatasetVersion.get_version(dataset_name="cells", version_id="1", version_name="2")


def test_an_unknown_argument_names_the_closest() -> None:
    """A TypeError, as Python has it, but one that helps."""
    with pytest.raises(TypeError, match=r"dataset_nam.*'dataset_name'"):
        Dataset.create(dataset_nam="cells")  # type: ignore[call-arg]


def test_a_dataset_and_a_version_are_not_made_by_hand() -> None:
    """DV-01: there is nothing behind one that nobody got."""
    with pytest.raises(UsageError, match="get_version"):
        DatasetVersion()
    with pytest.raises(UsageError, match=r"Dataset\.get"):
        Dataset()


@pytest.mark.parametrize("how", ["name", "version", "class"])
def test_dv_20_a_version_whose_name_another_has_is_not_deleted_by_it(how: str) -> None:
    """Which of the two was meant, nobody knows."""
    dataset = Dataset.create("cells")
    one, other = dataset.create_version("A"), dataset.create_version("B")
    other.set_version_name("A")
    deletions = {
        "name": lambda: dataset.delete_version(version_name="A"),
        "version": lambda: dataset.delete_version("A"),
        "class": lambda: DatasetVersion.remove_version(dataset_name="cells", version_name="A"),
    }
    with pytest.raises(UsageError, match=rf"{other.id} and {one.id}; give"):
        deletions[how]()
    assert len(dataset.versions()) == 3
