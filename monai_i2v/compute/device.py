# SPDX-License-Identifier: Apache-2.0
"""Where to compute."""

from __future__ import annotations

import time
from typing import Any

import torch

from monai_i2v.errors import UsageError

__all__ = ["clock", "device_of", "select_device"]


def select_device(name: str | torch.device = "auto") -> torch.device:
    """The device of this name; ``"auto"`` takes CUDA where there is one.

    Raises:
        UsageError: When there is no such device on this machine.

    Example::

        >>> from monai_i2v.compute import select_device
        >>> select_device("cpu")
        device(type='cpu')
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        # With its number: another thread may take another one for the default.
        device = torch.empty(0, device=torch.device(name)).device
    except (RuntimeError, AssertionError, ImportError, TypeError) as error:
        raise UsageError(
            f"device is {name!r}, which this machine or this PyTorch does not have; use 'auto' or 'cpu'."
        ) from error
    if device.type == "meta":
        raise UsageError(f"device is {name!r}, which computes nothing, expected a real one; use 'auto' or 'cpu'.")
    return device


def device_of(network: Any) -> torch.device:
    """Where a network computes; one without parameters computes on the CPU.

    Args:
        network: any `VideoSegmenter`, a module or not.

    Example::

        >>> import torch
        >>> from monai_i2v.compute import device_of
        >>> device_of(torch.nn.Linear(1, 1)), device_of(object())
        (device(type='cpu'), device(type='cpu'))
    """
    parameters = network.parameters() if hasattr(network, "parameters") else ()
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


def clock(device: torch.device | str) -> float:
    """Time in s, when the device has done all it was given: a GPU works on while the host goes ahead.

    Example::

        >>> from monai_i2v.compute import clock
        >>> begin = clock("cpu")
        >>> clock("cpu") >= begin
        True
    """
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
