"""What the reference promises of a version's frames; each test is named after its row."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperstore import (
    Dataset,
    DatasetVersion,
    FrameError,
    FrameGroup,
    PublishedError,
    SingleFrame,
    UsageError,
)

pytestmark = pytest.mark.usefixtures("default_store")


def frame(name: str, **metadata: object) -> SingleFrame:
    """Return a frame of that id."""
    return SingleFrame(id=name, source=f"s3://bucket/{name}.jpg", metadata=metadata)


def test_fr_01_frames_are_added_or_overwritten_by_id(draft: DatasetVersion) -> None:
    """With every documented argument at its default, in the documented order."""
    assert draft.add_frames([frame("a", old=1)], False, 1000, True) == []
    assert draft.add_frames([frame("a", new=2)], refresh_version_stats=False) == []
    assert [one.metadata for one in draft] == [{"new": 2}]
    draft.publish_version()
    with pytest.raises(PublishedError):
        draft.add_frames([frame("b")])


def test_fr_01_frames_that_replace_others_are_warned_of_if_asked_for(
    draft: DatasetVersion,
) -> None:
    """By number; silent otherwise."""
    draft.add_frames([frame("a"), frame("b")])
    with pytest.warns(UserWarning, match="1 frame replaced"):
        draft.add_frames([frame("b"), frame("c")], warn_on_duplicate_frames=True)
    draft.add_frames([frame("d")], warn_on_duplicate_frames=True)


def test_fr_02_failures_are_dicts_and_stop_no_other_frame(draft: DatasetVersion) -> None:
    """FR-03; the frame is the one that was given."""
    bad = SingleFrame(id="bad")
    (failure,) = draft.add_frames([frame("a"), bad, frame("b")])
    assert set(failure) == {"frame", "error", "error_type"}
    assert failure["frame"] is bad
    assert failure["error_type"] == "validation"
    assert [one.id for one in draft] == ["a", "b"]


def test_fr_02_failures_are_taken_back_as_input(draft: DatasetVersion) -> None:
    """C-61: mend the frames, and give the list again."""
    failures = draft.add_frames([SingleFrame(id="bad")])
    failures[0]["frame"].source = "s3://bucket/good.jpg"  # type: ignore[attr-defined]
    assert draft.add_frames(failures) == []
    assert [one.id for one in draft] == ["bad"]


def test_fr_04_adding_never_commits(draft: DatasetVersion) -> None:
    """C-62: statistics are fresh whenever they are asked for."""
    draft.add_frames([frame("a")], refresh_version_stats=True)
    assert draft.log() == []
    assert draft.get_stats()["frames"][1] == {"name": "unannotated", "count": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"auto_upload_destination": "s3://b"}, "needs local_dataset_root_path"),
        ({"local_dataset_root_path": "/d", "src_to_dst_mapping": {}}, "exclude each other"),
        ({"auto_upload_destination": "s3://b", "src_to_dst_mapping": {}}, "exclude each other"),
    ],
)
def test_fr_05_arguments_of_uploads_that_do_not_fit_together(
    draft: DatasetVersion, given: dict[str, object], said: str
) -> None:
    """Before anything is read or written."""
    with pytest.raises(UsageError, match=said):
        draft.add_frames([frame("a")], **given)  # type: ignore[arg-type]
    assert len(draft) == 0


def test_fr_08_a_frame_that_is_registered_again_unchanged_changes_nothing(
    draft: DatasetVersion,
) -> None:
    """Neither a duplicate nor another source; the content is the same to the byte."""
    draft.add_frames([SingleFrame(source="s3://bucket/a.jpg")])
    before = draft.content_id
    draft.add_frames([SingleFrame(source="s3://bucket/a.jpg")])
    assert (draft.content_id, len(draft)) == (before, 1)


def test_fr_09_a_frame_over_the_size_asked_for_is_a_failure(draft: DatasetVersion) -> None:
    """C-22: there is no limit unless one is given."""
    large = frame("large", text="x" * 2_000_000)
    (failure,) = draft.add_frames([large, frame("a")], max_request_size_mb=1)
    assert (failure["frame"], failure["error_type"]) == (large, "register")
    assert [one.id for one in draft] == ["a"]
    assert draft.add_frames([large]) == []
    for size in (0, "1", True):
        with pytest.raises(UsageError, match="greater than 0"):
            draft.add_frames([], max_request_size_mb=size)  # type: ignore[arg-type]


def test_fr_11_an_update_replaces_or_creates(draft: DatasetVersion) -> None:
    """Own and inherited frames alike."""
    draft.add_frames([frame("a", old=1)])
    child = draft.create_snapshot()
    child.update_frames([frame("a", new=1), frame("b")])
    assert {one.id: one.metadata for one in child} == {"a": {"new": 1}, "b": {}}


@pytest.mark.parametrize("without", [[], False, ["rois"]])
def test_fr_12_an_update_without_fields_merges(draft: DatasetVersion, without: object) -> None:
    """What the frame does not say stays, at any depth of its metadata."""
    one = frame("a", kept=1, deep={"x": 1})
    one.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["car"])
    draft.add_frames([one])
    failures = draft.update_frames(
        [SingleFrame(id="a", metadata={"deep": {"y": 2}})],
        without_fields=without,  # type: ignore[arg-type]
    )
    assert failures == []
    found = draft.get_frame("a")
    assert isinstance(found, SingleFrame)
    assert found.metadata == {"kept": 1, "deep": {"x": 1, "y": 2}}
    assert found.source == "s3://bucket/a.jpg"
    assert [each.labels for each in found.annotations] == [["car"]]


def test_fr_12_listed_fields_are_not_sent(draft: DatasetVersion) -> None:
    """A path names a field at any depth; the frame in hand keeps it."""
    draft.add_frames([frame("a", x=1, y=1)])
    mine = frame("a", x=2, y=2)
    draft.update_frames([mine], without_fields=["meta.x"])
    assert draft.get_single_frame("a").metadata == {"x": 1, "y": 2}
    assert mine.metadata == {"x": 2, "y": 2}


def test_fr_12_a_failed_merge_names_the_frame_that_was_given(draft: DatasetVersion) -> None:
    """Not the one that it was merged into."""
    draft.add_frames([frame("a")])
    bad = frame("a", n=float("nan"))
    (failure,) = draft.update_frames([bad], without_fields=[])
    assert failure["frame"] is bad


@pytest.mark.parametrize(
    "given", [[3], [{"id": "a", "sources": 7}], [{"id": "a", "meta": {"deep": {"x": {1}}}}], [None]]
)
@pytest.mark.parametrize("call", ["merge", "strict schema"])
def test_what_is_no_frame_is_a_failure_of_every_call(
    draft: DatasetVersion, given: list[object], call: str
) -> None:
    """Nothing foreign is raised, and the others are stored."""
    draft.add_frames([frame("a", deep={"x": 1})])
    frames = [*given, frame("b")]
    if call == "merge":
        failures = draft.update_frames(frames, without_fields=[])  # type: ignore[arg-type]
    else:
        failures = draft.add_frames(frames, strict_schema=True)  # type: ignore[arg-type]
    assert [one["frame"] for one in failures] == given
    assert [one.id for one in draft] == ["a", "b"]


@pytest.mark.parametrize("frames", [3, "a", {"id": "a"}, None])
def test_what_holds_no_frames_is_refused(draft: DatasetVersion, frames: object) -> None:
    """By every call that takes frames."""
    with pytest.raises(UsageError, match="iterable"):
        draft.update_frames(frames, without_fields=[])  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="iterable"):
        draft.add_frames(frames, strict_schema=True)  # type: ignore[arg-type]


def test_fr_13_a_plain_update_drops_removed_keys(draft: DatasetVersion) -> None:
    """Fact 18."""
    draft.add_frames([frame("a", x=1, y=2)])
    found = draft.get_single_frame("a")
    del found.metadata["x"]
    draft.update_frames([found])
    assert draft.get_single_frame("a").metadata == {"y": 2}


def test_fr_14_frames_are_deleted_by_id_or_as_frames(draft: DatasetVersion) -> None:
    """Whatever else the frame says."""
    draft.add_frames([frame("a"), frame("b"), frame("c")])
    draft.delete_frames(["a", SingleFrame(id="b", source="s3://elsewhere/x.jpg")])
    assert [one.id for one in draft] == ["c"]


def test_fr_16_one_frame_by_the_class_or_by_a_version(draft: DatasetVersion) -> None:
    """C-38: an unknown id is a ValueError. Groups come back as groups."""
    group = FrameGroup(id="g")
    group["left"] = SingleFrame(source="s3://b/l.jpg")
    draft.add_frames([frame("a"), group])
    assert type(DatasetVersion.get_single_frame("a", dataset_name="cells")) is SingleFrame
    assert type(DatasetVersion.get_single_frame("g", version_id=draft.id)) is FrameGroup
    assert draft.get_single_frame("a") == draft.get_frame("a")
    with pytest.raises(ValueError, match="no frame 'z' in cells@Current"):
        DatasetVersion.get_single_frame("z", dataset_name="cells")


def test_fr_17_many_by_id_by_the_class_or_by_a_version(draft: DatasetVersion) -> None:
    """C-38: unknown ids are skipped; a projection gives dicts."""
    draft.add_frames([frame("a", n=1), frame("b", n=2)])
    by_class = DatasetVersion.get_frames_by_ids(["b", "z", "a"], dataset_name="cells")
    assert [one.id for one in by_class] == ["b", "a"]
    assert by_class == draft.get_frames_by_ids(["b", "a"])
    found = DatasetVersion.get_frames_by_ids(["a"], projection=["meta.n"], version_id=draft.id)
    assert found == [{"meta": {"n": 1}}]
    assert draft.get_frames_by_ids(["b"], ["id"]) == [{"id": "b"}]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("s3://bucket/folder/*", ["deep", "flat"]),
        ("s3://bucket/*/deep/*", ["deep"]),
        ("*/folder/*", ["deep", "flat", "local"]),
        ("*.png", ["local"]),
        ("s3://bucket/folder/flat.jpg", ["flat"]),
        ("*", ["deep", "flat", "group", "local"]),
        ("s3://bucket/folder/flat", []),
        ("*r.jpg", ["group"]),
        ("s3://bucket/folder/f*flat.jpg", []),
    ],
)
def test_fr_18_frames_by_the_pattern_of_a_source(
    draft: DatasetVersion, pattern: str, expected: list[str]
) -> None:
    """Of any member of a group."""
    group = FrameGroup(id="group")
    group["l"] = SingleFrame(source="gs://b/l.jpg")
    group["r"] = SingleFrame(source="gs://b/r.jpg")
    draft.add_frames(
        [
            SingleFrame(id="flat", source="s3://bucket/folder/flat.jpg"),
            SingleFrame(id="deep", source="s3://bucket/folder/deep/x.jpg"),
            SingleFrame(id="local", source="/data/folder/a.png"),
            group,
        ]
    )
    by_class = DatasetVersion.get_frames_by_source(pattern, dataset_name="cells")
    assert sorted(one.id for one in by_class) == expected
    assert draft.get_frames_by_source(pattern) == by_class


def test_fr_18_local_paths_are_found_as_they_are_written(
    draft: DatasetVersion, default_store: Path
) -> None:
    """Inside a root, where they are stored relative, as outside."""
    inside = default_store.parent / "pictures"
    draft.add_frames(
        [
            SingleFrame(id="in", source=str(inside / "a.jpg")),
            SingleFrame(id="out", source="/home/folder/b.jpg"),
        ]
    )
    for pattern in (f"{inside}/*", f"file://{inside}/*", str(inside / "a.jpg"), f"{inside}/a*"):
        assert [one.id for one in draft.get_frames_by_source(pattern)] == ["in"], pattern
    assert [one.id for one in draft.get_frames_by_source("/home/folder/*")] == ["out"]
    assert draft.get_frames_by_source("/home/folder") == []


def test_fr_19_a_version_is_iterated_as_frames_or_as_dicts(draft: DatasetVersion) -> None:
    """Lazily, in the order of iteration."""
    draft.add_frames([frame("b", n=2), frame("a", n=1)])
    assert [one.id for one in draft.get_iterator()] == ["a", "b"]
    found: Iterator[dict[str, object]] = draft.get_iterator(projection=["id", "meta"])
    assert list(found) == [{"id": "a", "meta": {"n": 1}}, {"id": "b", "meta": {"n": 2}}]


PICTURED: dict[str, object] = {
    "id": "a",
    "meta": {"n": 1, "deep": {"x": 1, "y": 2}},
    "rois": [
        {"label": ["car", "red"], "poly": [1, 2, 3, 4, 5, 6], "meta": {"hard": True}},
        {"label": ["bus"], "poly": [1, 2, 3, 4, 5, 7], "confidence": 0.5},
    ],
    "sources": [{"id": "l", "uri": "s3://b/l"}, {"id": "r", "uri": "s3://b/r"}],
}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["id"], {"id": "a"}),
        (["meta.deep.x", "meta.n"], {"meta": {"n": 1, "deep": {"x": 1}}}),
        (["meta.deep", "meta.deep.x"], {"meta": {"deep": {"x": 1, "y": 2}}}),
        (["meta.deep.x", "meta.deep"], {"meta": {"deep": {"x": 1, "y": 2}}}),
        (["sources.0.uri"], {"sources": [{"uri": "s3://b/l"}]}),
        (["sources.-1.uri"], {"sources": [{"uri": "s3://b/r"}]}),
        (["sources.*.id"], {"sources": [{"id": "l"}, {"id": "r"}]}),
        (["sources.id"], {"sources": [{"id": "l"}, {"id": "r"}]}),
        (["sources.*.id", "sources.1"], {"sources": [{"id": "l"}, PICTURED["sources"][1]]}),  # type: ignore[index]
        (["rois.*.label.0"], {"rois": [{"label": ["car"]}, {"label": ["bus"]}]}),
        (["rois.*.confidence"], {"rois": [{}, {"confidence": 0.5}]}),
        (["meta.*.x"], {"meta": {"deep": {"x": 1}}}),
        (["never", "meta.never", "id.never"], {"meta": {}}),
    ],
)
def test_vw_21_a_projection_is_made_of_paths(
    draft: DatasetVersion, paths: list[str], expected: dict[str, object]
) -> None:
    """Keys, positions, and `*`; what is not there is left out."""
    assert draft.add_frames([PICTURED]) == []
    assert list(draft.get_iterator(projection=paths)) == [expected]


def test_vw_21_what_only_a_reader_knows_is_projected_too(draft: DatasetVersion) -> None:
    """C-51: the dataset and the version are those being read."""
    draft.add_frames([frame("a")])
    child = draft.create_snapshot()
    (found,) = child.get_iterator(
        projection=["dataset.id", "dataset.version", "saved_in_version", "context_id", "timestamp"]
    )
    assert found == {
        "dataset": {"id": child.dataset_id, "version": child.id},
        "saved_in_version": draft.id,
        "context_id": "s3://bucket/a.jpg",
        "timestamp": 0,
    }


@pytest.mark.parametrize("paths", [["a..b"], [""], 3, [3]])
def test_vw_21_a_path_that_leads_nowhere_is_refused(draft: DatasetVersion, paths: object) -> None:
    """At once, not when the first frame comes."""
    with pytest.raises(UsageError):
        draft.get_iterator(projection=paths)  # type: ignore[call-overload]


def test_fr_12_a_field_that_no_frame_has_is_not_left_out_unseen(draft: DatasetVersion) -> None:
    """A typing error would overwrite the very field that was to be kept."""
    draft.add_frames([frame("a", x=1)])
    with pytest.raises(UsageError, match="'metdata', which no frame has; the closest: 'metadata'"):
        draft.update_frames([frame("a", x=2)], without_fields=["metdata"])
    assert draft.get_single_frame("a").metadata == {"x": 1}
    own = {"id": "a", "sources": [{"id": "default", "uri": "s3://bucket/a.jpg"}], "mine": 3}
    assert draft.update_frames([own], without_fields=["mine"]) == []


def test_fr_20_a_bulk_context_writes_every_so_many_edits(draft: DatasetVersion) -> None:
    """And the rest at the end of its block."""
    with draft.get_bulk_context(flush_threshold=2) as bulk:
        bulk.add_frame(frame("a"))
        seen = [len(draft)]
        bulk.add_frame(frame("b"))
        bulk.add_frame(frame("c"))
        seen.append(len(draft))
    assert [*seen, len(draft)] == [0, 2, 3]


def test_fr_20_a_version_has_one_bulk_context(draft: DatasetVersion) -> None:
    """Whichever handle asks; the next block gets a new one."""
    with draft.get_bulk_context() as bulk:
        other = DatasetVersion.get_version(version_id=draft.id)
        assert other.get_bulk_context(flush_threshold=5) is bulk
    assert draft.get_bulk_context() is not bulk


def test_fr_20_bulk_edits_keep_their_order(draft: DatasetVersion) -> None:
    """Added then deleted is gone, deleted then added is there; all of it is one operation."""
    draft.add_frames([frame("old")])
    with draft.get_bulk_context() as bulk:
        bulk.add_frame(frame("a"))
        bulk.delete_frame("a")
        bulk.delete_frame("old")
        bulk.add_frame(frame("old", again=True))
    assert {one.id: one.metadata for one in draft} == {"old": {"again": True}}


def test_fr_20_a_bulk_context_keeps_what_failed(
    draft: DatasetVersion, caplog: pytest.LogCaptureFixture
) -> None:
    """FR-03 holds here too; a log that was given is told."""
    bulk = draft.get_bulk_context(log=logging.getLogger("bulk"))

    def work() -> None:
        with caplog.at_level(logging.INFO, logger="bulk"), bulk:
            bulk.add_frame(SingleFrame(id="bad"))
            bulk.add_frame(frame("a"))

    with pytest.warns(UserWarning, match="1 frame could not be stored"):
        work()
    assert [one["error_type"] for one in bulk.failures] == ["validation"]
    assert [one.id for one in draft] == ["a"]
    assert "wrote 2 edits, 1 failed" in caplog.messages
    assert "1 frame could not be stored" in caplog.messages[-1]


def test_fr_20_what_was_gathered_is_written_when_the_block_raises(draft: DatasetVersion) -> None:
    """Each edit counts as a call of its own, which had returned."""

    def stopped() -> None:
        with draft.get_bulk_context() as bulk:
            bulk.add_frame(frame("a"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert [one.id for one in draft] == ["a"]


@pytest.mark.parametrize(("allow", "expected"), [(False, {"new": 2}), (True, {"old": 1, "new": 2})])
def test_fr_21_fr_25_a_bulk_update_merges_only_if_allowed(
    draft: DatasetVersion, allow: bool, expected: dict[str, int]
) -> None:
    """Else it overwrites, as adding does. And it ends, where the vendor's once called itself."""
    draft.add_frames([frame("a", old=1)])
    with draft.get_bulk_context(allow_update=allow) as bulk:
        bulk.update_frame(frame("a", new=2))
    assert draft.get_single_frame("a").metadata == expected


