"""What the reference promises of uploads; each test is named after its row."""

import hashlib
import logging
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hyperstore import Dataset, DatasetVersion, FrameGroup, PublishedError, SingleFrame, UsageError
from hyperstore.errors import FrameError, HyperstoreError, MediaError, RefusedError
from tests.support.putserver import Kept, PutServer, put_server

pytestmark = pytest.mark.usefixtures("default_store")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with pictures, masks and previews."""
    folder = tmp_path / "data"
    (folder / "day 1").mkdir(parents=True)
    for name in ("day 1/a.jpg", "day 1/b.jpg", "a.png", "a.webp", "left.jpg", "right.jpg"):
        (folder / name).write_bytes(f"what {name} holds".encode())
    return folder


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    """Return a folder that is not there yet."""
    return tmp_path / "dest"


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[PutServer]:
    """Return a server of objects, and say who we are to it."""
    pytest.importorskip("obstore", reason="obstore is not installed: the extra `cloud`")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("HYPERSTORE_MEDIA_TIMEOUT", "20")
    with put_server() as server:
        yield server


def place(draft: DatasetVersion, dest: object) -> str:
    """Return where files of a version go."""
    return f"{dest}/{draft.dataset_id}/{draft.name}.{draft.id}"


def below(data: Path, dest: object) -> dict[str, Any]:
    """Return the arguments that upload the files of a folder to a destination."""
    return {"auto_upload_destination": str(dest), "local_dataset_root_path": str(data)}


def sha(path: Path) -> str:
    """Return the hash of a file by another road than the package's."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder."""
    return {
        str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()
    }


def sources(version: DatasetVersion) -> list[object]:
    """Return the source of each frame, as a path or URI."""
    return [getattr(one, "source", None) for one in version]


def whole(data: Path) -> SingleFrame:
    """Return a frame with a mask and a preview."""
    return SingleFrame(
        source=data / "day 1/a.jpg", mask_source=data / "a.png", preview_uri=data / "a.webp"
    )


def test_st_01_nothing_is_copied_unless_a_destination_is_given(
    draft: DatasetVersion, data: Path, tmp_path: Path
) -> None:
    """Metadata is one thing and raw data another; flags of uploads alone ask for none."""
    before = files(data)
    assert draft.add_frames([whole(data)], force_upload=True, upload_retries=0) == []
    assert sources(draft) == [str(data / "day 1/a.jpg")]
    assert files(data) == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["data", "store"]


@pytest.mark.parametrize("form", ["{0}", "{0}/", "file://{0}"])
def test_fr_06_c_21_the_tree_is_kept_below_the_ids_of_dataset_and_version(
    draft: DatasetVersion, data: Path, dest: Path, form: str
) -> None:
    """`dataset_id/version_name.version_id/` and then the path from the root."""
    frame = whole(data)
    failures = draft.add_frames(
        [frame],
        auto_upload_destination=form.format(dest),
        local_dataset_root_path=form.format(data),
    )
    assert failures == []
    base = f"{draft.dataset_id}/Current.{draft.id}"
    names = ("day 1/a.jpg", "a.png", "a.webp")
    assert files(dest) == {f"{base}/{name}": (data / name).read_bytes() for name in names}
    assert frame.source == f"{dest}/{base}/day 1/a.jpg"


def test_c_21_a_name_that_is_no_path_is_made_one(data: Path, dest: Path) -> None:
    """Readers never depend on it."""
    dataset = Dataset.create("cells")
    version = dataset.create_version("a/b: ü")
    version.add_frames(
        [whole(data)], auto_upload_destination=str(dest), local_dataset_root_path=str(data)
    )
    (folder,) = (dest / version.dataset_id).iterdir()
    assert folder.name == f"a_b_ü.{version.id}"


