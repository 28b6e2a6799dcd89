"""What the reference promises of sources, masks, previews and metadata; each test is named after
its row.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hyperstore import (
    Dataset,
    DatasetVersion,
    FrameError,
    FrameGroup,
    MediaError,
    NotFoundError,
    PublishedError,
    RefusedError,
    SingleFrame,
    UsageError,
)
from hyperstore.media.lettering import colour_of
from tests.interop.conftest import Again
from tests.support.pictures import encoded

pytestmark = pytest.mark.usefixtures("default_store")

Wire = dict[str, Any]
SKY, ROAD, ODD = (0, 0, 200), (120, 120, 120), (9, 9, 9)


def picture(path: Path, size: tuple[int, int] = (40, 20), colour: object = "white") -> Path:
    """Write a picture of one colour."""
    Image.new("RGB", size, colour).save(path)  # type: ignore[arg-type]
    return path


@pytest.fixture
def masked(tmp_path: Path) -> SingleFrame:
    """Return a frame of 40 x 20 whose mask is sky above, road below, and has an odd corner."""
    mask = Image.new("RGB", (40, 20), SKY)
    mask.paste(ROAD, (0, 10, 40, 20))
    mask.paste(ODD, (0, 0, 2, 2))
    mask.save(tmp_path / "mask.png")
    source = picture(tmp_path / "a.png")
    return SingleFrame(id="a", source=source, mask_source=tmp_path / "mask.png")


def test_so_01_sources_are_a_list(draft: DatasetVersion) -> None:
    """C-04: of one for a SingleFrame, whose id is `default`; of several for a group."""
    draft.add_frames(
        [
            SingleFrame(id="a", source="s3://b/a"),
            FrameGroup(id="g", l=SingleFrame(source="s3://b/l"), r=SingleFrame(source="s3://b/r")),
        ]
    )
    wires: list[Wire] = [one.to_dict() for one in draft]
    found = [[source["id"] for source in wire["sources"]] for wire in wires]
    assert sorted(found) == [["default"], ["l", "r"]]


def test_so_02_every_field_of_a_source_is_kept(again: Again) -> None:
    """A source without an id or a URI is a failure with its place."""
    source = {
        "id": "default",
        "uri": "s3://b/a.mp4",
        "content_type": "video/mp4",
        "width": 1,
        "height": 2,
        "timestamp": 3,
        "meta": {"k": 1},
        "preview": {"uri": "s3://b/p.jpg"},
        "masks": [{"id": "m", "uri": "s3://b/m.png"}],
    }
    found = again(SingleFrame.from_dict({"id": "a", "sources": [source]}))
    assert found.to_dict()["sources"] == [source]
    for missing in ("id", "uri"):
        bad = {name: value for name, value in source.items() if name != missing}
        with pytest.raises(FrameError, match=rf"sources\[0\]\.{missing}"):
            SingleFrame.from_dict({"sources": [bad]})


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/a b.jpg",
        "https://host/a.jpg?sig=x%20y#f",
        "gs://bucket/a",
        "azure://account/container/a",
        "text://what is this?",
        "urn:isbn:1",
        "data:text/plain,x",
    ],
)
def test_so_03_any_uri_stays_as_it_is_written(uri: str, again: Again) -> None:
    """A pointer that only its user understands too; asked for bytes, it says that it has none."""
    frame = SingleFrame(id="a", source=uri, preview_uri=uri, mask_source={"00": uri})
    found = again(frame)
    assert (found.source, found.preview_uri, found.mask_source) == (uri, uri, uri)


def test_so_04_a_host_and_port_stay_in_the_uri(again: Again) -> None:
    """How a store that is not Amazon's is named."""
    uri = "s3://minio.local:9000/bucket/key.jpg"
    assert again(SingleFrame(source=uri)).source == uri


def test_so_05_a_moment_of_a_video_is_its_timestamp(draft: DatasetVersion) -> None:
    """C-63: frames of one file at different moments are different frames, in their order."""
    moments = [round(at * 1000 / 30) for at in range(4)]
    frames = [SingleFrame(source="/data/video.mp4", timestamp=at) for at in moments]
    draft.add_frames(reversed(frames))
    assert [one.timestamp for one in draft] == [0, 33, 67, 100]
    assert {one.context_id for one in draft} == {"file:///data/video.mp4"}
    assert SingleFrame(source="/data/video.mp4").id == frames[0].id


