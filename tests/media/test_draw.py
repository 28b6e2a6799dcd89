"""A drawn frame shows its shapes where they are, its labels legibly, and its masks through."""

import subprocess
import sys

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from hyperstore.errors import FrameError, UsageError
from hyperstore.frames.frame import SingleFrame
from hyperstore.limits import DRAWN_LABEL_CHARS_MAX
from hyperstore.media.draw import Manner, draw_frame, draw_on
from hyperstore.media.lettering import Writer, colour_of
from tests.support.pictures import encoded, turned_to

BARE = Manner(labels=False, fill=0, line=1)
WHITE = (255, 255, 255)


def _drawn(frame: SingleFrame, manner: Manner = BARE, side: int = 100) -> npt.NDArray[np.uint8]:
    made = draw_on(Image.new("RGB", (side, side), "white"), frame, manner=manner)
    assert (made.mode, made.size) == ("RGB", (side, side))
    return np.asarray(made)


def _marked(array: npt.NDArray[np.uint8]) -> set[tuple[int, int]]:
    """Return x and y of each pixel that is not white."""
    rows, columns = np.nonzero((array != 255).any(axis=2))
    return set(zip(columns.tolist(), rows.tolist(), strict=True))


def test_a_box_is_drawn_along_its_sides() -> None:
    """Exactly these pixels, in the colour of its label."""
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(box2d_xywh=[20, 30, 40, 50], labels=["cat"])
    array = _drawn(frame)
    sides = {(x, y) for x in range(20, 61) for y in (30, 80)}
    sides |= {(x, y) for x in (20, 60) for y in range(30, 81)}
    assert _marked(array) == sides
    assert tuple(array[30, 25]) == colour_of("cat")


def test_a_turned_box_an_ellipse_polygons_and_points_are_where_they_are_said_to_be() -> None:
    """Each drawn pixel lies within one and a half of the shape's own outline."""
    angle = np.linspace(0, 2 * np.pi, 2000)
    side = np.linspace(-20, 20, 500)
    half = np.sqrt(0.5)
    square = [np.stack([50 + (side - t) * half, 50 + (side + t) * half]) for t in (-20, 20)]
    square += [np.stack([50 + (t - side) * half, 50 + (t + side) * half]) for t in (-20, 20)]
    triangle = [np.linspace(a, b, 500).T for a, b in [((10, 10), (90, 10)), ((90, 10), (10, 90))]]
    triangle.append(np.linspace((10, 90), (10, 10), 500).T)
    ellipse = np.stack([50 + 30 * np.cos(angle), 50 + 10 * np.sin(angle)])
    shapes: list[tuple[dict[str, object], npt.NDArray[np.float64]]] = [
        ({"box2d_xywh": [30, 30, 40, 40, np.pi / 4]}, np.concatenate(square, axis=1)),
        ({"ellipse2d_xyrrt": [50, 50, 30, 10, 0]}, ellipse),
        ({"poly2d_xy": [10, 10, 90, 10, 10, 90]}, np.concatenate(triangle, axis=1)),
        ({"points2d_xy": [20, 20, 70, 30]}, np.array([[20.0, 70.0], [20.0, 30.0]])),
    ]
    for said, outline in shapes:
        frame = SingleFrame(source="/a.png")
        frame.add_annotation(**said, labels=["x"])  # type: ignore[arg-type]
        marked = np.array(sorted(_marked(_drawn(frame))), dtype=float)
        apart = np.linalg.norm(marked[:, :, None] - outline[None], axis=1)
        reach = 3 if "points2d_xy" in said else 1.5
        assert apart.min(axis=1).max() <= reach, said
        assert apart.min(axis=0).max() <= reach, said


def test_each_part_of_a_complex_polygon_is_drawn() -> None:
    """An object in two pieces has no line between them."""
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(poly2d_xy=[[5, 5, 20, 5, 20, 20], [60, 60, 90, 60, 90, 90]], labels=["x"])
    marked = _marked(_drawn(frame))
    assert {(12, 5), (75, 60)} <= marked
    assert not any(25 < x < 55 for x, _ in marked)