def test_st_04_source_preview_and_masks_of_every_member_are_uploaded(
    draft: DatasetVersion, data: Path, dest: Path
) -> None:
    """And the stored URIs are rewritten, each with its hash recorded as SF-24 has it."""
    group = FrameGroup()
    group["left"] = SingleFrame(source=data / "left.jpg")
    group["right"] = SingleFrame(
        source=data / "right.jpg", mask_source=[data / "a.png", data / "left.jpg"]
    )
    group["right"].preview_uri = data / "a.webp"
    group["cloud"] = SingleFrame(source="s3://elsewhere/c.jpg")
    before = group.id
    assert (
        draft.add_frames(
            [group], auto_upload_destination=str(dest), local_dataset_root_path=str(data)
        )
        == []
    )
    at = place(draft, dest)
    (stored,) = draft
    assert isinstance(stored, FrameGroup)
    assert (stored.id, group.id) == (before, before)
    assert stored["left"].source == f"{at}/left.jpg"
    assert stored["right"].masks_source == {"00": f"{at}/a.png", "01": f"{at}/left.jpg"}
    assert stored["right"].preview_uri == f"{at}/a.webp"
    assert stored["cloud"].source == "s3://elsewhere/c.jpg"
    assert stored["right"].sourcedata["hash"] == {
        "source": sha(data / "right.jpg"),
        "mask_source": [sha(data / "a.png"), sha(data / "left.jpg")],
        "preview_source": sha(data / "a.webp"),
    }
    assert "hash" not in stored["cloud"].sourcedata
    stored["right"].update_source_files_hash()
    assert stored["right"].sourcedata["hash"] == group["right"].sourcedata["hash"]


