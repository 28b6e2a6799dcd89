"""Pictures turned and painted: what is told is done again by Pillow, NumPy and by hand."""

import logging
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image, ImageDraw

from hyperstore import DatasetVersion, FrameGroup, QueryError, SingleFrame, UsageError
from hyperstore.query.dataview import DataView
from tests.support.loading import COUNT, labelled, numbered
from tests.support.optional import needed

torch = needed("torch", group="torch")
vision = needed("torchvision", group="torch")

import numpy as np
from torch.utils.data import DataLoader
from torchvision import tv_tensors
from torchvision.transforms import v2

from hyperstore.integrations.augmentation import Augmentation
from hyperstore.integrations.decode import Decoding, decode
from hyperstore.integrations.torch import FrameDataset, FrameStream, detection_collate

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:This DataLoader will create:UserWarning"),
]
ALL = frozenset({"masks", "keypoints", "semantic"})
BOX = (20, 12, 44, 28)
POINT = (30.5, 20.5)
MOVING = ["rotate", "reflect-horiz", "reflect-vert", "scale", "shear"]
EVERY = {
    "crop_around_rois": False,
    "sets": [
        {"cls": "affine", "types": [*MOVING, "none"], "strength": 1},
        {"cls": "affine", "types": ["rotate", "scale"], "strength": 0.5},
        {"cls": "pixel", "types": ["blur", "noise", "recolor", "none"], "strength": 2},
    ],
}


def one_set(kind: str, cls: str = "affine", **more: Any) -> dict[str, Any]:
    """Return what a view says that has one set of one type."""
    return {"sets": [{"cls": cls, "types": [kind], **more}]}


def drawing(folder: Path, box: tuple[float, ...] = BOX, size: tuple[int, int] = (64, 40)) -> Any:
    """Return a frame with a white rectangle on black, its outline, its box and a key point."""
    left, top, right, bottom = box
    made = Image.new("RGB", size)
    ImageDraw.Draw(made).rectangle((left, top, right - 1, bottom - 1), (255, 255, 255))
    made.save(folder / "white.png")
    frame = SingleFrame(id="f", source=folder / "white.png")
    frame.add_annotation(
        poly2d_xy=[left, top, right, top, right, bottom, left, bottom],
        points2d_xy=list(POINT),
        labels=["thing"],
    )
    return frame


def sample(frame: Any, said: Any, at: int = 0, seed: int = 1, mode: str = "RGB") -> Any:
    """Return an image and its target after a hook; without one where nothing is said."""
    hook = None if said is None else Augmentation(said, seed=seed)
    return decode(frame, at, Decoding({"thing": 1}, ALL, transforms=hook, mode=mode))


def undone(matrix: list[list[float]]) -> list[float]:
    """Return the inverse of a matrix as Pillow takes it."""
    whole = np.linalg.inv(np.array([*matrix, [0, 0, 1]]))
    return [float(one) for one in whole[:2].flatten()]


def bounds(mask: Any) -> list[int]:
    """Return the box around the pixels of a mask."""
    ys, xs = np.nonzero(np.asarray(mask))
    return [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]


# Where things go.


@pytest.mark.parametrize("strength", [0.5, 1, 2])
@pytest.mark.parametrize("kind", MOVING)
def test_masks_are_those_that_pillow_warps(tmp_path: Path, kind: str, strength: float) -> None:
    """The told matrix says where pixels went, and the box lies around them."""
    frame = drawing(tmp_path)
    _, before = sample(frame, None)
    for at in range(5):
        image, target = sample(frame, one_set(kind, strength=strength), at)
        (told,) = target["augmentation"]
        assert (told["cls"], told["type"], told["strength"]) == ("affine", kind, strength)
        source = Image.fromarray(before["masks"][0].numpy())
        warped = np.asarray(
            source.transform((64, 40), Image.Transform.AFFINE, undone(told["trans_mat"]))
        )
        mask = target["masks"][0].numpy()
        assert (mask != warped).sum() <= 6  # Of about 400, where both round on an edge.
        assert ((image[0].numpy() > 127) != (mask == 1)).sum() <= 0.15 * mask.sum()
        assert np.abs(np.array(bounds(mask)) - target["boxes"][0].numpy()).max() <= 1.5
        assert isinstance(image, tv_tensors.Image)
        assert target["boxes"].canvas_size == (40, 64)


