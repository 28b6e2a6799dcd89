"""The newer names: entries, their parts, and versions; with none of clearml's own defects."""

import hashlib
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from hyperstore import (
    Dataset,
    DatasetVersion,
    ExistsError,
    FrameError,
    FrameGroup,
    NotFoundError,
    SingleFrame,
    UsageError,
)
from hyperstore.allegroai.dataentry import DataEntry, DataSubEntry
from hyperstore.allegroai.dataentryimage import DataEntryImage, DataSubEntryImage
from hyperstore.allegroai.hyperdataset import HyperDataset, HyperDatasetManagement

pytestmark = pytest.mark.usefixtures("default_store")


class Question(DataEntry):
    """A class of a program, whose maker wants other arguments."""

    def __init__(self, text: str) -> None:
        super().__init__(metadata={"text": text})
        self.add_sub_entries([Said("asked", f"text://{text}")])


class Said(DataSubEntry):
    """A part of a class of its own."""


def dataset(**said: object) -> HyperDataset:
    return HyperDataset("lab", "cells", "v1", **said)  # type: ignore[arg-type]


def picture(name: str = "a", entry_id: str = "one") -> tuple[DataEntryImage, DataSubEntryImage]:
    """Return an entry of one picture with a mask, and that picture."""
    entry = DataEntryImage(data_entry_id=entry_id)
    part = DataSubEntryImage(
        name,
        source=f"s3://bucket/{name}.png",
        width=40,
        height=30,
        masks_source={"seg": "s3://b/m"},
    )
    entry.add_sub_entries([part])
    return entry, part


def rois_of(entry: DataEntry) -> list[dict[str, Any]]:
    """Return the ROIs of an entry's wire form."""
    rois = entry.to_api_object()["rois"]
    assert isinstance(rois, list)
    return rois


def again(entry: DataEntry) -> DataEntry:
    """Store an entry, and read it back."""
    made = dataset()
    assert made.add_data_entries([entry]) == {"upload": {}, "register": {}}
    return made.get_data_entry(entry.id)


# What of clearml 2.1.12 must not be copied, one by one.


def test_labels_alone_label_the_picture() -> None:
    """There they are dropped without a word."""
    entry, part = picture()
    assert part.add_annotation(labels=["x"]) == [0]
    assert part.add_annotation(frame_class=["c"]) == [1]
    (found,) = again(entry)
    assert isinstance(found, DataSubEntryImage)
    assert [one.labels for one in found.get_all_annotations()] == [["x"], ["c"]]


def test_a_polygon_of_several_parts_is_stored() -> None:
    """There it is a ValueError."""
    entry, part = picture()
    part.add_annotation(poly2d_xy=[[0, 0, 4, 0, 4, 4], [9, 9, 12, 9, 12, 12]], labels=["x"])
    (roi,) = rois_of(again(entry))
    assert roi["poly"] == [0, 0, 4, 0, 4, 4, -999999999, 9, 9, 12, 9, 12, 12]


def test_a_box_keeps_its_angle() -> None:
    """There it is lost."""
    entry, part = picture()
    part.add_annotation(box2d_xywh=[1, 2, 10, 5, 0.5], labels=["x"])
    (found,) = again(entry)
    assert isinstance(found, DataSubEntryImage)
    (box,) = found.get_annotations()
    assert box.bounding_box_xywha == [1, 2, 10, 5, 0.5]  # type: ignore[attr-defined]


def test_annotations_of_an_entry_are_stored() -> None:
    """There those of DataEntryImage are lost, and all four arguments must be given."""
    entry, _ = picture()
    assert entry.add_annotation(labels=["whole"]) == 0
    assert entry.add_annotation(id="b", labels=["two"], confidence=0.5, metadata={"k": 1}) == 1
    found = again(entry)
    assert [one.labels for one in found.get_all_annotations()] == [["whole"], ["two"]]
    assert [one.metadata for one in found.get_annotations(id="b")] == [{"k": 1}]
    assert found.get_annotations(index=1)[0].confidence == 0.5