def test_shapes_follow_the_size_of_the_picture() -> None:
    """A preview is smaller than the source whose pixels the numbers are."""
    frame = SingleFrame(source="/a.png", width=1000, height=1000)
    frame.add_annotation(box2d_xywh=[200, 300, 400, 500], labels=["cat"])
    small = SingleFrame(source="/a.png")
    small.add_annotation(box2d_xywh=[20, 30, 40, 50], labels=["cat"])
    assert (_drawn(frame) == _drawn(small)).all()


def test_less_sure_shapes_are_left_out_and_unsaid_ones_are_not() -> None:
    """Without a confidence a person drew it."""
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(box2d_xywh=[10, 10, 10, 10], labels=["a"], confidence=0.3)
    frame.add_annotation(box2d_xywh=[40, 10, 10, 10], labels=["a"], confidence=0.9)
    frame.add_annotation(box2d_xywh=[70, 10, 10, 10], labels=["a"])
    marked = _marked(_drawn(frame, Manner(labels=False, confidence_min=0.5)))
    assert [any(abs(x - left) < 4 for x, _ in marked) for left in (10, 40, 70)] == [0, 1, 1]


def test_a_colour_follows_from_the_label_alone() -> None:
    """Two people who look at two pictures on two days speak of the same red."""
    code = "from hyperstore.media.lettering import colour_of; print(colour_of('cat'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(colour_of("cat"))
    colours = [colour_of(f"label {at}") for at in range(50)]
    assert len(set(colours)) == 50
    chosen = Manner(colours={"cat": (1, 2, 3)}, labels=False, fill=0, line=1)
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(box2d_xywh=[20, 30, 40, 50], labels=["cat"])
    assert tuple(_drawn(frame, chosen)[30, 25]) == (1, 2, 3)


@pytest.mark.parametrize("place", [(-50, -50), (0, 0), (95, 95), (500, 40), (40, -500)])
@pytest.mark.parametrize("label", ["cat", "a label as long as no picture is wide, and longer"])
def test_text_lies_within_the_picture(place: tuple[int, int], label: str) -> None:
    """Wherever its shape is, the whole plate is seen: a rectangle of the label's colour."""
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(box2d_xywh=[*place, 1, 1], labels=[label])
    with_text, without = _drawn(frame, Manner(fill=0, line=1)), _drawn(frame)
    changed = np.argwhere((with_text != without).any(axis=2))
    (top, left), (bottom, right) = changed.min(axis=0), changed.max(axis=0)
    plate = with_text[top : bottom + 1, left : right + 1]
    corners = plate[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == colour_of(label)).all()
    assert plate.shape[1] > 12


@pytest.mark.parametrize("background", ["black", "white", "grey"])
def test_text_is_legible_on_any_background(background: str) -> None:
    """Letters differ strongly from the plate they stand on, whatever is around."""
    for at in range(30):
        frame = SingleFrame(source="/a.png")
        frame.add_annotation(frame_class=[f"label {at}"])
        made = draw_on(Image.new("RGB", (200, 100), background), frame)
        plate = np.asarray(made.convert("L"))[2:12, 2:40].astype(int)
        assert plate.max() - plate.min() > 90


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        ("", None),
        ("\n", "\ufffd"),
        ("a\tb", "a\ufffdb"),
        ("\0", "\ufffd"),
        ("\u202e", "\ufffd"),
        ("cat", "cat"),
        ("\u732b", "\u732b"),
    ],
)
def test_labels_of_any_text_are_drawn_without_a_fault(label: str, seen: str | None) -> None:
    """Labels come from files of others: what nobody can see in one is marked. On a tiny picture
    there is no room for any.
    """
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(frame_class=["x"])
    frame.annotations[0]._roi.label = [label]
    for side in (1, 3):
        assert _marked(_drawn(frame, Manner(), side)) == set()
    marked = _marked(_drawn(frame, Manner(colours={label: (9, 9, 9)})))
    assert bool(marked) is (seen is not None)
    if seen is not None:
        frame.annotations[0]._roi.label = [seen]
        assert _marked(_drawn(frame, Manner(colours={seen: (9, 9, 9)}))) == marked


