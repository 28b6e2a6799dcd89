"""Train on a view, by index and as a stream, under a DataLoader; go on in mid-epoch elsewhere."""

import json
import multiprocessing
import sys

from torch.utils.data import DataLoader

import hyperstore
from hyperstore.integrations.torch import FrameDataset, FrameStream, detection_collate
from hyperstore.query.dataview import DataView


def ids(batches):
    """Return the ids of the frames of batches, and the pixels of each, summed up."""
    return [
        [target["frame_id"], int(image.long().sum())]
        for images, targets in batches
        for image, target in zip(images, targets, strict=True)
    ]


def main():
    """Run it."""
    folder, method, workers, *passes = sys.argv[1:]
    workers = int(workers)
    if method == "forkserver":  # Its workers begin with what it has loaded.
        multiprocessing.set_forkserver_preload(["hyperstore.integrations.torch", "torchvision"])
    context = method if workers else None
    store = hyperstore.open(folder)
    view = DataView(store=store)
    view.add_query(dataset_name="pictures")
    view.set_iteration_parameters(order="random", random_seed=5)
    view.set_labels({"even": 0, "odd": 1})

    said = {}
    if "index" in passes:
        data = FrameDataset(view)
        by_index = DataLoader(
            data,
            batch_size=4,
            collate_fn=detection_collate,
            num_workers=workers,
            multiprocessing_context=context,
        )
        said["index"] = ids(by_index)

    stream = FrameStream(view, batch_size=4, collate=detection_collate)
    loader = DataLoader(
        stream,
        batch_size=None,
        num_workers=workers,
        multiprocessing_context=context,
        persistent_workers=workers > 0,
    )
    if "epochs" in passes:
        said["epochs"] = []
        for epoch in range(2):
            stream.set_epoch(epoch)
            said["epochs"].append(ids(stream.counted(loader)))

    if "resumed" in passes:  # Half of an epoch here, the other half without workers.
        stream.set_epoch(0)
        source = stream.counted(loader)
        first = ids(next(source) for _ in range(5))
        other = FrameStream(view, batch_size=4, collate=detection_collate)
        other.load_state_dict(json.loads(json.dumps(stream.state_dict())))
        source.close()
        rest = ids(other.counted(DataLoader(other, batch_size=None)))
        said["resumed"] = first + rest
    print(json.dumps(said))


if __name__ == "__main__":
    main()