def test_a_global_annotation_stays_one() -> None:
    """There it comes back as one for each source."""
    entry, part = picture("a")
    entry.add_sub_entries([DataSubEntryImage("b", source="s3://bucket/b.png")])
    part.add_annotation(labels=["own"])
    assert entry.add_global_annotation(box2d_xywh=[1, 1, 5, 5], labels=["both"]) == [0]
    found = again(entry)
    assert isinstance(found, DataEntryImage)
    assert [one.labels for one in found.get_all_global_annotations()] == [["both"]]
    assert [part.get_all_annotations() for part in found][1] == []  # type: ignore[attr-defined]
    assert [one["sources"] for one in rois_of(found)] == [["a"], ["a", "b"]]
    assert [one.labels for one in found.remove_global_annotations(label="both")] == [["both"]]
    assert found.get_all_global_annotations() == []


def test_a_colour_of_a_mask_names_its_mask() -> None:
    """There it names mask 00 whatever the mask is called."""
    entry, part = picture()
    part.add_annotation(mask_rgb=[1, 2, 3], labels=["x"])
    (roi,) = rois_of(again(entry))
    assert roi["mask"] == {"id": "seg", "value": [1, 2, 3]}


def test_a_shape_that_is_none_is_an_error() -> None:
    """There it is dropped without a word."""
    _, part = picture()
    for shape in ([1, 2, 3], "abc", [1, 2, float("nan"), 4, 5, 6]):
        with pytest.raises((FrameError, UsageError)):
            part.add_annotation(poly2d_xy=shape, labels=["x"])


def test_masks_keep_their_ids() -> None:
    """There set_masks_source drops them, and mask files are never seen."""
    entry, part = picture()
    part.set_masks_source({"depth": "s3://b/d.png"})
    assert part.set_mask_source("s3://b/e.png") == "01"
    assert part.get_source("mask_source") == "s3://b/d.png"
    (found,) = again(entry)
    assert isinstance(found, DataSubEntryImage)
    assert found.get_masks_source_dict() == {"depth": "s3://b/d.png", "01": "s3://b/e.png"}
    assert (found.get_mask_source(), found.get_mask_source("01")) == (
        "s3://b/d.png",
        "s3://b/e.png",
    )
    part.set_mask_source(None)
    assert part.get_masks_source_dict() == {}


def test_hashes_of_all_files_are_found() -> None:
    """There that of a mask is always None."""
    _, part = picture()
    part._frame.sourcedata["hash"] = {"source": "a", "preview_source": "b", "mask_source": ["c"]}
    fields = ("source", "preview_source", "mask_source")
    assert [part.get_hash(name) for name in fields] == ["a", "b", "c"]
    with pytest.raises(UsageError, match="preview_source"):
        part.get_hash("mask")


def test_a_timestamp_is_stored() -> None:
    """There only that of the source is."""
    entry, part = picture()
    part.timestamp = 33
    part.context_id = "video"
    made = dataset()
    made.add_data_entries([entry])
    frame = DatasetVersion.get_single_frame("one", dataset_name="cells")
    assert isinstance(frame, FrameGroup)
    assert (frame.timestamp, frame.context_id) == (33, "video")


# Classes of the program's own.


def test_an_entry_comes_back_as_the_class_that_wrote_it() -> None:
    """And so do its parts, though their makers want other arguments."""
    found = again(Question("why"))
    assert type(found) is Question
    assert [type(one) for one in found] == [Said]
    assert found.metadata == {"text": "why"}


def test_a_class_that_is_not_loaded_is_never_imported(tmp_path: Path) -> None:
    """Data names it, and data comes from anybody; it is said, and the base class serves."""
    wire = Question("why").to_api_object()
    wire["_clearml"] = {"entry": "antigravity:Fly", "parts": {"asked": "os:system"}}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = DataEntry.from_api_object(wire)
    assert (type(found), [type(one) for one in found]) == (DataEntry, [DataSubEntry])
    assert len(said) == 2
    assert "antigravity:Fly" in str(said[0].message)
    assert "antigravity" not in sys.modules


