"""Train by several ranks that talk by gloo: each on its share of a view, all weights in step."""

import json
import os
import sys
from pathlib import Path

import torch
import torch.distributed as distributed
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

import hyperstore
from hyperstore.integrations.torch import FrameStream, detection_collate


def main():
    """Run one rank."""
    folder, method, workers = sys.argv[1], sys.argv[2], int(sys.argv[3])
    distributed.init_process_group("gloo")
    store = hyperstore.open(folder)
    version = store.dataset("pictures").version()
    stream = FrameStream(
        version,
        labels=["even", "odd"],
        batch_size=4,
        collate=detection_collate,
        drop_uneven=True,
    )
    loader = DataLoader(
        stream,
        batch_size=None,
        num_workers=workers,
        multiprocessing_context=method if workers else None,
    )
    model = DistributedDataParallel(torch.nn.Linear(3, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    seen = []
    for images, targets in stream.counted(loader):
        means = torch.stack(
            [image.float().mean(dim=(1, 2)).as_subclass(torch.Tensor) for image in images]
        )
        wanted = torch.tensor([[float(target["labels"][0])] for target in targets])
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(means), wanted).backward()
        optimizer.step()
        seen += [target["frame_id"] for target in targets]
    weights = [value for one in model.parameters() for value in one.flatten().tolist()]
    said = {"seen": seen, "weights": weights, "state": stream.state_dict()}
    name = f"{distributed.get_rank()}.json"
    Path(os.environ["SAID"], name).write_text(json.dumps(said))
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