@pytest.mark.parametrize("form", ["s3://{0}/pets/up", "gs://pets/up", "http://{0}/pets/up"])
def test_st_02_destinations_of_every_kind(
    draft: DatasetVersion,
    data: Path,
    s3: PutServer,
    form: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What is stored leads to what was sent."""
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://{s3.host}")
    monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(tmp_path / "cache"))
    failures = draft.add_frames(
        [whole(data)],
        auto_upload_destination=form.format(s3.host),
        local_dataset_root_path=str(data),
    )
    assert failures == []
    at = place(draft, "/pets/up")
    names = ("day 1/a.jpg", "a.png", "a.webp")
    assert s3.kept() == {f"{at}/{name}": (data / name).read_bytes() for name in names}
    (stored,) = draft
    path = stored.get_local_source(raise_on_error=True)  # type: ignore[union-attr]
    assert path is not None
    assert Path(path).read_bytes() == (data / "day 1/a.jpg").read_bytes()


def test_st_03_permission_is_checked_before_work_starts(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """No frame is asked for, and one error says it."""
    s3.faults["-probe"] = ["403"]
    asked: list[int] = []

    def frames() -> Iterator[SingleFrame]:
        asked.append(1)
        yield whole(data)

    with pytest.raises(RefusedError, match="nothing can be written to the upload destination"):
        draft.add_frames(
            frames(),
            auto_upload_destination=f"s3://{s3.host}/pets",
            local_dataset_root_path=str(data),
        )
    assert (asked, len(draft), s3.kept()) == ([], 0, {})


def test_fr_05_arguments_that_need_or_exclude_each_other(
    draft: DatasetVersion, data: Path, dest: Path
) -> None:
    """Before anything is written anywhere."""
    a, b, c = str(dest), str(data), {str(data): str(dest)}
    for given, said in (
        ({"auto_upload_destination": a}, "needs local_dataset_root_path"),
        ({"local_dataset_root_path": b}, "needs auto_upload_destination"),
        ({"auto_upload_destination": a, "src_to_dst_mapping": c}, "exclude each other"),
        ({"local_dataset_root_path": b, "src_to_dst_mapping": c}, "exclude each other"),
        ({"src_to_dst_mapping": [c]}, "is a dict of prefixes"),
        ({"src_to_dst_mapping": {b: 1}}, "is not a URI"),
        ({"src_to_dst_mapping": {str(data / "a.png"): a}}, "maps folders"),
        ({"auto_upload_destination": 1, "local_dataset_root_path": b}, "is not a URI"),
        ({"auto_upload_destination": "ftp://h/x", "local_dataset_root_path": b}, "pointer only"),
        ({"auto_upload_destination": a, "local_dataset_root_path": "s3://b/x"}, "local folder"),
        ({"auto_upload_destination": "http://h/x?y", "local_dataset_root_path": b}, "no query"),
        ({"auto_upload_destination": "s3://u:p@h/x", "local_dataset_root_path": b}, "credentials"),
        ({"upload_retries": -1}, "upload_retries"),
        ({"upload_retries": True}, "upload_retries"),
        ({"progress_report": "often"}, "progress_report"),
        ({"src_to_dst_mapping": c, "copy_media": True}, "leave out copy_media"),
    ):
        with pytest.raises(HyperstoreError, match=said):
            draft.add_frames([whole(data)], **given)
    assert len(draft) == 0
    assert [one for one in dest.rglob("*") if one.is_file()] == []


def test_a_destination_inside_of_the_store_is_refused(
    draft: DatasetVersion, data: Path, default_store: Path
) -> None:
    """What lies there is the store's own."""
    with pytest.raises(UsageError, match="inside of the store"):
        draft.add_frames(
            [whole(data)],
            auto_upload_destination=str(default_store / "media"),
            local_dataset_root_path=str(data),
        )


def test_fr_05_the_longest_prefix_of_a_mapping_wins(
    draft: DatasetVersion, data: Path, dest: Path, tmp_path: Path
) -> None:
    """By whole parts of a path; what none fits stays as it is; plain paths and URIs alike."""
    (tmp_path / "database").mkdir()
    (tmp_path / "database/x.jpg").write_bytes(b"x")
    frames = [
        SingleFrame(source=data / "day 1/a.jpg"),
        SingleFrame(source=data / "left.jpg"),
        SingleFrame(source=tmp_path / "database/x.jpg"),
        SingleFrame(source="s3://elsewhere/c.jpg"),
    ]
    mapping = {str(data): f"{dest}/all/", f"file://{data}/day 1": f"file://{dest}/first"}
    assert draft.add_frames(frames, src_to_dst_mapping=mapping) == []
    assert [one.source for one in frames] == [
        f"{dest}/first/a.jpg",
        f"{dest}/all/left.jpg",
        str(tmp_path / "database/x.jpg"),
        "s3://elsewhere/c.jpg",
    ]
    assert sorted(files(dest)) == ["all/left.jpg", "first/a.jpg"]


def test_fr_05_a_mapping_moves_what_lies_elsewhere_too(
    draft: DatasetVersion,
    s3: PutServer,
    dest: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever can be read, by way of the cache; a name in a URL is decoded in a path."""
    monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HYPERSTORE_CACHE_MIN_FREE_BYTES", "0")
    s3.objects["/old/a b.jpg"] = Kept(b"a picture")
    frame = SingleFrame(source=f"http://{s3.host}/old/a%20b.jpg?signature=1")
    assert draft.add_frames([frame], src_to_dst_mapping={f"http://{s3.host}/old": str(dest)}) == []
    assert files(dest) == {"a b.jpg": b"a picture"}
    assert frame.source == f"{dest}/a b.jpg"


def test_fr_07_st_05_a_content_is_linked_across_all_versions(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """Source, mask and preview, by whatever name the file has now."""
    to = below(data, f"s3://{s3.host}/pets/up")
    assert draft.add_frames([whole(data)], **to) == []
    first = next(iter(draft)).to_dict()["sources"]
    draft.publish_version()
    child = DatasetVersion.create_version(
        "child", dataset_name="cells", parent_version_ids=[draft.id]
    )
    other = DatasetVersion.create_version("other", dataset_name="cells")
    for name in ("day 1/a.jpg", "a.png", "a.webp"):
        (data / name).rename(data / f"renamed{Path(name).suffix}")
    sent = len(s3.puts())
    for version in (child, other):
        frame = SingleFrame(
            source=data / "renamed.jpg",
            mask_source=data / "renamed.png",
            preview_uri=data / "renamed.webp",
        )
        assert version.add_frames([frame], **to) == []
        assert frame.to_dict()["sources"] == first
    assert (len(s3.puts()), sent) == (3, 3)


def test_fr_07_force_upload_sends_it_again(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """And the frame names what was sent."""
    to = below(data, f"s3://{s3.host}/pets/up")
    draft.add_frames([whole(data)], **to)
    (data / "day 1/a.jpg").rename(data / "b.jpg")
    frame = SingleFrame(source=data / "b.jpg")
    draft.add_frames([frame], force_upload=True, **to)
    assert frame.source == f"s3://{s3.host}{place(draft, '/pets/up')}/b.jpg"
    draft.add_frames([SingleFrame(source=data / "b.jpg")], force_upload=True, **to)
    assert len(s3.puts("b.jpg")) == 2
    assert len(s3.puts()) == 5


def test_fr_07_what_was_sent_and_is_gone_is_sent_again(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """A link to nothing would lose the picture; the place is asked before it is named."""
    to = below(data, f"s3://{s3.host}/pets/up")
    draft.add_frames([whole(data)], **to)
    s3.objects.clear()
    assert draft.add_frames([whole(data)], **to) == []
    assert len(s3.kept()) == 3


def test_fr_07_equal_files_of_one_call_are_sent_once(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """It is the first one that lies there, whichever thread was faster."""
    for number in range(40):
        (data / f"{number:02}.jpg").write_bytes(b"all the same")
    frames = [SingleFrame(source=data / f"{number:02}.jpg") for number in range(40)]
    assert (
        draft.add_frames(
            frames,
            auto_upload_destination=f"s3://{s3.host}/pets/up",
            local_dataset_root_path=str(data),
        )
        == []
    )
    assert {one.source for one in frames} == {f"s3://{s3.host}{place(draft, '/pets/up')}/00.jpg"}
    assert (len(s3.puts()), len(draft)) == (1, 40)


def test_fr_08_an_unchanged_frame_that_is_registered_again_changes_nothing(
    draft: DatasetVersion, data: Path, dest: Path
) -> None:
    """Neither its id nor its URI nor anything else, in this version and in a child of it."""
    to = below(data, dest)
    draft.add_frames([whole(data)], **to)
    before, held = draft.content_id, files(dest)
    draft.add_frames([whole(data)], **to)
    draft.add_frames(list(draft), **to)
    assert (draft.content_id, len(draft), files(dest)) == (before, 1, held)
    draft.publish_version()
    child = DatasetVersion.create_version(
        "child", dataset_name="cells", parent_version_ids=[draft.id]
    )
    child.add_frames([whole(data)], **to)
    child.add_frames(list(child), **{**to, "auto_upload_destination": f"{dest}2"})
    assert (child.content_id, files(dest)) == (before, held)


def test_fr_08_of_several_places_of_a_content_the_one_that_a_frame_has_stays(
    draft: DatasetVersion, data: Path, dest: Path
) -> None:
    """Two frames of equal pictures, each sent by force, keep each its own."""
    to = below(data, dest)
    for name in ("1.jpg", "2.jpg"):
        (data / name).write_bytes(b"the same")

    def both() -> list[SingleFrame]:
        return [SingleFrame(source=data / name) for name in ("1.jpg", "2.jpg")]

    draft.add_frames(both(), force_upload=True, **to)
    before = draft.content_id
    for frames in (both(), both()[::-1]):
        draft.add_frames(frames, **to)
        assert draft.content_id == before
    draft.rename("another name")
    draft.add_frames(both()[::-1], **to)
    assert draft.content_id == before


def test_fr_02_fr_03_fr_10_a_frame_that_fails_is_not_registered_and_stops_no_other(
    draft: DatasetVersion, data: Path, dest: Path
) -> None:
    """A missing file is a failure of type `upload`, as is one outside of the root."""
    missing, outside = SingleFrame(source=data / "none.jpg"), SingleFrame(source="/etc/hostname")
    good = whole(data)
    failures = draft.add_frames(
        [missing, good, outside],
        auto_upload_destination=str(dest),
        local_dataset_root_path=str(data),
    )
    assert [(one["frame"], one["error_type"]) for one in failures] == [
        (missing, "upload"),
        (outside, "upload"),
    ]
    assert "there is no file" in str(failures[0]["error"])
    assert "lies outside of local_dataset_root_path" in str(failures[1]["error"])
    assert [one.id for one in draft] == [good.id]
    assert (missing.source, outside.source) == (str(data / "none.jpg"), "/etc/hostname")
    (data / "none.jpg").write_bytes(b"here it is")
    assert (
        draft.add_frames(
            failures[:1], auto_upload_destination=str(dest), local_dataset_root_path=str(data)
        )
        == []
    )


@pytest.mark.parametrize(
    "how", [{"register_on_upload_failure": True}, {"unregister_on_upload_fail": False}]
)
def test_c_23_a_failed_frame_is_registered_where_that_is_asked_for(
    draft: DatasetVersion, data: Path, dest: Path, how: dict[str, bool]
) -> None:
    """With the URIs that it was given, all of them; it is a failure all the same."""
    frame = SingleFrame(source=data / "left.jpg", mask_source=data / "none.png")
    failures = draft.add_frames(
        [frame],
        auto_upload_destination=str(dest),
        local_dataset_root_path=str(data),
        **how,  # type: ignore[arg-type]
    )
    assert [one["error_type"] for one in failures] == ["upload"]
    assert sources(draft) == [str(data / "left.jpg")]


def test_a_group_is_all_or_nothing(draft: DatasetVersion, data: Path, s3: PutServer) -> None:
    """One member that fails, before or while it is sent, and nothing of the group is stored."""
    unread = FrameGroup(id="unread")
    unread["left"] = SingleFrame(source=data / "left.jpg")
    unread["right"] = SingleFrame(source=data / "none.jpg")
    unsent = FrameGroup(id="unsent")
    unsent["left"] = SingleFrame(source=data / "right.jpg")
    unsent["right"] = SingleFrame(source=data / "a.png")
    s3.faults["a.png"] = ["403"] * 9
    failures = draft.add_frames(
        [unread, unsent],
        auto_upload_destination=f"s3://{s3.host}/pets",
        local_dataset_root_path=str(data),
    )
    assert [one["frame"] for one in failures] == [unread, unsent]
    assert "'right'" in str(failures[1]["error"])
    assert len(draft) == 0
    assert (unread["left"].source, unsent["left"].source) == (
        str(data / "left.jpg"),
        str(data / "right.jpg"),
    )
    assert s3.puts("left.jpg") == []


def test_a_frame_that_is_invalid_sends_nothing(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """A failure of type `validation`; or too large, or of another type than the others."""
    draft.add_frames([SingleFrame(id="first", source="s3://b1/x", metadata={"speed": 1})])
    bad = SingleFrame(source=data / "left.jpg", metadata={"x": float("nan")})
    large = SingleFrame(source=data / "right.jpg", metadata={"text": "y" * 2_000_000})
    odd = SingleFrame(source=data / "a.png", metadata={"speed": "fast"})
    failures = draft.add_frames(
        [bad, large, odd],
        auto_upload_destination=f"s3://{s3.host}/pets",
        local_dataset_root_path=str(data),
        max_request_size_mb=1,
        strict_schema=True,
    )
    assert sorted(str(one["error_type"]) for one in failures) == [
        "register",
        "validation",
        "validation",
    ]
    assert s3.puts() == []


def test_fr_09_c_22_st_07_the_limit_on_a_request_stays_as_it_is(
    draft: DatasetVersion, data: Path, dest: Path
) -> None:
    """None unless one is given; smaller frames go, whatever they weigh together."""
    frames = [
        SingleFrame(id=str(at), source=data / "left.jpg", metadata={"x": "y" * 700_000})
        for at in range(3)
    ]
    assert (
        draft.add_frames(
            frames,
            auto_upload_destination=str(dest),
            local_dataset_root_path=str(data),
            max_request_size_mb=1,
        )
        == []
    )


def test_st_06_a_file_is_tried_as_often_as_asked_for(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """Five times more by default; the message says how often it was."""
    to = below(data, f"s3://{s3.host}/pets")
    s3.faults["left.jpg"] = ["503"] * 2
    assert draft.add_frames([SingleFrame(source=data / "left.jpg")], **to) == []
    s3.faults["right.jpg"] = ["503"] * 9
    (failure,) = draft.add_frames(
        [SingleFrame(source=data / "right.jpg")],
        upload_retries=1,
        **to,
    )
    assert "(tried 2 times)" in str(failure["error"])
    assert len(s3.puts("right.jpg")) == 2


def test_strict_raises_the_first_failure_and_stores_nothing(
    draft: DatasetVersion, data: Path, dest: Path
) -> None:
    """The objects that had changed have their URIs back."""
    good, bad = whole(data), SingleFrame(source=data / "none.jpg")
    with pytest.raises(FrameError, match="there is no file") as caught:
        draft.add_frames(
            [good, bad],
            auto_upload_destination=str(dest),
            local_dataset_root_path=str(data),
            strict=True,
        )
    assert caught.value.frame is bad
    assert (good.source, good.sourcedata) == (str(data / "day 1/a.jpg"), {})
    assert len(draft) == 0


OPENED: list[Callable[..., DatasetVersion]] = [
    lambda **to: DatasetVersion.get_current(dataset_name="cells", **to),
    lambda **to: DatasetVersion.get_version(dataset_name="cells", **to),
    lambda **to: DatasetVersion.create_version("new", dataset_name="cells", **to),
    lambda **to: Dataset.get(dataset_name="cells").create_version(version_name="new", **to),
    lambda **to: Dataset.get(dataset_name="cells").create_version("new", **to),
    lambda **to: pickle.loads(pickle.dumps(DatasetVersion.get_current(dataset_name="cells", **to))),
]


@pytest.mark.parametrize("opened", OPENED)
def test_dv_02_dv_03_dv_05_a_handle_uploads_by_default(
    draft: DatasetVersion, data: Path, dest: Path, opened: Callable[..., DatasetVersion]
) -> None:
    """All that is added or updated through it; what a call says itself comes first."""
    version = opened(auto_upload_destination=str(dest), local_dataset_root_path=str(data))
    at = place(version, dest)
    frame = SingleFrame(id="a", source=data / "left.jpg")
    assert version.add_frames([frame]) == []
    assert frame.source == f"{at}/left.jpg"
    frame.source = data / "right.jpg"
    version.update_frames([frame])
    assert version.get_frame("a").source == f"{at}/right.jpg"  # type: ignore[union-attr]
    other = SingleFrame(id="b", source=data / "left.jpg")
    version.add_frames([other], auto_upload_destination=f"{dest}2")
    assert other.source == f"{at}/left.jpg"  # Where its content lies already.
    third = SingleFrame(id="c", source=data / "a.png")
    version.add_frames([third], src_to_dst_mapping={str(data): f"{dest}3"})
    assert third.source == f"{dest}3/a.png"
    assert opened is OPENED[2] or version.id in at


def test_dv_03_a_handle_wants_both_of_them(draft: DatasetVersion) -> None:
    """As add_frames does."""
    with pytest.raises(UsageError, match="needs local_dataset_root_path"):
        DatasetVersion.get_version(dataset_name="cells", auto_upload_destination="/x")


@pytest.mark.filterwarnings("ignore:1 frame could not be stored")
def test_fr_20_a_bulk_context_uploads(draft: DatasetVersion, data: Path, dest: Path) -> None:
    """To where it was told to, or else where its version does."""
    to = below(data, dest)
    with draft.get_bulk_context(allow_update=True, **to) as bulk:
        assert draft.get_bulk_context() is bulk
        with pytest.raises(UsageError, match="uploads elsewhere"):
            draft.get_bulk_context(
                auto_upload_destination=f"{dest}2", local_dataset_root_path=str(data)
            )
        bulk.add_frame(SingleFrame(id="a", source=data / "left.jpg"))
        bulk.update_frame(SingleFrame(id="b", source=data / "right.jpg"))
        bulk.add_frame(SingleFrame(id="c", source=data / "none.jpg"))
    assert [one["error_type"] for one in bulk.failures] == ["upload"]
    at = place(draft, dest)
    assert [one.source for one in draft] == [f"{at}/left.jpg", f"{at}/right.jpg"]  # type: ignore[union-attr]
    version = DatasetVersion.get_current(dataset_name="cells", **to)
    with version.get_bulk_context() as bulk:
        bulk.add_frame(SingleFrame(id="d", source=data / "a.png"))
    assert version.get_frame("d").source == f"{at}/a.png"  # type: ignore[union-attr]


def test_a_published_version_uploads_nothing(draft: DatasetVersion, data: Path, dest: Path) -> None:
    """It is said before anything is sent."""
    draft.publish_version()
    with pytest.raises(PublishedError):
        draft.add_frames(
            [whole(data)], auto_upload_destination=str(dest), local_dataset_root_path=str(data)
        )
    assert not dest.exists()


def test_progress_is_said_in_the_log(
    draft: DatasetVersion, data: Path, dest: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With what was sent, linked and failed, at the end at least."""
    frames = [whole(data), SingleFrame(source=data / "none.jpg")]
    with caplog.at_level(logging.INFO, "hyperstore.uploads"):
        draft.add_frames(
            frames, auto_upload_destination=str(dest), local_dataset_root_path=str(data)
        )
    assert "uploaded 2 frames: 3 files sent" in caplog.messages[-1]
    assert "1 frames failed" in caplog.messages[-1]
    with caplog.at_level(logging.INFO, "hyperstore.uploads"):
        draft.add_frames(
            [SingleFrame(id=str(at), source=data / "left.jpg") for at in range(3)],
            auto_upload_destination=str(dest),
            local_dataset_root_path=str(data),
            progress_report=1e-9,  # type: ignore[arg-type]
        )
    assert any(one.startswith("uploading, ") for one in caplog.messages)


# Deleting raw data.


def added(version: DatasetVersion, s3: PutServer, **sources: str) -> None:
    """Add frames whose sources lie in the bucket."""
    for name in sources.values():
        s3.objects[f"/pets/{name}"] = Kept(name.encode())
    version.add_frames(
        SingleFrame(id=frame_id, source=f"s3://{s3.host}/pets/{name}")
        for frame_id, name in sources.items()
    )


def test_fr_15_raw_data_is_deleted_with_frames(
    draft: DatasetVersion, data: Path, s3: PutServer
) -> None:
    """Objects in buckets: of sources, masks and previews; nothing local, nothing of the web."""
    added(draft, s3, a="a.jpg", b="b.jpg")
    s3.objects["/web/c.jpg"] = Kept(b"c")
    for name in ("mask.png", "preview.jpg"):
        s3.objects[f"/pets/{name}"] = Kept(b"x")
    draft.add_frames(
        [
            SingleFrame(
                id="c",
                source=f"http://{s3.host}/web/c.jpg",
                mask_source=f"s3://{s3.host}/pets/mask.png",
                preview_uri=f"s3://{s3.host}/pets/preview.jpg",
            ),
            SingleFrame(id="d", source=data / "left.jpg"),
        ]
    )
    draft.delete_frames(["a", SingleFrame(id="c", source="s3://b1/x"), "d"], delete_sources=True)
    assert [one.id for one in draft] == ["b"]
    assert set(s3.kept()) == {"/pets/b.jpg", "/web/c.jpg"}
    assert (data / "left.jpg").exists()
    draft.delete_frames(["b"])
    assert "/pets/b.jpg" in s3.kept()


def test_fr_15_any_failure_aborts(draft: DatasetVersion, s3: PutServer) -> None:
    """No frame is deleted; asked again once it may, all of it goes."""
    added(draft, s3, a="a.jpg", b="b.jpg")
    s3.faults["DELETE /pets/b.jpg"] = ["403"] * 9
    with pytest.raises(MediaError, match=r"cannot be deleted.*no frame is deleted"):
        draft.delete_frames(["a", "b"], delete_sources=True)
    assert [one.id for one in draft] == ["a", "b"]
    s3.faults.clear()
    draft.delete_frames(["a", "b"], delete_sources=True)
    assert (len(draft), s3.kept()) == (0, {})


def test_fr_15_what_another_frame_names_stays(draft: DatasetVersion, s3: PutServer) -> None:
    """Of this version, of another one, of another dataset, of a tag; and it is said."""
    added(draft, s3, mine="mine", here="here", twin="here", parent="parent", tagged="tagged")
    added(draft, s3, dataset="dataset", pair="pair")
    draft.commit_version()
    draft.tag("v1")
    draft.delete_frames(["tagged"])
    added(draft, s3, mine2="mine2")
    other = Dataset.create("other").get_version()
    added(other, s3, x="dataset")
    with pytest.warns(UserWarning, match="not deleted: other frames"):
        draft.delete_frames(["here", "dataset", "mine", "mine2", "parent"], delete_sources=True)
    # What the tag's commit names is left alone.
    assert set(s3.kept()) == {
        f"/pets/{name}" for name in ("mine", "here", "parent", "tagged", "dataset", "pair")
    }


SPELLINGS = [
    "s3://pets/k/a.jpg",
    "S3://{host}/pets/k/a.jpg",
    "s3://{host}/pets//k/a.jpg",
    "s3://{host}/pets/k/a.jpg/",
    "s3://localhost:{port}/pets/k/a.jpg",
    "http://{host}/pets/k/a.jpg",
    "https://pets.s3.example/k/a%2Ejpg?signature=x",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("whole", [False, True])
def test_fr_15_what_another_frame_names_otherwise_stays(
    draft: DatasetVersion,
    s3: PutServer,
    monkeypatch: pytest.MonkeyPatch,
    spelling: str,
    whole: bool,
) -> None:
    """By another host of the same name, as the clients read it, or on the web."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{s3.host}")
    added(draft, s3, a="k/a.jpg", b="k/b.jpg", c="a.jpg")
    other = Dataset.create("other").get_version() if whole else draft
    uri = spelling.format(host=s3.host, port=s3.host.rpartition(":")[2])
    other.add_frames([SingleFrame(id="same", source=uri)])

    def delete() -> None:
        if whole:
            Dataset.delete("cells", delete_all_versions=True, delete_sources=True)
        else:
            draft.delete_frames(["a", "b", "c"], delete_sources=True)

    with pytest.warns(UserWarning, match="1 object of raw data not deleted"):
        delete()
    assert set(s3.kept()) == {"/pets/k/a.jpg"}


def test_fr_15_names_of_one_object_that_all_go_are_one(
    draft: DatasetVersion, s3: PutServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is deleted once; one of another host with that bucket and key is another one."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{s3.host}")
    added(draft, s3, a="k/a.jpg")
    draft.add_frames([SingleFrame(id="b", source="s3://pets/k/a.jpg/")])
    draft.delete_frames(["a", "b"], delete_sources=True)
    assert s3.kept() == {}
    assert [path for verb, path in s3.asked if verb == "DELETE"] == ["/pets/k/a.jpg"]


def test_fr_15_frames_that_another_version_alone_has_hold_what_they_name(
    draft: DatasetVersion, s3: PutServer
) -> None:
    """By other ids, added there since, of a picture that this version deletes."""
    added(draft, s3, a="a.jpg")
    draft.commit_version()
    other = DatasetVersion.create_version("other", dataset_name="cells")
    added(other, s3, twin="a.jpg")
    with pytest.warns(UserWarning, match="1 object of raw data not deleted"):
        draft.delete_frames(["a"], delete_sources=True)
    assert set(s3.kept()) == {"/pets/a.jpg"}


def test_fr_15_a_child_does_not_take_its_parents_pictures(
    draft: DatasetVersion, s3: PutServer
) -> None:
    """The frames are gone from the child alone."""
    added(draft, s3, a="a.jpg")
    draft.publish_version()
    child = DatasetVersion.create_version(
        "child", dataset_name="cells", parent_version_ids=[draft.id]
    )
    added(child, s3, b="b.jpg")
    with pytest.warns(UserWarning, match="1 object of raw data not deleted"):
        child.delete_frames(["a", "b"], delete_sources=True)
    assert (len(child), set(s3.kept())) == (0, {"/pets/a.jpg"})


def test_fr_15_a_bulk_context_deletes_raw_data(draft: DatasetVersion, s3: PutServer) -> None:
    """In the order of its edits; a batch, which may be given up, does not."""
    added(draft, s3, a="a.jpg", b="b.jpg")
    with draft.get_bulk_context() as bulk:
        bulk.add_frame(SingleFrame(id="c", source=f"s3://{s3.host}/pets/c.jpg"))
        bulk.delete_frame("a", delete_sources=True)
        bulk.delete_frame("b")
    assert [one.id for one in draft] == ["c"]
    assert set(s3.kept()) == {"/pets/b.jpg"}
    with pytest.raises(UsageError, match="no place inside a batch"), draft.batch():
        draft.delete_frames(["c"], delete_sources=True)
    assert len(draft) == 1


def test_ds_06_a_dataset_is_deleted_with_its_raw_data(
    draft: DatasetVersion, s3: PutServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not unless all versions go; with the progress on standard error, no library needed."""
    added(draft, s3, a="a.jpg", b="shared.jpg")
    draft.commit_version()
    draft.delete_frames(["a"])
    other = Dataset.create("other").get_version()
    added(other, s3, x="shared.jpg")
    with pytest.raises(RefusedError):
        Dataset.delete("cells", delete_sources=True)
    assert len(s3.kept()) == 2
    with pytest.warns(UserWarning, match="1 object of raw data not deleted"):
        Dataset.delete("cells", delete_all_versions=True, delete_sources=True, show_progress=True)
    assert set(s3.kept()) == {"/pets/shared.jpg"}
    assert "deleted 1 of 1 object" in capsys.readouterr().err
    with pytest.raises(ValueError, match="cells"):
        Dataset.get("cells")


def test_ds_06_what_may_not_be_deleted_loses_no_raw_data(
    draft: DatasetVersion, s3: PutServer
) -> None:
    """A published version needs force; a provider that refuses stops all of it."""
    added(draft, s3, a="a.jpg")
    draft.publish_version()
    with pytest.raises(RefusedError, match="published"):
        Dataset.delete("cells", delete_all_versions=True, delete_sources=True)
    assert len(s3.kept()) == 1
    s3.deletes = False
    with pytest.raises(MediaError, match="cannot be deleted"):
        Dataset.delete("cells", delete_all_versions=True, force=True, delete_sources=True)
    assert (len(s3.kept()), len(draft)) == (1, 1)


def test_raw_data_that_a_foreign_store_names_is_not_deleted(
    draft: DatasetVersion, s3: PutServer
) -> None:
    """It may name anything that one's credentials reach."""
    added(draft, s3, a="a.jpg")
    draft._handle.database.set_trust("foreign")
    with pytest.raises(RefusedError, match="came from somebody else"):
        draft.delete_frames(["a"], delete_sources=True)
    assert (len(s3.kept()), len(draft)) == (1, 1)