def test_what_clearml_wrote_is_understood() -> None:
    """It keeps classes among the metadata, where they are no metadata."""
    wire: dict[str, Any] = {
        "id": "x",
        "meta": {
            "k": 1,
            "_clearml_data_entry_class": f"{__name__}:Question",
            "a": {"own": 2, "_clearml_data_sub_entry_class": f"{__name__}:Said"},
        },
        "sources": [{"id": "a", "uri": "text://a"}],
    }
    found = DataEntry.from_api_object(wire)
    assert (type(found), found.metadata) == (Question, {"k": 1})
    assert [(type(one), one.metadata) for one in found] == [(Said, {"own": 2})]
    assert wire["meta"]["_clearml_data_entry_class"]  # It is not taken apart.


def test_frames_of_others_come_as_entries_and_go_back_as_they_were() -> None:
    """A single frame stays one, whatever wrote it; pictures are told by what only they have."""
    version = DatasetVersion.create_new_dataset("cells").get_version()
    frame = SingleFrame(id="f", source="s3://b/a.png", width=3, metadata={"k": 1}, context_id="c")
    frame.add_annotation(box2d_xywh=[1, 1, 2, 2], labels=["x"])
    group = FrameGroup(id="g", metadata={"g": 1}, left=SingleFrame(source="text://l"))
    version.add_frames([frame, group])
    version.commit_version()
    before = version.content_id
    made = HyperDatasetManagement.get("cells")
    entries = {one.id: one for one in made}
    assert {name: type(one) for name, one in entries.items()} == {
        "f": DataEntryImage,
        "g": DataEntry,
    }
    assert entries["f"].metadata == {"k": 1}
    made.add_data_entries(list(entries.values()))
    kept = [one.to_dict() for one in version]
    for wire in kept:
        wire.pop("_clearml", None)
    assert kept == [one.to_dict() for one in version.at(version.log()[-1].id)]
    assert before != ""


# Versions.


def test_a_version_is_made_once_and_got_after_that() -> None:
    """Its dataset too, without a version beside the one that was asked for."""
    first = dataset(description="words")
    assert dataset().version_id == first.version_id
    assert [one.version_name for one in DatasetVersion.get_versions(dataset_name="cells")] == ["v1"]
    with pytest.raises(ExistsError):
        dataset(raise_if_exists=True)
    assert (first.project_name, first.dataset_name, first.version_name) == ("lab", "cells", "v1")
    second = HyperDataset("lab", "cells", "v2")
    assert HyperDatasetManagement.get("cells", "v2").version_id == second.version_id
    first.publish_version()
    child = HyperDataset("lab", "cells", "v3", parent_ids=[first.version_id])
    assert child.version_id not in (first.version_id, second.version_id)


def test_failures_are_told_by_entry_and_the_rest_is_committed() -> None:
    """One bad entry stops no others."""
    good, bare = Question("why"), DataEntry(data_entry_id="bare")
    made = dataset()
    errors = made.add_data_entries([bare, good])
    assert list(errors["register"]) == ["bare"]
    assert [one.id for one in made] == [good.id]
    version = DatasetVersion.get_version(version_id=made.version_id)
    assert version.status().state == "committed"
    with pytest.raises(UsageError, match="DataEntry"):
        made.add_data_entries(["x"])  # type: ignore[list-item]


def test_entries_are_deleted_by_themselves_or_by_id() -> None:
    """And counted."""
    made = dataset()
    entries = [Question(str(number)) for number in range(3)]
    made.add_data_entries(entries)
    assert made.delete_data_entries([entries[0], entries[1].id, "gone"]) == 2
    assert [one.id for one in made] == [entries[2].id]
    assert list(made.get_iterator(projection=["id"])) == [{"id": entries[2].id}]