def test_fr_22_flush_writes_what_the_bulk_context_gathered(draft: DatasetVersion) -> None:
    """Other handles see it then; without a context it does nothing."""
    assert draft.flush() == []
    bulk = draft.get_bulk_context()
    bulk.add_frame(frame("a"))
    other = DatasetVersion.get_version(version_id=draft.id)
    assert len(other) == 0
    other.flush(refresh_version_stats=True)
    assert len(other) == 1
    with bulk:
        pass


def test_fr_22_commits_take_in_what_was_gathered(draft: DatasetVersion) -> None:
    """Nobody expects a frame that was added to be missing from what is published."""
    draft.get_bulk_context().add_frame(frame("a"))
    draft.commit_version()
    draft.get_bulk_context().add_frame(frame("b"))
    child = draft.create_snapshot()
    assert (len(draft), len(child)) == (2, 2)


@pytest.mark.parametrize("given", [3, "", "x" * 256, {"no": "id"}])
def test_fr_20_a_bulk_context_refuses_at_once_to_delete_what_is_no_frame(
    draft: DatasetVersion, given: object
) -> None:
    """Later it would be in the way of all that was gathered."""
    with draft.get_bulk_context() as bulk:
        bulk.add_frame(frame("a"))
        with pytest.raises(ValueError, match=r"frame|id"):
            bulk.delete_frame(given)  # type: ignore[arg-type]
    assert [one.id for one in draft] == ["a"]


