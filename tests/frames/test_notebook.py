"""A frame tells who glances at it what it is, whatever is wrong with it, and runs nothing."""

import base64
import io
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import hyperstore
from hyperstore import FrameGroup, ImageAnnotation, SingleFrame
from hyperstore.frames.prepare import prepare
from hyperstore.frames.read import read_frame
from hyperstore.frames.roots import NO_ROOTS
from hyperstore.limits import GLANCE_FILE_BYTES_MAX, GLANCE_ROIS_MAX, GLANCE_SIDE_MAX
from tests.support.pictures import bomb, encoded, turned_to
from tests.support.strategies import strange, wire_frames
from tests.support.webserver import web_server

EVIL = "<script>alert(1)</script>\"'&\u202e\x00\ud800<img src=x onerror=alert(2)>"
_KNOWN = {"div", "b", "figure", "figcaption", "img", "table", "tr", "th", "td"}


class _Page(HTMLParser):
    """The tags, the pictures and the text of a piece of HTML."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.pictures: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag, and that it does nothing."""
        self.tags.append(tag)
        assert all(not name.startswith("on") for name, _ in attrs)
        if tag == "img":
            self.pictures.append(str(dict(attrs)["src"]))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Hold that tags are closed in order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Gather what is read."""
        self.text += data + "\n"


def _page(frame: SingleFrame | FrameGroup) -> _Page:
    """Return what a notebook shows; it may be sent anywhere, and holds nothing but our tags."""
    text = frame._repr_html_()
    text.encode()
    page = _Page(text)
    assert set(page.tags) <= _KNOWN
    assert not page.open
    assert all(one.startswith("data:image/jpeg;base64,") for one in page.pictures)
    return page


def _opened(uri: str) -> Image.Image:
    """Return the picture of a data: URI."""
    return Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")


@pytest.fixture
def white(tmp_path: Path) -> Path:
    """Return a white picture of 960 x 480."""
    path = tmp_path / "white.png"
    Image.new("RGB", (960, 480), "white").save(path)
    return path


def test_a_notebook_shows_the_source_with_its_rois_where_they_are(white: Path) -> None:
    """At half the size, so at half the numbers."""
    frame = SingleFrame(id="a", source=white, metadata={"weather": "rain"}, context_id="drive 7")
    frame.add_annotation(box2d_xywh=[200, 100, 400, 200], labels=["car"], confidence=0.5)
    page = _page(frame)
    (picture,) = map(_opened, page.pictures)
    assert picture.size == (GLANCE_SIDE_MAX, GLANCE_SIDE_MAX // 2)
    across = [x for x in range(picture.width) if min(picture.getpixel((x, 120))) < 200]  # type: ignore[arg-type]
    assert {100, 300} <= {x + shift for x in across for shift in (-1, 0, 1)}
    assert all(95 <= x <= 305 for x in across)
    for said in ("white.png", "drive 7", "weather", "rain", "BoundingBox2D", "car", "0.5"):
        assert said in page.text


def test_a_preview_is_shown_before_the_source(white: Path, tmp_path: Path) -> None:
    """PV-03; its ROIs are where the source has them, though it is smaller."""
    small = tmp_path / "small.png"
    Image.new("RGB", (96, 48), "black").save(small)
    frame = SingleFrame(source=white, preview_uri=small)
    frame.add_annotation(box2d_xywh=[480, 0, 480, 480], labels=["right"])
    (picture,) = map(_opened, _page(frame).pictures)
    assert picture.size == (96, 48)
    left, right = picture.getpixel((20, 40)), picture.getpixel((72, 40))
    assert isinstance(left, tuple)
    assert isinstance(right, tuple)
    assert max(left) < 20 < max(right)


def test_text_of_a_stranger_is_shown_and_never_run(white: Path) -> None:
    """Every place that holds text holds a script here."""
    frame = SingleFrame(
        id=EVIL,
        metadata={EVIL: [EVIL, {EVIL: EVIL}]},
        context_id=EVIL,
        annotations=[ImageAnnotation(["day"])],
        mask_source={EVIL: str(white)},
    )
    frame.annotations[0].labels.append(EVIL)
    frame._record.sources[0].uri = EVIL
    group = FrameGroup(EVIL, {EVIL: EVIL}, {EVIL + "!": frame})
    for page in (_page(frame), _page(group)):
        assert "script" not in page.tags
        assert "<script>alert(1)" in page.text
        assert "\u202e" not in page.text
        assert len(page.text) < 5_000


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("gone.png", None, "no file"),
        ("empty.png", b"", "empty"),
        ("text.png", b"no picture at all", "no picture"),
        ("cut.png", encoded(Image.effect_noise((300, 300), 90), "PNG")[:4000], "broken"),
        ("bomb.png", bomb(60_000, 60_000), "pixels"),
        ("large.png", bomb(10_000, 10_000), "too many to be shown at a glance"),
    ],
)
def test_the_facts_are_shown_where_the_picture_cannot_be(
    tmp_path: Path, name: str, content: bytes | None, said: str
) -> None:
    """With the reason, and the ROIs on empty ground where the frame says how large it is."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    frame = SingleFrame(id="a", source=tmp_path / name)
    frame.add_annotation(labels=["day"])
    page = _page(frame)
    assert page.pictures == []
    assert said in page.text
    assert "day" in page.text
    frame.width, frame.height = 200, 100
    (ground,) = map(_opened, _page(frame).pictures)
    assert ground.size == (GLANCE_SIDE_MAX, GLANCE_SIDE_MAX // 2)


def test_a_huge_file_is_not_opened(tmp_path: Path) -> None:
    """A glance takes a moment; the file here has no blocks, so that the disk has room for it."""
    path = tmp_path / "huge.tif"
    with path.open("wb") as file:
        file.truncate(GLANCE_FILE_BYTES_MAX + 1)
    assert "too many to be shown at a glance" in _page(SingleFrame(source=path)).text


def test_a_frame_of_many_rois_shows_the_first(white: Path) -> None:
    """And says of how many."""
    frame = SingleFrame(source=white)
    for at in range(GLANCE_ROIS_MAX + 7):
        frame.add_annotation(box2d_xywh=[at, at, 5, 5], labels=[f"l{at}"])
    page = _page(frame)
    assert f"{GLANCE_ROIS_MAX} of {GLANCE_ROIS_MAX + 7} annotations are drawn" in page.text
    assert f"and {GLANCE_ROIS_MAX - 3} more" in page.text


def test_nothing_is_asked_of_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a download has brought is shown, what none has is not."""
    monkeypatch.setenv("HYPERSTORE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HYPERSTORE_CACHE_MIN_FREE_BYTES", "0")
    with web_server() as web:
        web.files["cat.png"] = encoded(Image.new("RGB", (20, 10), "red"), "PNG")
        frame = SingleFrame(source=web.url("/files/cat.png"))
        assert "not on this machine yet" in _page(frame).text
        assert web.connections == 0
        frame.get_local_source(raise_on_error=True)
        connections = web.connections
        (picture,) = map(_opened, _page(frame).pictures)
        assert picture.size == (20, 10)
        assert web.connections == connections


@pytest.mark.parametrize("wrong", [{"width": "x", "height": 2}, {"width": -1, "height": 3}])
def test_values_that_no_store_would_take_are_shown_all_the_same(wrong: dict[str, object]) -> None:
    """A repr that raises hides what is wrong."""
    frame = SingleFrame(source="s3://bucket/a.png", metadata={"own": object()})
    for name, value in wrong.items():
        setattr(frame, name, value)
    frame.annotations.append(3)  # type: ignore[arg-type]
    assert "s3://bucket/a.png" in _page(frame).text
    assert repr(frame)


def test_members_of_a_group_are_shown_side_by_side(white: Path) -> None:
    """Each under its name, with its own annotations."""
    group = FrameGroup(id="g", metadata={"weather": "rain"})
    for name in ("left", "right"):
        group[name] = SingleFrame(source=white)
        group[name].add_annotation(labels=[f"{name} label"])
    page = _page(group)
    assert len(page.pictures) == 2
    for said in ("left", "right", "left label", "right label", "rain"):
        assert said in page.text
    many = FrameGroup(None, None, {f"m{at}": SingleFrame(source=white) for at in range(12)})
    assert len(_page(many).pictures) < 12
    assert "m11" in _page(many).text
    assert _page(FrameGroup()).pictures == []


def test_a_repr_says_what_it_is_about() -> None:
    """Id, source, size and number of annotations; of an annotation its shape and labels."""
    frame = SingleFrame(id="a", source="s3://b/a.jpg", width=640, height=480)
    frame.add_annotation(box2d_xywh=[1, 2, 3, 4], labels=["car"], confidence=0.5, id="x")
    frame.add_annotation(poly2d_xy=range(100), labels=["road"])
    assert repr(frame) == "SingleFrame(id='a', source='s3://b/a.jpg', size=640x480, annotations=2)"
    box, polygon = frame.annotations
    assert repr(box) == "BoundingBox2D([1, 2, 3, 4], labels=['car'], id='x', confidence=0.5)"
    assert len(repr(polygon)) < 120
    group = FrameGroup(id="g", left=frame)
    assert repr(group) == "FrameGroup(id='g', members=['left'], annotations=2)"


def test_a_repr_decodes_no_roi() -> None:
    """In a notebook a list of frames is looked at more often than its ROIs."""
    frame = SingleFrame(source="s3://b/a.jpg")
    frame.add_annotation(labels=["a"])
    group = FrameGroup(left=frame, right=SingleFrame(source="s3://b/b.jpg"))
    for one in (frame, group):
        payload = prepare(one, roots=NO_ROOTS).payload
        back = read_frame(payload, home=None, object_id=None, roots=NO_ROOTS)
        assert "annotations=1" in repr(back)
        members = [back] if isinstance(back, SingleFrame) else list(back.values())
        assert [member._annotations for member in members] == [None] * len(members)


@given(wire_frames(), st.data())
def test_whatever_a_frame_holds_is_shown(wire: dict[str, object], data: st.DataObject) -> None:
    """A frame of any store, and one whose metadata no store would take."""
    frame = SingleFrame.from_dict(wire)
    frame.metadata["more"] = data.draw(strange)
    assert type(frame).__name__ in _page(frame).text
    assert len(repr(frame)) < 1_000


def test_making_and_printing_frames_loads_neither_pillow_nor_lmdb() -> None:
    """Workers that only carry frames start quickly."""
    said = (
        "import sys, pickle, hyperstore as h; f = h.SingleFrame(source='/a.png');"
        "f.add_annotation(labels=['a']); g = h.FrameGroup(a=f);"
        "repr(pickle.loads(pickle.dumps(g))); print({'PIL', 'lmdb'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", said], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"


def test_damaged_rois_are_said_to_be_unreadable() -> None:
    """Where their bytes are no list; the frame itself is still shown."""
    frame = SingleFrame(id="a", source="s3://b/a.jpg")
    frame.add_annotation(labels=["a"])
    payload = prepare(frame, roots=NO_ROOTS).payload
    at = payload.index(b"\xa5label")
    back = read_frame(
        payload[:at] + b"\xa5lebal" + payload[at + 6 :], home=None, object_id=None, roots=NO_ROOTS
    )
    assert isinstance(back, SingleFrame)
    assert "s3://b/a.jpg" in _page(back).text
    with pytest.raises(hyperstore.CorruptError):
        back.annotations  # noqa: B018


def test_a_picture_on_its_side_is_not_drawn_over(tmp_path: Path) -> None:
    """The frame states the size before it is turned, so nobody knows where the ROIs are in it."""
    path = tmp_path / "turned.jpg"
    path.write_bytes(turned_to(6, "JPEG"))
    frame = SingleFrame(source=path, width=32, height=64)
    frame.add_annotation(box2d_xywh=[5, 5, 20, 10], labels=["cat"])
    assert "turned by its EXIF orientation" in _Page(frame._repr_html_()).text
    frame.width, frame.height = 64, 32
    assert "EXIF" not in _Page(frame._repr_html_()).text
