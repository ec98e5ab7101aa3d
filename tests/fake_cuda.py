# SPDX-License-Identifier: Apache-2.0
"""A CUDA device that is none: what it computes is computed on the CPU, and what a real one would refuse is refused.

It shows what only a GPU shows otherwise: tensors of two devices in one operation are an error, and every time the host
would have to wait for the device, or tensors would move without being asked to, is counted.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map

from monai_i2v.compute import transfers

CUDA = torch.device("cuda", 0)
aten = torch.ops.aten
# Their result, or its size, is a number that only the device knows: CUDA has the host wait for it.
WAITING = {
    aten._local_scalar_dense.default,
    aten.nonzero.default,
    aten.masked_select.default,
    aten.equal.default,
    aten.is_nonzero.default,
    aten.unique_dim.default,
    aten._unique2.default,
    aten.unique_consecutive.default,
    aten.repeat_interleave.Tensor,
    aten.bincount.default,
}
INDEXING = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default}


class OnDevice(torch.Tensor):
    """A tensor that says it lies on the device, around one on the CPU."""

    held: torch.Tensor
    owner: FakeCuda

    @staticmethod
    def __new__(cls, held: torch.Tensor, owner: FakeCuda) -> OnDevice:
        tensor: OnDevice = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device=CUDA
        )
        tensor.held, tensor.owner = held, owner
        return tensor

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        ours = next(leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, OnDevice))  # in another thread
        return ours.owner.__torch_dispatch__(func, types, args, kwargs)

    def __repr__(self) -> str:
        return f"OnDevice({self.held!r})"


class FakeCuda(TorchDispatchMode):
    """While it is entered, ``"cuda"`` is there.

    ``waits`` counts what has the host wait for the device, by operation; ``moved`` bytes to the device, by kind of
    number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.moved: Counter[torch.dtype] = Counter()
        self.queued = self.done = 0  # operations that the host gave to the device, and of those it knows to be done

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        ours = any(isinstance(tensor, OnDevice) for tensor in tensors)
        target = kwargs.get("device")
        if not ours and (target is None or torch.device(target).type != "cuda"):
            return func(*args, **kwargs)
        self.queued += 1
        if func in (aten._to_copy.default, aten.copy_.default):
            return self._copy(func, args, kwargs)
        self._refuse_two_devices(func, tensors)
        if func in WAITING or (func in INDEXING and self._is_masked(args[1])):
            self.wait(str(func))
        inner_args, inner_kwargs = tree_map(_held, (args, kwargs))
        if target is not None:
            inner_kwargs["device"] = "cpu"
        out = func(*inner_args, **inner_kwargs)
        if target is not None and torch.device(target).type == "cpu":
            return out
        wrapped = tree_map(lambda leaf: OnDevice(leaf, self) if isinstance(leaf, torch.Tensor) else leaf, out)
        return return_and_correct_aliasing(func, args, kwargs, wrapped) if ours else wrapped

    def wait(self, why: str) -> None:
        """The host waits until the device has done all it was given."""
        self.waits[why] += 1
        self.done = self.queued

    def send(self, there: torch.device, tensors: tuple[torch.Tensor, ...]) -> tuple[list[torch.Tensor], None]:
        """What an `Upload` does, in any thread."""
        with self:
            return [tensor.to(there, non_blocking=True) for tensor in tensors], None

    def _copy(self, func: Any, args: Any, kwargs: Any) -> Any:
        if func is aten.copy_.default:
            there, given = args[0], args[1]
            asynchronous = bool(args[2]) if len(args) > 2 else bool(kwargs.get("non_blocking"))
            self._move(given, isinstance(there, OnDevice), asynchronous)
            _held(there).copy_(_held(given))
            return there
        given, target = args[0], kwargs.get("device")
        on_device = isinstance(given, OnDevice) if target is None else torch.device(target).type == "cuda"
        self._move(given, on_device, bool(kwargs.get("non_blocking")))
        settings = {name: value for name, value in kwargs.items() if name not in ("device", "non_blocking")}
        out = func(_held(given), **settings, device="cpu")
        return OnDevice(out, self) if on_device else out

    def _move(self, given: torch.Tensor, on_device: bool, asynchronous: bool) -> None:
        if isinstance(given, OnDevice) == on_device:
            return
        if on_device:
            self.moved[given.dtype] += given.numel() * given.element_size()
        if not asynchronous:
            self.wait("a copy to the device" if on_device else "a copy to the host")

    @staticmethod
    def _is_masked(indices: Any) -> bool:
        return any(index is not None and index.dtype in (torch.bool, torch.uint8) for index in indices)

    @staticmethod
    def _refuse_two_devices(func: Any, tensors: list[torch.Tensor]) -> None:
        strangers = [tensor for tensor in tensors if not isinstance(tensor, OnDevice) and tensor.dim() > 0]
        if strangers and any(isinstance(tensor, OnDevice) for tensor in tensors):
            raise RuntimeError(f"{func}: expected all tensors to be on the same device, found cuda:0 and cpu")


def _held(leaf: Any) -> Any:
    return leaf.held if isinstance(leaf, OnDevice) else leaf


class _Event:
    """Stands for a CUDA event."""

    def __init__(self, device: FakeCuda) -> None:
        self.device, self.place = device, device.queued

    def synchronize(self) -> None:
        if self.device.done < self.place:  # of what is done already, nobody waits
            self.device.wait("an event")


@contextlib.contextmanager
def fake_cuda() -> Iterator[FakeCuda]:
    """Enter a `FakeCuda`, with what is called besides tensors: events, streams and pinned memory."""
    device = FakeCuda()
    with pytest.MonkeyPatch.context() as patch:
        # Networks get new parameters on the device; else PyTorch would make these of the old ones.
        patch.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
        patch.setattr(torch.cuda, "_lazy_init", lambda: None)
        patch.setattr(torch.cuda, "synchronize", lambda _=None: device.wait("synchronize"))
        patch.setattr(transfers, "_mark", lambda _: _Event(device))
        patch.setattr(transfers, "_send", device.send)
        with device:
            yield device