def test_fr_24_frames_go_from_version_to_version_with_their_ids(draft: DatasetVersion) -> None:
    """ROI ids too; IE-05: of the same dataset or another one."""
    one = frame("a")
    one.add_annotation(box2d_xywh=(1, 2, 3, 4), labels=["car"])
    draft.add_frames([one, SingleFrame(source="s3://bucket/derived.jpg")])
    other = Dataset.create("others").get_version()
    assert other.add_frames(draft.get_iterator()) == []
    assert other.content_id == draft.content_id


def test_fr_26_adding_an_inherited_frame_to_a_child_overrides_it(draft: DatasetVersion) -> None:
    """As the vendor's example does."""
    draft.add_frames([frame("a"), frame("b")])
    child = draft.create_snapshot()
    frames = list(child.get_iterator())
    for one in frames:
        one.metadata["seen"] = True
    assert child.add_frames(frames) == []
    assert [one.metadata for one in child] == [{"seen": True}] * 2
    assert [one.metadata for one in draft] == [{}, {}]


def test_md_03_unsearchable_metadata_and_raw_strings_are_kept(draft: DatasetVersion) -> None:
    """MD-01, MD-04: at each level what was given comes back."""
    wire = {
        "id": "a",
        "blob": "raw",
        "meta": {"level": "frame"},
        "meta_blob": {"any": [1, None]},
        "sources": [{"id": "default", "uri": "s3://b/a", "meta": {"level": "source"}}],
        "rois": [{"label": ["x"], "meta": {"level": "roi"}, "poly": [1, 2, 3, 4, 5, 6]}],
    }
    assert draft.add_frames([wire]) == []
    found = draft.get_single_frame("a").to_dict()
    assert {key: found[key] for key in ("blob", "meta", "meta_blob")} == {
        key: wire[key] for key in ("blob", "meta", "meta_blob")
    }
    assert found["sources"][0]["meta"] == {"level": "source"}  # type: ignore[index]
    assert found["rois"][0]["meta"] == {"level": "roi"}  # type: ignore[index]


