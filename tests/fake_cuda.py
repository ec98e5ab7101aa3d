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
from torch.overrides import TorchFunctionMode
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
INDEXING = {aten.index.Tensor, aten.index_put_.default, aten.index_put.default, aten._index_put_impl_.default}


class OnDevice(torch.Tensor):
    """A tensor that says it lies on the device, around one on the CPU."""

    held: torch.Tensor
    owner: FakeCuda
    device = CUDA
    is_cuda, is_cpu = True, False

    @staticmethod
    def __new__(cls, held: torch.Tensor, owner: FakeCuda) -> OnDevice:
        # For PyTorch itself it lies on the CPU: a PyTorch without CUDA touches no other one.
        tensor: OnDevice = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls, held.shape, held.stride(), held.storage_offset(), dtype=held.dtype, device="cpu"
        )
        tensor.held, tensor.owner = held, owner
        return tensor

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Moves, which the mode sees as well; it is of one thread, and these tensors are of all."""
        kwargs = kwargs or {}
        ours = next(leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, OnDevice))
        with torch._C.DisableTorchFunctionSubclass():
            return ours.owner.call(func, args, kwargs)

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        owner = next(tensor.owner for tensor in tensors if isinstance(tensor, OnDevice))
        owner.queued += 1
        if func is aten.copy_.default:
            owner.count_move(args[1], to_device=isinstance(args[0], OnDevice), asynchronous=args[2:] == (True,))
        elif func in INDEXING:
            owner.count_indices(args[1])
        else:
            _refuse_two_devices(func, tensors)
        if func in WAITING:
            owner.wait(str(func))
        out = func(*tree_map(_held, args), **tree_map(_held, kwargs))
        if func is aten.copy_.default and not isinstance(args[0], OnDevice):
            return args[0]
        wrapped = tree_map(lambda leaf: OnDevice(leaf, owner) if isinstance(leaf, torch.Tensor) else leaf, out)
        return return_and_correct_aliasing(func, args, kwargs, wrapped)

    def __deepcopy__(self, memo: Any) -> torch.Tensor:
        copied = OnDevice(self.held.clone(), self.owner)
        is_parameter = isinstance(self, torch.nn.Parameter)
        memo[id(self)] = torch.nn.Parameter(copied, self.requires_grad) if is_parameter else copied
        return memo[id(self)]

    def numpy(self, **_: Any) -> Any:
        """Refused."""
        raise TypeError("can't convert cuda:0 device type tensor to numpy.")

    def tolist(self) -> Any:
        """Numbers, for which the host waits."""
        self.owner.wait("tolist")
        return self.held.tolist()

    def __repr__(self) -> str:
        return f"OnDevice({self.held!r})"


class FakeCuda(TorchFunctionMode):
    """While it is entered, ``"cuda"`` is there.

    ``waits`` counts what has the host wait for the device, by operation; ``moved`` bytes to the device, by kind of
    number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waits: Counter[str] = Counter()
        self.moved: Counter[torch.dtype] = Counter()
        self.queued = self.done = 0  # operations that the host gave to the device, and of those it knows to be done

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self.call(func, args, kwargs or {})

    def call(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What PyTorch's function gives where this device is."""
        if func in (torch.Tensor.to, torch.Tensor.cpu, torch.Tensor.cuda):
            return self._to(func, *args, **kwargs)
        if "device" not in kwargs or kwargs["device"] is None:
            return func(*args, **kwargs)
        on_device = torch.device(kwargs["device"]).type == "cuda"
        made = func(*args, **{**kwargs, "device": "cpu"})
        if not on_device or isinstance(made, OnDevice):
            return made
        if func in (torch.tensor, torch.as_tensor):  # numbers of the host
            self.count_move(made, to_device=True, asynchronous=False)
        return OnDevice(made, self)

    def _to(self, func: Any, tensor: torch.Tensor, *args: Any, copy: bool = False, **kwargs: Any) -> torch.Tensor:
        if func in (torch.Tensor.cpu, torch.Tensor.cuda):
            args = ("cpu" if func is torch.Tensor.cpu else CUDA,)
        device, dtype, asynchronous, _ = torch._C._nn._parse_to(*args, **kwargs)
        device = device or tensor.device
        if (device.type == "cuda") == isinstance(tensor, OnDevice):  # stays where it is
            return torch.Tensor.to(tensor, dtype or tensor.dtype, copy=copy)
        assert not (tensor.requires_grad and torch.is_grad_enabled())  # such moves have gradients that we lack
        self.count_move(tensor, to_device=device.type == "cuda", asynchronous=asynchronous)
        moved = _held(tensor.detach()).to(dtype or tensor.dtype, copy=True)
        return OnDevice(moved, self) if device.type == "cuda" else moved

    def wait(self, why: str) -> None:
        """The host waits until the device has done all it was given."""
        self.waits[why] += 1
        self.done = self.queued

    def send(self, there: torch.device, tensors: tuple[torch.Tensor, ...]) -> tuple[list[torch.Tensor], None]:
        """What an `Upload` does, in any thread."""
        return [self._to(torch.Tensor.to, tensor, there, non_blocking=True) for tensor in tensors], None

    def count_move(self, given: torch.Tensor, *, to_device: bool, asynchronous: bool) -> None:
        """Note a copy of a tensor."""
        if isinstance(given, OnDevice) == to_device:
            return
        self.queued += 1
        if to_device:
            self.moved[given.dtype] += given.numel() * given.element_size()
        if not asynchronous:
            self.wait("a copy to the device" if to_device else "a copy to the host")

    def count_indices(self, indices: Any) -> None:
        """Note places that are found by a mask, and those that the host sends."""
        for index in indices:
            if index is not None and (index.dtype in (torch.bool, torch.uint8) or not isinstance(index, OnDevice)):
                self.wait("an index by a mask or from the host")


class _Factories(TorchDispatchMode):
    """Makes tensors on the device within PyTorch's own functions, where no `TorchFunctionMode` sees them."""

    def __init__(self, owner: FakeCuda) -> None:
        super().__init__()
        self.owner = owner

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if torch.device(kwargs.get("device") or "cpu").type == "cpu":
            return func(*args, **kwargs)
        return OnDevice(func(*args, **{**kwargs, "device": "cpu"}), self.owner)


def _refuse_two_devices(func: Any, tensors: list[torch.Tensor]) -> None:
    if any(not isinstance(tensor, OnDevice) and tensor.dim() > 0 for tensor in tensors):
        raise RuntimeError(f"{func}: expected all tensors to be on the same device, found cuda:0 and cpu")


def _parse_to(*args: Any, parse: Any = torch._C._nn._parse_to, **kwargs: Any) -> Any:
    """What `Tensor.to` and `Module.to` were asked for."""
    device, *others = parse(*args, **kwargs)
    return (CUDA if args and isinstance(args[0], OnDevice) else device, *others)


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
        patch.setattr(torch._C._nn, "_parse_to", _parse_to)
        patch.setattr(torch.cuda, "_lazy_init", lambda: None)
        patch.setattr(torch.cuda, "synchronize", lambda _=None: device.wait("synchronize"))
        patch.setattr(transfers, "_mark", lambda _: _Event(device))
        patch.setattr(transfers, "_send", device.send)
        with device, _Factories(device):
            yield device
