# SPDX-License-Identifier: Apache-2.0
"""Tensors between host and device, without the one waiting for the other."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

__all__ = ["Download", "Upload"]


class Download:
    """Tensors on their way to the host; the device goes on with its work, and all of them cost one wait.

    Args:
        tensors: on one device; of those on the CPU nothing is copied.

    Example::

        >>> import torch
        >>> from monai_i2v.compute import Download
        >>> [tensor.tolist() for tensor in Download(torch.ones(2), torch.zeros(1)).wait()]
        [[1.0, 1.0], [0.0]]
    """

    def __init__(self, *tensors: Tensor) -> None:
        cuda = tensors[0].device.type == "cuda"  # elsewhere there is no event to wait for: the copies themselves do
        self._copies = [tensor.detach().to("cpu", non_blocking=cuda) for tensor in tensors]
        self._done = _mark(tensors[0].device) if cuda else None

    def wait(self) -> list[Tensor]:
        """The tensors, as they were when the download began."""
        if self._done is not None:
            self._done.synchronize()
        return self._copies


class Upload:
    """Tensors on their way to a device: from pinned memory and beside its work, so that nobody waits.

    Args:
        device: where they go.
        tensors: on the CPU; they are not changed meanwhile.

    Example::

        >>> import torch
        >>> from monai_i2v.compute import Upload
        >>> [tensor.tolist() for tensor in Upload(torch.device("cpu"), torch.ones(2)).arrived()]
        [[1.0, 1.0]]
    """

    def __init__(self, device: torch.device, *tensors: Tensor) -> None:
        if device.type == "cuda":
            self._copies, self._done = _send(device, tensors)
        else:
            self._copies, self._done = [tensor.to(device) for tensor in tensors], None

    def arrived(self) -> list[Tensor]:
        """The tensors, for the present stream, which waits for them; the host does not."""
        if self._done is not None:
            here = torch.cuda.current_stream(self._copies[0].device)
            here.wait_event(self._done)
            for tensor in self._copies:
                tensor.record_stream(here)
        return self._copies


def _mark(device: torch.device) -> Any:
    """An event behind all that the present stream of a CUDA device was given."""
    event = torch.cuda.Event()
    event.record(torch.cuda.current_stream(device))
    return event


def _send(device: torch.device, tensors: tuple[Tensor, ...]) -> tuple[list[Tensor], Any]:
    """Copies on a stream of their own, and the event of their arrival."""
    with torch.cuda.stream(_copy_stream(device)):
        copies = [tensor.contiguous().pin_memory().to(device, non_blocking=True) for tensor in tensors]
        return copies, _mark(device)


@cache
def _copy_stream(device: torch.device) -> Any:
    return torch.cuda.Stream(device)