@pytest.mark.parametrize("kind", MOVING)
def test_boxes_and_pixels_are_those_of_torchvision(tmp_path: Path, kind: str) -> None:
    """A box that was moved by the told matrix is where torchvision would have moved it."""
    frame = drawing(tmp_path)
    image, before = sample(frame, None)
    turned, target = sample(frame, one_set(kind, strength=2), 4)
    (a, b, _), (c, d, _) = target["augmentation"][0]["trans_mat"]
    if kind.startswith("reflect"):
        flip = v2.functional.horizontal_flip if a < 0 else v2.functional.vertical_flip
        assert torch.equal(turned, flip(image))
        assert torch.equal(target["boxes"], flip(before["boxes"]))
        return
    scale = (a * d - b * c) ** 0.5
    words: dict[str, Any] = {"angle": 0.0, "translate": [0, 0], "scale": scale, "shear": [0, 0]}
    if kind == "rotate":
        words["angle"] = float(np.degrees(np.arctan2(c, a)))
    if kind == "shear":
        words["shear"] = [float(np.degrees(np.arctan(-one))) for one in (b, c)]
    boxes = v2.functional.affine(before["boxes"], **words)
    assert torch.allclose(boxes, target["boxes"], atol=1e-3)
    expected = v2.functional.affine(image, **words, interpolation=v2.InterpolationMode.BILINEAR)
    assert (expected.int() - turned.int()).abs().max() <= 1


def test_a_key_point_stays_on_its_pixel(tmp_path: Path) -> None:
    """A white spot lies in the same place of the picture after all steps."""
    made = Image.new("RGB", (64, 40))
    ImageDraw.Draw(made).rectangle((29, 19, 31, 21), (255, 255, 255))
    made.save(tmp_path / "spot.png")
    frame = SingleFrame(id="f", source=tmp_path / "spot.png")
    outline = [20, 12, 44, 12, 44, 28, 20, 28]
    frame.add_annotation(poly2d_xy=outline, points2d_xy=list(POINT), labels=["thing"])
    sets = [{"cls": "affine", "types": [kind]} for kind in MOVING]
    for at in range(10):
        image, target = sample(frame, {"sets": sets}, at)
        (point,) = target["keypoints"][0].tolist()
        weights = image[0].numpy().astype(float)
        ys, xs = np.mgrid[: weights.shape[0], : weights.shape[1]] + 0.5
        middle = (xs * weights).sum() / weights.sum(), (ys * weights).sum() / weights.sum()
        assert point == pytest.approx(middle, abs=0.3)


def test_what_leaves_the_picture_is_cut(tmp_path: Path) -> None:
    """A box is clamped, its area loses that share, and a point outside is a missing one."""
    frame = drawing(tmp_path, (4, 4, 24, 20))
    said = one_set("scale", strength=2, arguments={"scale": {"factor": 2}})
    cut = 0
    for at in range(20):
        _, target = sample(frame, said, at)
        if not len(target["boxes"]):
            continue
        (a, _, _), _ = target["augmentation"][0]["trans_mat"]
        box = [32 + a * (4 - 32), 20 + a * (4 - 20), 32 + a * (24 - 32), 20 + a * (20 - 20)]
        seen = [max(0.0, one) for one in box]
        cut += box != seen
        assert target["boxes"][0].tolist() == pytest.approx(seen, abs=1e-3)
        surface = (seen[2] - seen[0]) * (seen[3] - seen[1])
        assert target["area"].tolist() == pytest.approx([surface], rel=1e-4)
    assert cut > 3


def test_points_outside_are_missing(tmp_path: Path) -> None:
    """Nothing is to be learnt from a point at the edge at which no joint is."""
    frame = SingleFrame(id="f", source=drawing(tmp_path).source)
    frame.add_annotation(points2d_xy=[1, 16, 30, 24], labels=["thing"])
    said = one_set("scale", arguments={"scale": {"factor": 3}})
    seen = set()
    for at in range(20):
        _, target = sample(frame, said, at)
        (a, _, x), _ = target["augmentation"][0]["trans_mat"]
        if a + x < 0:
            assert target["keypoints"][0, 0].tolist() == [0, 0]
        seen.add((a + x < 0, *target["visibility"][0].tolist()))
    assert seen == {(True, 0, 2), (False, 2, 2)}