@pytest.mark.parametrize("letter", ["e", "W", "\u732b", "e\u0301"])
def test_a_long_label_is_cut_to_what_has_room(letter: str) -> None:
    """As many letters as the picture is wide, and not one less: one more would not fit."""
    for side in (60, 100, 300):
        writer = Writer(Image.new("RGB", (side, side), "white"))
        found = writer._fitted(letter * 5_000)
        assert found is not None
        cut, width, _ = found
        assert cut.endswith("...")
        assert cut == (letter * 5_000)[: len(cut) - 3] + "..."
        more = writer._plate_of((letter * 5_000)[: len(cut) - 2] + "...")
        assert width <= side
        assert more is None or len(cut) - 3 == DRAWN_LABEL_CHARS_MAX


class _Counting(Writer):
    """Counts how often a text is measured."""

    measured = 0

    def _plate_of(self, text: str) -> tuple[str, int, int] | None:
        self.measured += 1
        return super()._plate_of(text)


def test_a_long_label_is_measured_a_few_times() -> None:
    """And not once for each of its letters: a notebook shows hundreds of labels at once."""
    writer = _Counting(Image.new("RGB", (100, 100), "white"))
    assert writer._fitted("W" * 1_000) is not None
    assert writer.measured <= 7


def test_of_a_huge_label_only_the_first_letters_are_looked_at() -> None:
    """Ten megabytes of text are drawn like the first few hundred letters of them."""
    arrays = []
    for length in (1_000, 10_000_000):
        frame = SingleFrame(source="/a.png")
        frame.add_annotation(box2d_xywh=[10, 50, 20, 20], labels=["x" * length])
        frame.add_annotation(frame_class=["x" * length, "y"])
        arrays.append(_drawn(frame, Manner(colours={"x" * length: (9, 9, 9)})))
    assert (arrays[0] == arrays[1]).all()


def test_absurd_numbers_are_drawn_as_far_as_the_picture_goes() -> None:
    """A shape may be larger than the world; its sides through the picture are still seen."""
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(poly2d_xy=[-1e12, 50, 1e12, 50, 1e12, 1e12], labels=["x"])
    frame.add_annotation(points2d_xy=[1e300, 5, 50, 20], labels=["x"])
    frame.add_annotation(box2d_xywh=[1e300, 1e300, 1e300, 1e300], labels=["x"])
    frame.add_annotation(ellipse2d_xyrrt=[0, 0, 1e200, 1e200, 1], labels=["x"])
    frame.add_annotation(ellipse2d_xyrrt=[1e308, 0, 1e308, 1e308, 1], labels=["x"])
    frame.add_annotation(box3d_xyzwhxyzwh=[1] * 10, labels=["x"])
    frame.add_annotation(points3d_xyz=[1, 2, 3], labels=["x"])
    marked = _marked(_drawn(frame))
    assert {(50, 50), (50, 20)} <= marked
    _drawn(frame, Manner())


def _masked(mask: Image.Image, **options: object) -> tuple[int, ...]:
    frame = SingleFrame(source="/a.png")
    picture = encoded(Image.new("RGB", (8, 8), "white"), "PNG")
    made = draw_frame(frame, source=picture, masks={"00": encoded(mask, "PNG")}, **options)  # type: ignore[arg-type]
    found = made.getpixel((6, 6))
    assert isinstance(found, tuple)
    assert made.getpixel((1, 1)) == WHITE
    return found


def test_a_mask_is_seen_through_in_the_colour_of_its_label() -> None:
    """Half of the label's colour and half of the picture; black is background."""
    mask = Image.new("RGB", (8, 8))
    mask.paste((0, 0, 9), (4, 4, 8, 8))
    half = tuple(round((255 + level) / 2) for level in colour_of("cat"))
    found = _masked(mask, legends={"00": {(0, 0, 9): ["cat"], (0, 0, 0): ["background"]}})
    assert max(abs(one - other) for one, other in zip(found, half, strict=True)) <= 1
    assert _masked(mask, manner=Manner(mask_opacity=1)) == (0, 0, 9)