def test_so_06_rois_stand_beside_the_sources_that_they_name(draft: DatasetVersion) -> None:
    """One that names no source of its frame is refused with its place."""
    group = FrameGroup(id="g", l=SingleFrame(source="s3://b/l"), r=SingleFrame(source="s3://b/r"))
    group["r"].add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["x"])
    wire: Wire = group.to_dict()
    assert [one["sources"] for one in wire["rois"]] == [["r"]]
    assert all("rois" not in one for one in wire["sources"])
    wire["rois"][0]["sources"] = ["gone"]
    (failure,) = draft.add_frames([wire])
    assert "rois[0].sources" in str(failure["error"])


@pytest.mark.parametrize("said", ["image/jpeg", "png", "anything at all", None])
def test_so_07_a_content_type_is_kept_as_it_is(said: str | None, again: Again) -> None:
    """A full one, a bare one, or none."""
    source: Wire = {"id": "default", "uri": "s3://b/a"}
    if said is not None:
        source["content_type"] = said
    found = again(SingleFrame.from_dict({"id": "a", "sources": [source]}))
    assert found.to_dict()["sources"] == [source]


def test_mk_01_a_mask_is_a_record_of_its_source(again: Again) -> None:
    """With every field of a source but its own masks."""
    mask = {
        "id": "seg",
        "uri": "s3://b/m.png",
        "content_type": "png",
        "width": 1,
        "height": 2,
        "timestamp": 3,
    }
    wire: Wire = {"sources": [{"id": "default", "uri": "s3://b/a", "masks": [mask]}]}
    found = again(SingleFrame.from_dict(wire))
    assert found.to_dict()["sources"][0]["masks"] == [mask]  # type: ignore[index]


def test_mk_02_a_version_says_what_colours_mean(draft: DatasetVersion) -> None:
    """True where it took that; False for a published version, which does not change."""
    assert draft.set_masks_labels({SKY: ["sky"], ROAD: ["road", "ground"]}) is True
    draft.publish_version()
    assert draft.set_masks_labels({}) is False
    assert draft.get_masks_labels() == {SKY: ("sky",), ROAD: ("road", "ground")}
    with pytest.raises(PublishedError):
        draft.add_frames([SingleFrame(source="s3://b/a")])


def test_mk_02_a_frame_reads_its_mask_by_the_words_of_its_version(
    draft: DatasetVersion, masked: SingleFrame, again: Again
) -> None:
    """Pixels of each label, and of each colour of which nothing is said."""
    draft.set_masks_labels({SKY: ["sky"], ROAD: ["road", "ground"], (1, 1, 1): ["nowhere"]})
    found = again(masked)
    labelling = found.get_mask_labels()
    assert labelling.labels == {"sky": 396, "road": 400, "ground": 400}
    assert labelling.unknown == {ODD: 4}
    assert masked.get_mask_labels() == labelling  # It knows where it was stored.
    sky = np.asarray(found.get_label_mask("sky"))
    assert sky.shape == (20, 40)
    assert sky.sum() == sky[:10].sum() == 396
    assert not np.asarray(found.get_label_mask("nowhere")).any()


def test_mk_02_a_frame_of_no_version_knows_no_words(masked: SingleFrame) -> None:
    """But for those of its own annotations."""
    assert masked.get_mask_labels().unknown == {ROAD: 400, SKY: 396, ODD: 4}
    masked.add_annotation(mask_rgb=ROAD, labels=["road"])
    assert masked.get_mask_labels().labels == {"road": 400}
    with pytest.raises(NotFoundError, match="no mask 'x'"):
        masked.get_mask_labels("x")
    with pytest.raises(NotFoundError, match="no mask"):
        SingleFrame(source="s3://b/a").get_mask_labels()


def test_mk_03_an_alpha_mask_is_read_as_opacity(tmp_path: Path) -> None:
    """And the picture is drawn as far as it is seen, before white."""
    ramp = Image.new("RGB", (40, 20))
    for x, level in ((0, 0), (10, 100), (20, 200), (30, 255)):
        ramp.paste((level,) * 3, (x, 0, x + 10, 20))
    ramp.save(tmp_path / "alpha.png")
    source = picture(tmp_path / "a.png", colour="black")
    frame = SingleFrame(source=source, mask_source={"alpha": tmp_path / "alpha.png"})
    assert np.asarray(frame.get_mask_opacity()).tolist()[3][::10] == [0, 100, 200, 255]
    drawn = np.asarray(frame.draw(alpha="alpha"))
    assert drawn[3, ::10, 0].tolist() == [255, 155, 55, 0]


