"""The tensors of a batch in one piece of shared memory, which costs one hand-over for all of them.

`DataLoader` moves every tensor of a worker into shared memory of its own, each with an exchange of
file descriptors between the processes. What is made there at once is copied as often and handed
over once, as torch does it for batches that it stacks.
"""

from collections.abc import Iterator

import torch
from torch.utils.data import get_worker_info

from hyperstore.integrations.target import Tensor, tv_tensors

__all__ = ["packed"]

_ALIGNED = 64  # Bytes; no tensor's items straddle a line of the cache.


def packed(batch: object) -> object:
    """Return the same batch of lists, tuples and dicts; in a worker its tensors lie together."""
    if get_worker_info() is None:
        return batch
    tensors = [one for one in _tensors(batch) if _is_plain(one)]
    size = sum(_room(one) for one in tensors)
    if len(tensors) < 2 or size == 0:
        return batch
    storage = torch.UntypedStorage._new_shared(size)
    moved: dict[int, Tensor] = {}
    at = 0
    for one in tensors:
        if id(one) not in moved:
            moved[id(one)] = _copied(one, storage, at)
            at += _room(one)
    return _with(batch, moved)


def _tensors(batch: object) -> Iterator[Tensor]:
    if isinstance(batch, torch.Tensor):
        yield batch
    elif isinstance(batch, dict):
        for one in batch.values():
            yield from _tensors(one)
    elif type(batch) in (list, tuple):
        for one in batch:  # type: ignore[attr-defined]
            yield from _tensors(one)


def _is_plain(one: Tensor) -> bool:
    """Tell whether a tensor is numbers in the memory of this process, and no more than that."""
    return bool(
        one.device.type == "cpu"
        and one.layout == torch.strided
        and not one.requires_grad
        and not one.is_quantized
        and not one.is_shared()
        and (type(one) is torch.Tensor or _is_of_vision(one))
    )


def _is_of_vision(one: Tensor) -> bool:
    vision = tv_tensors()
    return vision is not None and isinstance(one, vision.TVTensor)


def _room(one: Tensor) -> int:
    size = one.numel() * one.element_size()
    return int(-(-size // _ALIGNED) * _ALIGNED)


def _copied(one: Tensor, storage: object, at: int) -> Tensor:
    made = torch.empty(0, dtype=one.dtype)
    like = torch.empty_like(one, device="meta").as_subclass(torch.Tensor)  # Dense, in its order.
    made.set_(storage, at // one.element_size(), one.shape, like.stride())
    made.copy_(one)
    if type(one) is torch.Tensor:
        return made
    vision = tv_tensors()
    return made if vision is None else vision.wrap(made, like=one)


def _with(batch: object, moved: dict[int, Tensor]) -> object:
    if isinstance(batch, torch.Tensor):
        return moved.get(id(batch), batch)
    if isinstance(batch, dict):
        return {name: _with(one, moved) for name, one in batch.items()}
    if type(batch) is list:
        return [_with(one, moved) for one in batch]
    if type(batch) is tuple:
        return tuple(_with(one, moved) for one in batch)
    return batch