def test_a_mask_annotation_gives_its_pixels_a_colour() -> None:
    """The older way of saying which value is which label."""
    mask = Image.new("RGB", (8, 8), (0, 0, 9))
    frame = SingleFrame(source="/a.png", mask_source="/m.png")
    frame.add_annotation(mask_rgb=[0, 0, 9], labels=["cat"])
    made = draw_frame(
        frame,
        source=encoded(Image.new("RGB", (8, 8), "white"), "PNG"),
        masks={"00": encoded(mask, "PNG")},
        manner=Manner(mask_opacity=1, labels=False),
    )
    assert made.getpixel((4, 4)) == colour_of("cat")


def test_a_mask_has_the_size_of_the_source_and_not_of_the_preview() -> None:
    """It is scaled with the shapes; one of any other size is refused."""
    frame = SingleFrame(source="/a.png", width=16, height=16)
    preview = encoded(Image.new("RGB", (8, 8), "white"), "PNG")
    whole = encoded(Image.new("RGB", (16, 16), (0, 0, 9)), "PNG")
    made = draw_frame(frame, source=preview, masks={"00": whole}, manner=Manner(mask_opacity=1))
    assert made.getpixel((7, 7)) == (0, 0, 9)
    with pytest.raises(FrameError, match="8 x 8 pixels, its image 16 x 16"):
        draw_frame(frame, source=preview, masks={"00": preview})


def test_what_is_transparent_is_drawn_on_white_and_the_picture_stays_as_it_was() -> None:
    """Shapes over nothing could not be seen."""
    picture = Image.new("RGBA", (50, 50), (0, 0, 0, 0))
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(box2d_xywh=[5, 5, 20, 20], labels=["cat"])
    made = draw_on(picture, frame)
    assert made.getpixel((45, 45)) == WHITE
    assert picture.getcolors() == [(2500, (0, 0, 0, 0))]


@pytest.mark.parametrize(
    "said",
    [
        {"confidence_min": 2},
        {"confidence_min": None},
        {"fill": -1},
        {"fill": "x"},
        {"fill": float("nan")},
        {"mask_opacity": [1]},
        {"line": 0},
        {"line": 1.5},
        {"line": "a"},
        {"line": True},
        {"colours": 5},
        {"colours": ["cat"]},
        {"colours": {"cat": "red"}},
        {"colours": {"cat": (1, 2)}},
        {"colours": {"cat": (300, 2, 3)}},
        {"colours": {"cat": (1, -1, 3)}},
        {"colours": {"cat": (1, 2, 3.5)}},
        {"colours": {"cat": None}},
    ],
)
def test_a_manner_that_cannot_be_drawn_is_refused(said: dict[str, object]) -> None:
    """At once, and not for each frame."""
    with pytest.raises(UsageError, match=next(iter(said))):
        Manner(**said)  # type: ignore[arg-type]


def test_a_manner_takes_the_numbers_of_numpy() -> None:
    """Colours out of an array, and an opacity out of one."""
    frame = SingleFrame(source="/a.png")
    frame.add_annotation(box2d_xywh=[5, 5, 20, 20], labels=["cat"])
    colour = (np.uint8(1), np.uint8(2), np.uint8(3))
    manner = Manner(colours={"cat": colour}, fill=np.float64(0), line=np.int64(1), labels=False)  # type: ignore[arg-type, dict-item]
    assert tuple(_drawn(frame, manner)[5, 10]) == (1, 2, 3)


def test_a_frame_that_states_the_size_of_a_picture_on_its_side_is_refused() -> None:
    """Each axis would be scaled by the other one; a smaller picture is a preview, and is drawn."""
    data = turned_to(6, "JPEG")
    frame = SingleFrame(source="/a.jpg", width=32, height=64)
    frame.add_annotation(box2d_xywh=[5, 5, 20, 10], labels=["cat"])
    with pytest.raises(FrameError, match=r"32 x 64 .* 64 x 32"):
        draw_frame(frame, source=data)
    frame.width, frame.height = 64, 32
    assert draw_frame(frame, source=data).size == (64, 32)
    frame.width, frame.height = 320, 640
    assert draw_frame(frame, source=data).size == (64, 32)