def test_mk_04_a_frame_has_several_masks(masked: SingleFrame, tmp_path: Path) -> None:
    """Each is read by its id, the first one where none is said."""
    other = picture(tmp_path / "other.png", colour=ROAD)
    masked.masks_source = {"first": masked.masks_source["00"], "other": other}
    masked.add_annotation(mask_rgb=ROAD, labels=["road"], mask_id="other")
    assert masked.get_mask_labels("other").labels == {"road": 800}
    assert masked.get_mask_labels().labels == masked.get_mask_labels("first").labels == {}


def test_mk_05_mask_labels_lie_in_the_metadata_of_the_version(draft: DatasetVersion) -> None:
    """Beside what else is there, for every mask under `_all_`."""
    draft.set_metadata({"own": 1})
    draft.set_masks_labels({SKY: ["sky"]})
    assert draft.get_metadata() == {
        "own": 1,
        "mask_labels": {"_all_": [{"value": [0, 0, 200], "labels": ["sky"]}]},
    }


def test_mk_05_words_for_one_mask_go_before_those_for_all(
    draft: DatasetVersion, masked: SingleFrame, again: Again
) -> None:
    """Under the mask's own id, as the wire would have it."""
    said = [{"value": list(SKY), "labels": ["sky"]}]
    own = [{"value": list(SKY), "labels": ["heaven"]}]
    draft.set_metadata({"mask_labels": {"_all_": said, "00": own}})
    assert again(masked).get_mask_labels().labels == {"heaven": 396}


def test_mk_06_mask_labels_are_read_back_as_tuples(draft: DatasetVersion) -> None:
    """Whatever sequences were given."""
    draft.set_masks_labels({(1, 2, 3): ("a", "b"), (4, 5, 6): ["c"]})
    assert draft.get_masks_labels() == {(1, 2, 3): ("a", "b"), (4, 5, 6): ("c",)}


def test_mk_07_the_words_of_the_version_go_before_those_of_a_roi(
    draft: DatasetVersion, masked: SingleFrame, again: Again
) -> None:
    """C-45: and where these are silent, the deprecated field speaks."""
    masked.add_annotation(mask_rgb=SKY, labels=["mine"])
    masked.add_annotation(mask_rgb=ROAD, labels=["road"])
    draft.set_masks_labels({SKY: ["sky"]})
    assert again(masked).get_mask_labels().labels == {"sky": 396, "road": 400}


def test_mk_08_a_value_may_be_negative(draft: DatasetVersion, masked: SingleFrame) -> None:
    """It is kept, and matches no pixel."""
    masked.add_annotation(mask_rgb=[-1, 1, 255], labels=["x"])
    draft.add_frames([masked])
    assert draft.set_masks_labels({(-1, 1, 255): ["y"]})
    found = draft.get_frame("a")
    assert isinstance(found, SingleFrame)
    assert found.annotations[0].to_dict()["mask"] == {"id": "00", "value": [-1, 1, 255]}
    assert found.get_mask_labels().labels == {}


def test_a_mask_of_another_size_than_its_image_is_refused(
    masked: SingleFrame, tmp_path: Path
) -> None:
    """By what the frame states, else by what the picture is; both sizes are said."""
    masked.mask_source = str(picture(tmp_path / "small.png", (20, 20)))
    for call in (masked.get_mask_labels, masked.get_mask_opacity, masked.draw):
        with pytest.raises(FrameError, match=r"20 x 20 pixels, its image 40 x 20"):
            call()
    masked.width, masked.height = 20, 20
    assert masked.get_mask_labels().unknown == {(255, 255, 255): 400}


def test_a_frame_is_drawn_with_its_rois_labels_and_masks(
    draft: DatasetVersion, masked: SingleFrame, again: Again
) -> None:
    """In the colours of the labels, wherever the words come from."""
    draft.set_masks_labels({ROAD: ["road"]})
    masked.add_annotation(box2d_xywh=[5, 2, 20, 5], labels=["car"])
    found = again(masked)
    drawn = found.draw(labels=False, fill=0, mask_opacity=1, line=1)
    assert (drawn.mode, drawn.size) == ("RGB", (40, 20))
    assert drawn.getpixel((10, 2)) == colour_of("car")
    assert drawn.getpixel((10, 15)) == colour_of("road")
    assert drawn.getpixel((35, 5)) == (255, 255, 255)
    bare = found.draw(
        masks=False, confidence_min=1, colours={"car": (1, 2, 3)}, labels=False, line=1
    )
    assert bare.getpixel((10, 15)) == (255, 255, 255)
    assert bare.getpixel((10, 2)) == (1, 2, 3)
    assert np.asarray(found.draw()).tolist() != np.asarray(found.draw(labels=False)).tolist()