def test_md_02_a_key_of_two_types_is_stored_and_shows_in_the_schema(
    draft: DatasetVersion,
) -> None:
    """C-41: nothing is refused."""
    assert draft.add_frames([frame("a", n=1), frame("b", n="1")]) == []
    assert draft.get_schema()["meta.n"] == ["integer", "string"]


def test_md_02_a_strict_schema_refuses_another_type(draft: DatasetVersion) -> None:
    """C-41: against what the version holds, and among the frames of the call."""
    draft.add_frames([frame("a", n=1)])
    refused = draft.add_frames(
        [frame("b", n="1"), frame("c", n=1.5, m="x"), frame("d", m=1)], strict_schema=True
    )
    assert [one["error_type"] for one in refused] == ["validation"] * 2
    assert [one.id for one in draft] == ["a", "c"]
    wrong = frame("b", n="1")
    with pytest.raises(FrameError, match=r"meta\.n is string") as raised:
        draft.add_frames([wrong], strict_schema=True, strict=True)
    assert raised.value.frame is wrong


def test_c_42_metadata_of_a_group_may_not_use_a_members_name(draft: DatasetVersion) -> None:
    """A member's own metadata stands there on the wire."""
    group = FrameGroup(id="g", metadata={"left": 1})
    group["left"] = SingleFrame(source="s3://b/l.jpg", metadata={"n": 1})
    (failure,) = draft.add_frames([group])
    assert failure["error_type"] == "validation"
    with pytest.raises(ValueError, match="left"):
        draft.add_frames([group], strict=True)


def test_unknown_arguments_of_frame_calls_name_the_closest(draft: DatasetVersion) -> None:
    """Of calls on versions in hand too."""
    with pytest.raises(TypeError, match=r"'projecton'.*'projection'"):
        draft.get_frames_by_ids(["a"], projecton=["id"])  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"'batchsize'.*'batch_size'"):
        draft.add_frames([], batchsize=1)  # type: ignore[call-arg]
