"""Batches that a worker makes: handed over in one piece, and the same numbers as before."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.loading import COUNT, pictured
from tests.support.optional import needed

torch = needed("torch", group="torch")
needed("torchvision", group="torch")

from torch.utils.data import DataLoader, Dataset
from torchvision import tv_tensors

from hyperstore.integrations.collate import detection_collate
from hyperstore.integrations.torch import FrameDataset

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


def loaded(data: Any, workers: int) -> list[Any]:
    """Return the batches of a dataset."""
    context = "fork" if workers else None
    loader = DataLoader(
        data, 8, collate_fn=detection_collate, num_workers=workers, multiprocessing_context=context
    )
    return list(loader)


def of(batch: Any) -> list[Any]:
    """Return the tensors of a batch."""
    images, targets = batch
    numbers = [one for target in targets for one in target.values()]
    return [*images, *(one for one in numbers if isinstance(one, torch.Tensor))]


def test_a_worker_s_batch_has_one_memory(tmp_path: Path) -> None:
    """Equal to the batch that is made here, tensor by tensor, class and layout too."""
    store, version = pictured(tmp_path)
    with store:
        data = FrameDataset(version, labels=["even", "odd"], masks=True, keypoints=True)
        here, there = loaded(data, 0), loaded(data, 1)
    assert len(here) == len(there) == -(-COUNT // 8)
    for one, other in zip(here, there, strict=True):
        for mine, theirs in zip(of(one), of(other), strict=True):
            assert type(mine) is type(theirs)
            assert torch.equal(mine, theirs)
            assert mine.dtype == theirs.dtype
            assert mine.numel() < 2 or mine.stride() == theirs.stride()
            if isinstance(mine, (tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)):
                assert mine.canvas_size == theirs.canvas_size
        memories = {one.untyped_storage().data_ptr() for one in of(other) if one.numel()}
        assert len(memories) == 1
        assert len({one.untyped_storage().data_ptr() for one in of(one) if one.numel()}) > 8
    writable = of(there[0])[0]
    before = [each.clone() for each in of(there[0])[1:]]
    writable.fill_(255)  # Each has bytes of its own within it.
    assert all(map(torch.equal, of(there[0])[1:], before))


class Odd(Dataset):  # type: ignore[misc]
    """Samples with tensors that are no plain numbers in memory."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, at: int) -> object:
        shared = torch.arange(4)
        image = torch.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1)[:, ::2]
        return image, {
            "again": shared,
            "same": shared,
            "sparse": torch.eye(3).to_sparse(),
            "bits": torch.tensor([True, False]),
            "half": torch.tensor([1.5], dtype=torch.bfloat16),
            "scalar": torch.tensor(7),
            "empty": torch.zeros((0, 4)),
            "text": "x",
            "deep": [(torch.ones(2), {"k": torch.zeros(1, dtype=torch.uint8)})],
        }


@pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")  # torch's own.
def test_tensors_of_any_kind_arrive(tmp_path: Path) -> None:
    """Views, scalars, empty ones, booleans, and those that are left as they are."""
    (here,), (there,) = loaded(Odd(), 0), loaded(Odd(), 1)
    assert torch.equal(here[0][1], there[0][1])
    for mine, theirs in zip(here[1], there[1], strict=True):
        for name in ("again", "same", "bits", "half", "scalar", "empty"):
            assert mine[name].dtype == theirs[name].dtype
            assert torch.equal(mine[name], theirs[name])
        assert torch.equal(mine["sparse"].to_dense(), theirs["sparse"].to_dense())
        assert theirs["text"] == "x"
        ((ones, deep),) = theirs["deep"]
        assert ones.tolist() == [1, 1]
        assert deep["k"].tolist() == [0]