def test_a_group_is_drawn_member_by_member(tmp_path: Path) -> None:
    """By name, with one manner."""
    group = FrameGroup(
        left=SingleFrame(source=picture(tmp_path / "l.png", (10, 10))),
        right=SingleFrame(source=picture(tmp_path / "r.png", (20, 10), "black")),
    )
    drawn = group.draw(labels=False)
    assert {name: one.size for name, one in drawn.items()} == {"left": (10, 10), "right": (20, 10)}
    assert drawn["right"].getpixel((3, 3)) == (0, 0, 0)


def test_a_frame_whose_store_is_gone_is_drawn_without_its_words(
    draft: DatasetVersion, masked: SingleFrame, again: Again
) -> None:
    """The picture is there; what its colours mean is not."""
    found = again(masked)
    Dataset.delete("cells", delete_all_versions=True)
    assert found.draw(mask_opacity=1).getpixel((20, 15)) == ROAD
    with pytest.raises(NotFoundError):
        found.get_mask_labels()


def test_what_cannot_be_drawn_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, masked: SingleFrame
) -> None:
    """No source, no file, no picture, one that is too large, a manner that is none."""
    with pytest.raises(NotFoundError, match="no source"):
        SingleFrame().draw()
    with pytest.raises(NotFoundError, match=r"gone\.png"):
        SingleFrame(source=tmp_path / "gone.png").draw()
    (tmp_path / "text.png").write_bytes(b"text")
    with pytest.raises(MediaError, match="no picture"):
        SingleFrame(source=tmp_path / "text.png").draw()
    with pytest.raises(UsageError, match="fill"):
        masked.draw(fill=2)
    with pytest.raises(NotFoundError, match="no mask 'x'"):
        masked.draw(alpha="x")
    monkeypatch.setenv("HYPERSTORE_MEDIA_PIXELS_MAX", "799")
    with pytest.raises(RefusedError, match="over the 799"):
        masked.draw()
    monkeypatch.setenv("HYPERSTORE_MEDIA_PIXELS_MAX", "800")
    masked.draw()


def test_pv_01_a_preview_is_a_record_or_a_uri(again: Again) -> None:
    """C-03: both are read, a record is written."""
    preview = {"uri": "s3://b/p", "content_type": "png", "timestamp": 1, "width": 2, "height": 3}
    for given, expected in [(preview, preview), ("s3://b/p", {"uri": "s3://b/p"})]:
        wire: Wire = {
            "id": "a",
            "sources": [{"id": "default", "uri": "s3://b/a", "preview": given}],
        }
        found = again(SingleFrame.from_dict(wire))
        assert found.to_dict()["sources"][0]["preview"] == expected  # type: ignore[index]


def test_pv_02_a_preview_is_optional_and_may_be_a_video(again: Again) -> None:
    """Its moment is its own timestamp."""
    frame = SingleFrame(id="a", source="s3://b/scan.dcm")
    assert again(frame).preview_uri is None
    frame.preview_uri, frame.preview_uri_timestamp = "s3://b/clip.mp4", 40
    found = again(frame)
    assert (found.preview_uri, found.preview_uri_timestamp) == ("s3://b/clip.mp4", 40)


def test_pv_03_what_is_shown_is_the_preview_or_else_the_source(tmp_path: Path) -> None:
    """In a notebook; a preview that is not there gives way to the source, and is said."""
    frame = SingleFrame(source=picture(tmp_path / "a.png", (40, 20), "red"))
    frame.preview_uri = picture(tmp_path / "p.png", (10, 10), "blue")
    assert 'width="10"' in frame._repr_html_()
    frame.preview_uri = tmp_path / "gone.png"
    assert 'width="40"' in frame._repr_html_()
    assert "gone.png" in frame._repr_html_()