def test_boxes_that_are_lost_take_the_rest_along(tmp_path: Path) -> None:
    """Labels, areas, masks and points of boxes that left the picture would be of others."""
    frame = drawing(tmp_path)
    frame.add_annotation(box2d_xywh=[0, 0, 3, 3], labels=["thing"])
    names = ("boxes", "labels", "area", "iscrowd", "masks", "keypoints", "visibility")
    counts = set()
    for at in range(20):
        _, target = sample(frame, one_set("scale", arguments={"scale": {"factor": 4}}), at)
        assert len({len(target[name]) for name in names}) == 1
        assert isinstance(target["masks"], tv_tensors.Mask)
        counts.add(len(target["boxes"]))
    assert counts == {1, 2}


def test_a_crop_is_what_is_around_all_boxes(tmp_path: Path) -> None:
    """Cut by hand: the picture, its masks, and the place of a box and a point in it."""
    frame = drawing(tmp_path)
    frame.add_annotation(box2d_xywh=[50.5, 2.5, 30, 4], labels=["thing"])
    image, before = sample(frame, None)
    cropped, target = sample(frame, {"crop_around_rois": True, "sets": []})
    assert torch.equal(cropped, image[:, 2:28, 20:64])
    assert torch.equal(target["masks"], before["masks"][:, 2:28, 20:64])
    assert torch.equal(target["semantic"], before["semantic"][2:28, 20:64])
    assert target["boxes"].canvas_size == (26, 44)
    assert target["boxes"].tolist() == [[0, 10, 24, 26], [30.5, 0.5, 44, 4.5]]
    assert target["area"].tolist() == pytest.approx([24 * 16, 120 * 13.5 / 30])
    assert target["keypoints"][0, 0].tolist() == [10.5, 18.5]
    (told,) = target["augmentation"]
    assert told["trans_mat"] == [[1, 0, -20], [0, 1, -2]]
    assert told["arguments"] == {"left": 20, "top": 2, "right": 64, "bottom": 28}


def test_a_picture_without_boxes_is_not_cropped(tmp_path: Path) -> None:
    """There is nothing to be cropped around; it is a frame to learn from all the same."""
    frame = SingleFrame(id="f", source=drawing(tmp_path).source)
    said = {**EVERY, "crop_around_rois": True}
    image, target = sample(frame, said)
    assert image.shape == (3, 40, 64)
    assert [one["type"] for one in target["augmentation"]][:1] != ["crop"]
    assert target["boxes"].shape == (0, 4)
    assert target["masks"].shape == (0, 40, 64)


def test_a_semantic_map_is_filled_with_what_is_ignored(tmp_path: Path) -> None:
    """Where a turned picture has no pixels is nothing to be learnt, not the first label."""
    Image.new("RGB", (64, 40), (9, 9, 9)).save(tmp_path / "mask.png")
    path = drawing(tmp_path).source
    frame = SingleFrame(id="f", source=path, mask_source=tmp_path / "mask.png")
    frame.add_annotation(mask_rgb=[9, 9, 9], labels=["thing"])
    _, before = sample(frame, None)
    assert set(before["semantic"].flatten().tolist()) == {1}
    _, target = sample(frame, one_set("rotate", strength=3), 2)
    assert target["semantic"].dtype == torch.int64
    assert set(target["semantic"].flatten().tolist()) == {-1, 1}
    seen = target["semantic"].numpy() == 1
    assert (seen != (target["masks"][0].numpy() == 1)).sum() == 0


# How it looks.


def test_a_blur_evens_out_and_moves_nothing(tmp_path: Path) -> None:
    """The sum of light stays where it is far from the edges, and the box where it was."""
    frame = drawing(tmp_path)
    image, before = sample(frame, None)
    blurred, target = sample(frame, one_set("blur", "pixel", strength=2))
    assert torch.equal(target["boxes"], before["boxes"])
    assert torch.equal(target["masks"], before["masks"])
    light = [float(one[0].double().sum()) for one in (image, blurred)]
    assert light[1] == pytest.approx(light[0], rel=0.01)
    assert len(blurred.unique()) > 20 > 2 == len(image.unique())


@pytest.mark.parametrize("size", [(64, 40), (3, 2), (1, 1)])
@pytest.mark.parametrize("kind", ["blur", "noise", "recolor"])
def test_small_pictures_are_painted_too(tmp_path: Path, kind: str, size: tuple[int, int]) -> None:
    """However strong: a kernel wider than the picture would end a run of days."""
    frame = drawing(tmp_path, (0, 0, 1, 1), size)
    for at, mode in enumerate(["RGB", "RGBA", "L"] * 2):
        image, _ = sample(frame, one_set(kind, "pixel", strength=1e9), at, mode=mode)
        assert image.shape == (len(mode), size[1], size[0])
        assert image.dtype == torch.uint8
        assert isinstance(image, tv_tensors.Image)
        if mode == "RGBA" and kind != "blur":
            assert image[3].min() == 255