def test_local_files_are_sent_and_named_where_they_lie(tmp_path: Path) -> None:
    """The entry in hand leads there too, so that adding it again moves nothing back."""
    file = tmp_path / "data" / "a.txt"
    file.parent.mkdir()
    file.write_text("a")
    entry = DataEntry()
    entry.add_sub_entries([DataSubEntry("a", source=str(file))])
    made = dataset()
    errors = made.add_data_entries([entry], upload_local_files_destination=str(tmp_path / "out"))
    assert errors == {"upload": {}, "register": {}}
    (part,) = entry
    assert part.source is not None
    assert Path(part.source).is_relative_to(tmp_path / "out")
    file.unlink()
    (found,) = made.get_data_entry(entry.id)
    local = found.get_local_source(raise_on_error=True)
    assert local is not None
    assert Path(local).read_text() == "a"


def test_a_part_may_say_where_its_files_go(tmp_path: Path) -> None:
    """But an entry has one destination, since it is stored whole or not at all."""
    (tmp_path / "a.txt").write_text("a")
    entry = DataEntry()
    parts = [DataSubEntry("a", source=str(tmp_path / "a.txt")), DataSubEntry("b", "s3://b/b")]
    entry.add_sub_entries(parts)
    parts[0].set_local_sources_upload_destination(str(tmp_path / "own"))
    with pytest.raises(UsageError, match="one destination"):
        dataset().add_data_entries([entry])
    parts[1].set_local_sources_upload_destination(str(tmp_path / "own"))
    assert dataset().add_data_entries([entry]) == {"upload": {}, "register": {}}
    assert Path(str(parts[0].source)).is_relative_to(tmp_path / "own")


def test_a_file_that_is_not_there_is_a_failed_upload(tmp_path: Path) -> None:
    """And nothing of its entry is stored."""
    entry = DataEntry(data_entry_id="x")
    entry.add_sub_entries([DataSubEntry("a", source=str(tmp_path / "gone"))])
    made = dataset()
    errors = made.add_data_entries([entry], upload_local_files_destination=str(tmp_path / "out"))
    assert list(errors["upload"]) == ["x"]
    assert len(made) == 0


@pytest.mark.parametrize("field", ["emb", "vectors.emb"])
def test_vectors_are_stored_and_their_length_is_held(field: str) -> None:
    """For every version of the dataset, and for whoever opens it later."""
    said = {f"meta.{field}": {"type": "dense_vector", "element_type": "float", "dims": 3}}
    dataset(field_mappings=said)
    good, short = Question("good"), Question("short")
    good.set_vector([1.0, 2, 3], f"meta.{field}")
    short.set_vector((1.0, 2), field)
    errors = dataset().add_data_entries([good, short])
    assert list(errors["register"]) == [short.id]
    assert "3 numbers" in str(errors["register"][short.id])
    found: object = dataset().get_data_entry(good.id).metadata
    for name in field.split("."):
        assert isinstance(found, dict)
        found = found[name]
    assert found == [1.0, 2, 3]
    with pytest.raises(UsageError, match="known as"):
        dataset(field_mappings={f"meta.{field}": {"type": "dense_vector", "dims": 4}})


@pytest.mark.parametrize(
    "fields",
    [{"meta.f": "vector"}, {"meta.f": {"dims": 3}}, {"meta.f": {"type": "dense_vector"}}]
    + [{"meta.f": {"type": "dense_vector", "dims": dims}} for dims in (0, -1, True, 1.5, "3")],
)
def test_fields_that_make_no_sense_are_refused(fields: dict[str, object]) -> None:
    """Before anything is made."""
    with pytest.raises(UsageError):
        dataset(field_mappings=fields)
    assert not HyperDatasetManagement.exists("cells")


@pytest.mark.parametrize("vector", ["abc", [True], [None], {"a": 1}, 5])
def test_a_vector_is_a_list_of_numbers(vector: object) -> None:
    """And nothing that looks like one."""
    with pytest.raises(UsageError):
        DataEntry().set_vector(vector, "f")  # type: ignore[arg-type]