def test_md_01_metadata_at_three_levels(again: Again) -> None:
    """Of the frame, of its source, of an ROI; each live."""
    frame = SingleFrame(id="a", source="s3://b/a")
    frame.add_annotation(labels=["x"])
    frame.metadata["level"] = "frame"
    frame.sourcedata["level"] = "source"
    frame.annotations[0].metadata["level"] = "roi"
    wire: Wire = again(frame).to_dict()
    found = [wire["meta"], wire["sources"][0]["meta"], wire["rois"][0]["meta"]]
    assert found == [{"level": level} for level in ("frame", "source", "roi")]


def test_md_02_metadata_defines_a_schema(draft: DatasetVersion) -> None:
    """C-41: a second type is shown, or with `strict_schema` refused as a failure."""
    draft.add_frames([SingleFrame(id="a", source="s3://b/a", metadata={"k": 1})])
    draft.add_frames([SingleFrame(id="b", source="s3://b/b", metadata={"k": "x"})])
    assert set(draft.get_schema()["meta.k"]) == {"integer", "string"}
    third = SingleFrame(id="c", source="s3://b/c", metadata={"k": True})
    (failure,) = draft.add_frames([third], strict_schema=True)
    assert failure["error_type"] == "validation"
    assert len(draft) == 2


def test_md_03_a_hidden_dict_takes_no_part_in_the_schema(draft: DatasetVersion) -> None:
    """It is kept with the frame, live, and comes back from a dict too."""
    frame = SingleFrame(id="a", source="s3://b/a")
    frame.meta_blob["hidden"] = {"any": ["thing"]}
    draft.add_frames([frame])
    found = draft.get_frame("a")
    assert found.meta_blob == {"hidden": {"any": ["thing"]}}
    assert found.to_dict()["meta_blob"] == {"hidden": {"any": ["thing"]}}
    assert not [name for name in draft.get_schema() if "hidden" in name]


def test_md_04_a_blob_is_a_string(draft: DatasetVersion) -> None:
    """Anything else is a failure with its place."""
    wire: Wire = {"id": "a", "blob": "raw", "sources": [{"id": "default", "uri": "s3://b/a"}]}
    assert draft.add_frames([wire]) == []
    assert draft.get_frame("a").blob == "raw"
    (failure,) = draft.add_frames([{**wire, "blob": {"k": 1}}])
    assert "blob" in str(failure["error"])


def test_md_06_nested_metadata_is_named_by_its_path(draft: DatasetVersion) -> None:
    """In projections and in the schema."""
    meta = {"splits": {"generic": {"set": "train"}}}
    draft.add_frames([SingleFrame(id="a", source="s3://b/a", metadata=meta)])
    (found,) = draft.get_iterator(projection=["meta.splits.generic.set"])
    assert found == {"meta": meta}
    assert "meta.splits.generic.set" in draft.get_schema()


@pytest.mark.parametrize("form", ["single", "group", "wire"])
def test_a_metadata_key_with_a_dot_is_kept_and_warned_of(draft: DatasetVersion, form: str) -> None:
    """C-40: no query names it by its path; said once a call, with the first such frame."""
    frames: list[Any] = []
    for name in "ab":
        single = SingleFrame(id=name, source=f"s3://b/{name}", metadata={"deep": {"a.b": 1}})
        group = FrameGroup(id=name, member=single)
        frames.append({"single": single, "group": group, "wire": single.to_dict()}[form])
    with pytest.warns(UserWarning, match=r"'a\.b' \(first in 'a'\)") as told:
        assert draft.add_frames(frames) == []
    assert len(told) == 1
    held = draft.get_frame("b")
    kept = held["member"].metadata if isinstance(held, FrameGroup) else held.metadata
    assert kept == {"deep": {"a.b": 1}}


def test_keys_that_no_query_names_are_refused_for_versions(draft: DatasetVersion) -> None:
    """C-40: of a dataset or a version they are an error, at any depth."""
    for wrong in ({"a.b": 1}, {"a": {"$b": 1}}):
        with pytest.raises(ValueError, match="rename it"):
            draft.set_metadata(wrong)
    assert draft.get_metadata() == {}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**64, {1, 2}, object(), {1: "x"}])
def test_metadata_that_cannot_be_stored_is_a_failure(draft: DatasetVersion, value: Any) -> None:
    """Of type validation, with its place; the others are stored."""
    bad = SingleFrame(id="bad", source="s3://b/bad", metadata={"deep": {"x": value}})
    (failure,) = draft.add_frames([bad, SingleFrame(id="a", source="s3://b/a")])
    assert (failure["frame"], failure["error_type"]) == (bad, "validation")
    assert "meta.deep" in str(failure["error"])
    assert [one.id for one in draft] == ["a"]


