"""Samples to batches; expected values written out."""

from typing import Any

import pytest

from hyperstore import UsageError
from tests.support.optional import needed

torch = needed("torch", group="torch")

from hyperstore.integrations.collate import classification_collate, detection_collate


def sample(number: int, *classes: int) -> tuple[Any, dict[str, Any]]:
    """Return a picture of a colour, and what is said of it."""
    image = torch.full((3, 2, 2 + number), number, dtype=torch.uint8)
    return image, {"frame_id": str(number), "classes": torch.tensor(classes)}


def collated(*samples: object) -> Any:
    """Return a batch for a detector."""
    return detection_collate(samples)


def test_a_batch_of_a_detector_is_two_lists() -> None:
    """Pictures differ in size; what was skipped is passed over."""
    images, targets = collated(sample(1), None, sample(2))
    assert [tuple(one.shape) for one in images] == [(3, 2, 3), (3, 2, 4)]
    assert [one["frame_id"] for one in targets] == ["1", "2"]
    assert collated(None) == ([], [])


def test_key_points_become_triples() -> None:
    """torchvision's detector of key points takes x, y and visibility in one tensor."""
    points, visible = torch.tensor([[[1.5, 2], [3, 4]]]), torch.tensor([[2, 0]])
    image, _ = sample(1)
    _, (target,) = collated((image, {"keypoints": points, "visibility": visible}))
    assert target.keys() == {"keypoints"}
    assert target["keypoints"].tolist() == [[[1.5, 2, 2], [3, 4, 0]]]


def test_groups_come_by_member() -> None:
    """A member that a group lacks leaves its place empty: cameras stay side by side."""
    left, right = sample(1), sample(2)
    batch = collated({"left": left, "right": right}, {"left": right})
    assert isinstance(batch, dict)
    assert batch["left"] == ([left[0], right[0]], [left[1], right[1]])
    assert batch["right"] == ([right[0], None], [right[1], None])


def test_a_batch_of_a_classifier_is_stacked() -> None:
    """One label of the whole frame each."""
    images, classes = classification_collate([sample(0, 4), None, sample(0, 7)])
    assert (tuple(images.shape), images.dtype) == ((2, 3, 2, 2), torch.uint8)
    assert classes.tolist() == [4, 7]


@pytest.mark.parametrize("classes", [(), (1, 2)])
def test_a_class_is_one(classes: tuple[int, ...]) -> None:
    """Which of two labels is meant cannot be guessed; the frame is named."""
    with pytest.raises(UsageError, match=r"frame '5' has \d labels"):
        classification_collate([sample(5, *classes)])


def test_what_is_no_pair_is_refused() -> None:
    """A hook may return what it likes, which only its author can lay together."""
    with pytest.raises(UsageError, match="collate_fn"):
        detection_collate([torch.zeros(3)])