@pytest.mark.parametrize("kind", ["high", "low"])
def test_noise_is_snow_or_blocks(tmp_path: Path, kind: str) -> None:
    """Snow is in all pixels, by torch's normal numbers; blocks are in a quarter of a picture."""
    rng = np.random.default_rng(3)
    pixels = rng.integers(100, 150, (40, 64, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    frame = SingleFrame(id="f", source=tmp_path / "grey.png")
    said = one_set("noise", "pixel", arguments={"noise": {"kind": kind, "sigma": 0.08}})
    image, target = sample(frame, said, 3)
    (told,) = target["augmentation"]
    assert told["arguments"]["kind"] == kind
    _, second, third = told["params"]
    off = image.permute(1, 2, 0).numpy().astype(int) - pixels
    if kind == "high":
        wanted = 255 * 0.08 * (1 + second) / 2
        assert off.std() == pytest.approx(wanted, rel=0.05)
        assert abs(off.mean()) < 1.5
        return
    top, left = int(second * 21), int(third * 33)
    inside = np.zeros((40, 64), bool)
    inside[top : top + 20, left : left + 32] = True
    assert not off[~inside].any()
    block = image[:, top : top + 4, left : left + 4]
    assert len(block.reshape(3, -1).unique(dim=1).T) == 1
    mean = pixels[top : top + 20, left : left + 32].mean()
    assert float(image.float()[:, inside].mean()) == pytest.approx(mean, abs=1.5)


def test_noise_draws_nothing_of_torchs_own_generator(tmp_path: Path) -> None:
    """The order in which a sampler shuffles, and dropout, would depend on it."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    frame = drawing(tmp_path)
    said = one_set("noise", "pixel", arguments={"noise": {"kind": "high"}})
    first, _ = sample(frame, said)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(6)
    assert torch.equal(sample(frame, said)[0], first)


def test_recoloured_pixels_follow_one_table_a_colour(tmp_path: Path) -> None:
    """Equal values stay equal, darker ones stay darker, black and white stay."""
    ramp = np.tile(np.arange(256, dtype=np.uint8)[None, :, None], (4, 1, 3))
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    frame = SingleFrame(id="f", source=tmp_path / "ramp.png")
    image, target = sample(frame, one_set("recolor", "pixel", strength=2), 7)
    params = target["augmentation"][0]["params"]
    for colour, share in zip(image.int(), params, strict=True):
        assert (colour == colour[:1]).all()
        gamma = 1.5 ** (2 * (2 * share - 1))
        wanted = 255 * (np.arange(256) / 255) ** gamma
        assert np.abs(colour[0].numpy() - wanted).max() <= 1
    assert len({tuple(one[0].tolist()) for one in image}) == 3


@pytest.mark.parametrize("cls", ["affine", "pixel"])
def test_strength_zero_and_none_leave_all_as_it_is(tmp_path: Path, cls: str) -> None:
    """And are told, since a frame that stays as it is was drawn so."""
    frame = drawing(tmp_path)
    image, before = sample(frame, None)
    kinds = MOVING if cls == "affine" else ["blur", "noise", "recolor"]
    sets = [{"cls": cls, "types": [kind], "strength": 0} for kind in kinds]
    sets.append({"cls": cls, "types": ["none"], "strength": 1})
    same, target = sample(frame, {"sets": sets})
    assert torch.equal(same, image)
    for name in ("boxes", "masks", "keypoints", "area"):
        assert torch.equal(target[name], before[name])
    assert [one["type"] for one in target["augmentation"]] == [*kinds, "none"]
    assert all(
        one.get("trans_mat") in (None, [[1, 0, 0], [0, 1, 0]]) for one in target["augmentation"]
    )


# Of a view.


def viewing(version: DatasetVersion, **iteration: Any) -> DataView:
    """Return a view that says all there is."""
    return labelled(version, **iteration).override({"augmentation": EVERY})


def streamed(view: DataView, workers: int = 0, epoch: int = 0, **options: Any) -> dict[str, Any]:
    """Return the pictures and what was told of them by frame, through a loader."""
    stream = FrameStream(
        view, batch_size=4, collate=detection_collate, transforms=Augmentation(view), **options
    )
    stream.set_epoch(epoch)
    context = "fork" if workers else None
    loader = DataLoader(
        stream, batch_size=None, num_workers=workers, multiprocessing_context=context
    )
    return {
        target["frame_id"]: (image.tolist(), target["boxes"].tolist(), target["augmentation"])
        for images, targets in loader
        for image, target in zip(images, targets, strict=True)
    }


def test_samples_are_the_same_for_any_number_of_workers(version: DatasetVersion) -> None:
    """VW-35: by their pixels, since a run is done again on a machine with more cores."""
    view = viewing(version, order="random", random_seed=8)
    wanted = streamed(view)
    assert len(wanted) == COUNT
    assert streamed(view, 1) == streamed(view, 3) == wanted
    data = FrameDataset(view, transforms=Augmentation(view))
    samples = [cast("tuple[Any, Any]", data[at]) for at in range(COUNT)]
    for image, target in reversed(samples):
        frame = image.tolist(), target["boxes"].tolist(), target["augmentation"]
        assert frame == wanted[target["frame_id"]]


def test_another_seed_or_epoch_draws_anew(version: DatasetVersion) -> None:
    """The same sets, else turned in each epoch as in the one before."""
    told = []
    for seed, epoch in ((1, 0), (1, 1), (2, 0), (None, 0), (1337, 0)):
        found = streamed(viewing(version, random_seed=seed), epoch=epoch)
        told.append([one for _, _, one in found.values()])
    assert told[3] == told[4]  # The seed of a view that says none.
    assert len({str(one) for one in told}) == 4


def test_a_frame_that_is_passed_over_changes_nothing(
    version: DatasetVersion, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A running generator would turn all frames after it otherwise."""
    view = viewing(version)
    wanted = streamed(view)
    (tmp_path / "pictures" / "003.png").unlink()
    with caplog.at_level(logging.CRITICAL):
        found = streamed(view, skip_errors=True)
    assert found == {name: one for name, one in wanted.items() if name != numbered(3)}


def test_a_hook_goes_with_others_of_torchvision(version: DatasetVersion) -> None:
    """As `Compose` calls it: with the picture and its target."""
    view = viewing(version)
    hook = v2.Compose([Augmentation(view), v2.ToDtype(torch.float32, scale=True)])
    image, target = cast("tuple[Any, Any]", FrameDataset(view, transforms=hook)[0])
    assert image.dtype == torch.float32
    assert len(target["augmentation"]) == 3


def test_members_of_a_group_are_turned_alike(tmp_path: Path) -> None:
    """Two cameras on one road would else see two roads."""
    group = FrameGroup(id="g")
    drawing(tmp_path)
    for name in ("left", "right"):
        group[name] = SingleFrame(source=tmp_path / "white.png")
        group[name].add_annotation(box2d_xywh=[20, 12, 24, 16], labels=["thing"])
    members = sample(group, EVERY)
    (left, its), (right, other) = members["left"], members["right"]
    assert torch.equal(left, right)
    assert its["augmentation"] == other["augmentation"]
    assert len(its["augmentation"]) == 3


def test_a_view_that_is_wrong_is_refused_before_anything_is_read(version: DatasetVersion) -> None:
    """And not by a worker, an hour later."""
    view = viewing(version).override({"augmentation": one_set("rotates")})
    with pytest.raises(QueryError, match=r"augmentation\.sets\.0\.types: 'rotates' is not known"):
        Augmentation(view)


@pytest.mark.parametrize("given", [(1,), (1, 2), (1, {"frame_id": "f"})])
def test_what_is_no_sample_is_refused(given: tuple[Any, ...]) -> None:
    """It is a hook for samples that say which frame they are of."""
    with pytest.raises(UsageError):
        Augmentation(EVERY)(*given)


def test_what_has_no_picture_is_refused(tmp_path: Path) -> None:
    """Points of a lidar are not turned by half."""
    frame = drawing(tmp_path)
    hook = Augmentation(EVERY)
    decoding = Decoding({"thing": 1}, read=lambda _: torch.zeros(4, 4), transforms=hook)
    with pytest.raises(UsageError, match="frame 'f': a picture is a tensor of three dimensions"):
        decode(frame, 0, decoding)