def with_vectors() -> HyperDataset:
    """Return a dataset of entries whose vectors are at known places of the plane."""
    made = dataset()
    places = {"east": [2.0, 0.0], "north": [0.0, 1.0], "west": [-3.0, 0.0], "both": [1.0, 1.0]}
    entries = [DataEntry(name, metadata={"side": name[0], "f": at}) for name, at in places.items()]
    for entry in [*entries, DataEntry("none"), DataEntry("longer", metadata={"f": [1, 2, 3]})]:
        entry.add_sub_entries([DataSubEntry("p", source=f"s3://b/{entry.id}")])
        assert made.add_data_entries([entry])["register"] == {}
    return made


@pytest.mark.parametrize(
    ("similarity", "nearest"),
    [
        ("cosine", ["east", "both", "north", "west"]),
        ("dot_product", ["east", "both", "north", "west"]),
        ("l2_norm", ["both", "east", "north", "west"]),
        ("12_norm", ["both", "east", "north", "west"]),
    ],
)
def test_the_nearest_vectors_come_first(similarity: str, nearest: list[str]) -> None:
    """By hand: from (1.2, 0.5) it is 0.54 to (1, 1), 0.94 to (2, 0), 1.3 to (0, 1).

    The direction of (2, 0) is nearer than that of (1, 1), and it is longer, too. Entries without a
    vector, or with a longer one, are no neighbours.
    """
    at = [1.2, 0.5] if similarity.endswith("2_norm") else [1.0, 0.2]
    made = with_vectors()
    found = made.vector_search(at, "meta.f", similarity_function=similarity)
    assert [one.id for one in found] == nearest
    few = made.vector_search(at, "f", 2, similarity_function=similarity)
    assert [one.id for one in few] == nearest[:2]


def test_a_search_takes_filters() -> None:
    """The nearest of those that fit, and not those that fit of the nearest."""
    found = with_vectors().vector_search([1.0, 0.0], "f", 1, frame_query="meta.side:n")
    assert [one.id for one in found] == ["north"]


@pytest.mark.parametrize(
    "said",
    [
        {"reference_vector": []},
        {"reference_vector": "12"},
        {"reference_vector": [float("nan")]},
        {"reference_vector": [0.0, 0.0]},
        {"vector_field": ""},
        {"number_of_neighbors": 0},
        {"similarity_function": "manhattan"},
        {"similarity_function": "l2_norm", "fast": True},
    ],
)
def test_a_search_for_nothing_is_refused(said: dict[str, object]) -> None:
    """With an error that is a ValueError, as there."""
    asked = {"reference_vector": [1.0, 0.0], "vector_field": "f"} | said
    with pytest.raises(ValueError, match=r"\w"):
        dataset().vector_search(**asked)  # type: ignore[arg-type]


def test_a_snapshot_leaves_the_child_in_hand() -> None:
    """As clearml's own code does it: what is returned is what was published."""
    made = dataset()
    before = made.version_id
    published = made.create_snapshot(publish_name="spring")
    assert (published.version_id, published.version_name) == (before, "spring")
    assert made.version_id != before
    assert made.version_name == "v1"
    assert DatasetVersion.get_version(version_id=before).published


def test_datasets_are_found_listed_and_deleted() -> None:
    """By name, project, pattern and id."""
    made = dataset()
    HyperDataset("lab/below", "tissue", "v1").set_tags(["t"])
    manage = HyperDatasetManagement
    assert manage.exists("cells", "v1", "lab")
    assert not manage.exists("cells", "v9")
    assert not manage.exists("nothing")
    names = [one["name"] for one in manage.list(project_name="lab")]
    assert names == ["cells", "tissue"]
    assert len(manage.list(project_name="lab", recursive_project_search=False)) == 1
    assert [one["name"] for one in manage.list(partial_name="^ti")] == ["tissue"]
    assert [one["id"] for one in manage.list(ids=[made.dataset_id])] == [made.dataset_id]
    with pytest.raises(UsageError, match="regular expression"):
        manage.list(partial_name="(")
    assert manage.delete("cells", force=True)
    with pytest.raises(NotFoundError):
        manage.get("cells")
    with pytest.raises(UsageError):
        manage.get()
    with pytest.raises(UsageError):
        manage.get("a", dataset_id="b")


