"""Read a version under torch's DataLoader: frames carried into the workers, or read in them."""

import json
import sys

import torch
from allegroai import DatasetVersion
from PIL import Image
from torch.utils.data import DataLoader, Dataset


def tensors(frame):
    """Return a frame's picture as bytes summed up, and its boxes."""
    with Image.open(frame.get_local_source(raise_on_error=True)) as image:
        pixels = torch.frombuffer(bytearray(image.convert("RGB").tobytes()), dtype=torch.uint8)
    boxes = [one.get_bounding_box() for one in frame.annotations]
    return (
        frame.id,
        int(pixels.long().sum()),
        torch.tensor(boxes, dtype=torch.float64).reshape(-1, 4),
    )


class Carried(Dataset):
    """Frames that travel to the workers."""

    def __init__(self, frames):
        self.frames = frames

    def __len__(self):
        return len(self.frames)

    def __getitem__(self, at):
        return tensors(self.frames[at])


class Fetched(Dataset):
    """Ids that travel; the version is read in the workers, by the handle that the parent used."""

    def __init__(self, version):
        self.version = version
        self.ids = [frame.id for frame in version.get_iterator()]

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, at):
        return tensors(self.version.get_frames_by_ids([self.ids[at]])[0])


def collate(batch):
    """Keep boxes as a list: frames have different numbers of them."""
    return list(zip(*batch, strict=True))


def main():
    """Run it."""
    dataset, how, method, workers = sys.argv[1:]
    version = DatasetVersion.get_version(dataset_name=dataset, version_name="first")
    data = Carried(list(version.get_iterator())) if how == "carried" else Fetched(version)
    loader = DataLoader(
        data,
        batch_size=3,
        collate_fn=collate,
        num_workers=int(workers),
        multiprocessing_context=method if int(workers) else None,
    )
    seen = {}
    for ids, pixels, boxes in loader:
        for frame_id, total, shapes in zip(ids, pixels, boxes, strict=True):
            seen[frame_id] = [total, float(shapes.sum())]
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