def test_a_video_is_drawn_at_its_moment(tmp_path: Path) -> None:
    """SO-05: by the frame's timestamp; and its masks have its size."""
    av = pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for level in (0, 0, 255, 255):
            image = Image.new("RGB", (64, 48), (level,) * 3)
            container.mux(stream.encode(av.VideoFrame.from_image(image)))
        container.mux(stream.encode())
    shades = []
    for at in (0, 300):
        pixel = SingleFrame(source=path, timestamp=at).draw().getpixel((30, 20))
        assert isinstance(pixel, tuple)
        shades.append(round(pixel[0] / 255))
    assert shades == [0, 1]


def test_a_pointer_is_not_drawn(caplog: pytest.LogCaptureFixture) -> None:
    """It leads to no bytes, and the error says which URI that is."""
    frame = SingleFrame(source="text://what is this?")
    with caplog.at_level(logging.WARNING):
        assert frame.get_local_source() is None
    with pytest.raises(UsageError, match="text://"):
        frame.draw()


def test_a_picture_with_a_turn_is_drawn_upright(tmp_path: Path) -> None:
    """As its EXIF says, and the mask of a turned picture is held to its upright size."""
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "a.jpg").write_bytes(encoded(Image.new("RGB", (40, 20)), "JPEG", exif=exif))
    frame = SingleFrame(source=tmp_path / "a.jpg")
    frame.mask_source = str(picture(tmp_path / "m.png", (20, 40), SKY))
    assert frame.draw().size == (20, 40)
    assert frame.get_mask_labels().unknown == {SKY: 800}


def test_mk_05_both_calls_read_the_words_of_a_version_alike(
    draft: DatasetVersion, masked: SingleFrame, again: Again
) -> None:
    """What one refuses the other does, and what one passes over the other does."""
    one: Wire = {"value": [float(level) for level in SKY], "labels": ["sky"]}
    said: Any
    for said in ({"_all_": one}, {"_all_": [one, {"value": [None], "labels": ["x"]}]}):
        draft.set_metadata({"mask_labels": said})
        assert draft.get_masks_labels() == {SKY: ("sky",)}
        assert again(masked).get_mask_labels().labels == {"sky": 396}
    for said in ({"_all_": [one, {**one, "labels": ["x"]}]}, {"_all_": [{"value": 7}]}, 5):
        draft.set_metadata({"mask_labels": said})
        for call in (draft.get_masks_labels, again(masked).get_mask_labels, again(masked).draw):
            with pytest.raises(UsageError, match="mask"):
                call()


def test_mk_02_a_label_that_nobody_knows_is_an_error(
    draft: DatasetVersion, masked: SingleFrame, again: Again
) -> None:
    """Not an empty mask; one that is known and not to be seen is empty."""
    draft.set_masks_labels({SKY: ["sky"], (7, 7, 7): ["bird"]})
    masked.add_annotation(mask_rgb=ROAD, labels=["road"])
    masked.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["car"])
    found = again(masked)
    counts = {one: np.asarray(found.get_label_mask(one)).sum() for one in ("sky", "road")}
    assert counts == {"sky": 396, "road": 400}
    for known in ("bird", "car"):
        assert not np.asarray(found.get_label_mask(known)).any()
    with pytest.raises(NotFoundError, match=r"'raod'.*'road'"):
        found.get_label_mask("raod")


def test_an_30_a_mask_annotation_made_before_the_masks_is_read_by_the_first(
    masked: SingleFrame, again: Again
) -> None:
    """Also before the frame is stored."""
    uri = masked.mask_source
    assert uri is not None
    masked.masks_source = None
    masked.add_annotation(mask_rgb=ROAD, labels=["road"])
    masked.masks_source = {"seg": uri}
    assert masked.get_mask_labels().labels == {"road": 400}
    assert again(masked).get_mask_labels().labels == {"road": 400}


@pytest.mark.parametrize("moment", ["x", 1.5, [1]])
def test_a_moment_that_is_none_is_refused_where_it_is_looked_for(moment: Any) -> None:
    """A video is drawn at the frame's timestamp, which can be set to anything."""
    frame = SingleFrame(id="a", source=__file__)
    frame._record.sources[0].content_type = "video/mp4"
    frame.timestamp = moment
    with pytest.raises(FrameError, match="timestamp"):
        frame.draw()
    assert "timestamp" in frame._repr_html_()