def test_archived_datasets_are_listed_unless_asked_otherwise() -> None:
    """As the documents have it."""
    for name in ("cells", "old"):
        HyperDataset("lab", name, "v1")
    Dataset.get("old").archive()
    listed = HyperDatasetManagement.list()
    assert {one["name"] for one in listed} == {"cells", "old"}
    some = HyperDatasetManagement.list(include_archived=False)
    assert [one["name"] for one in some] == ["cells"]


def test_two_parts_of_one_name_are_refused() -> None:
    """One of the files would be left out of the entry, and nobody told."""
    entry = DataEntry()
    entry.add_sub_entries([DataSubEntry("a", "s3://bucket/a")])
    for names in (("a",), ("b", "b")):
        with pytest.raises(UsageError, match=names[0]):
            entry.add_sub_entries([DataSubEntry(one, "s3://bucket/b") for one in names])
    assert [(one.name, one.source) for one in entry] == [("a", "s3://bucket/a")]


def test_tags_and_metadata_are_of_the_version() -> None:
    """They are read by the older names too."""
    made = dataset()
    made.set_tags(["a"])
    made.add_tags(["b"])
    made.remove_tags(["a"])
    assert made.tags == made.get_tags() == ["b"]
    made.tags = ["c"]
    assert made.set_metadata({"k": 1})
    version = DatasetVersion.get_version(version_id=made.version_id)
    assert (version.tags, version.get_metadata()) == (["c"], {"k": 1})
    assert made.get_metadata() == {"k": 1}
    assert made.commit_version(publish=True)["version"] == made.version_id
    assert not made.set_metadata({})


def test_annotations_are_removed_by_position_id_or_any_label() -> None:
    """Any of several labels is enough by these names, where the older ones want all of them."""
    _, part = picture()
    for labels, id in ((["a"], "1"), (["b", "c"], "2"), (["d"], "2")):
        part.add_annotation(box2d_xywh=[0, 0, 1, 1], labels=labels, id=id)
    assert part.remove_annotation(index=7) is None
    assert [one.labels for one in part.remove_annotations(labels=["c", "z"])] == [["b", "c"]]
    assert part.remove_annotation(index=0).labels == ["a"]  # type: ignore[union-attr]
    assert [one.labels for one in part.remove_annotation(id="2")] == [["d"]]  # type: ignore[union-attr]
    with pytest.raises(UsageError):
        part.remove_annotation()
    part.add_annotation(labels=["e"])
    assert len(part.remove_annotations()) == 1


def test_local_files_are_hashed_where_that_is_asked(tmp_path: Path) -> None:
    """Of pictures and of any other part; what is a pointer only has no bytes."""
    local = tmp_path / "local.png"
    local.write_bytes(b"bytes")
    entry = DataEntry(data_entry_id="one")
    entry.add_sub_entries(
        [DataSubEntryImage("a", source=str(local)), DataSubEntry("asked", "text://what")]
    )
    made = dataset()
    assert made.add_data_entries([entry], hash_sources=True) == {"upload": {}, "register": {}}
    version = DatasetVersion.get_version(dataset_name="cells", version_name="v1")
    group = version.get_frame("one")
    assert isinstance(group, FrameGroup)
    digest = hashlib.sha256(b"bytes").hexdigest()
    assert {name: member.hash for name, member in group.items()} == {"a": digest, "asked": None}
    local.unlink()
    errors = made.add_data_entries([entry], hash_sources=True)
    assert list(errors["register"]) == ["one"]
