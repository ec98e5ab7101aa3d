# SPDX-License-Identifier: Apache-2.0
"""Trained weights from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from monai_i2v.errors import UsageError
from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.readable_file import check_readable
from monai_i2v.media.quiet import quiet

__all__ = ["check_finite", "load_checkpoint", "read_checkpoint", "save_half_checkpoint"]

Network = TypeVar("Network", bound=nn.Module)


def load_checkpoint(network: Network, path: str | Path) -> Network:
    """Load a state dict into a network; nothing else in the file can be executed (``weights_only``).

    Args:
        network: the network.
        path: a state dict, or a dictionary with one under ``"model"``; half precision is converted.

    Returns:
        The same network.

    Raises:
        UsageError: When the file is missing, cannot be read, is of another network, or holds NaN.
    """
    state = read_checkpoint(path)
    try:
        network.load_state_dict(state.get("model", state))
    except (RuntimeError, AttributeError, TypeError) as error:
        raise UsageError(
            f"the checkpoint {path} is not of this network ({type(network).__name__} with these settings); give the "
            f"checkpoint that was trained with the same network_def."
        ) from error
    check_finite(network, path)
    return network


def read_checkpoint(path: str | Path) -> Any:
    """What a checkpoint holds, on the CPU; nothing in the file can be executed (``weights_only``).

    Raises:
        UsageError: When the file is missing, or cannot be read.
    """
    check_readable(Path(path), "trained weights")
    try:
        with quiet("torch"):
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler and the zip reader raise many kinds
        reason = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise UsageError(
            f"the checkpoint {path} cannot be read ({reason}); expected a state dict saved by torch.save; give an "
            "existing file of weights."
        ) from error


def check_finite(network: nn.Module, path: str | Path) -> None:
    """See that the weights that a checkpoint gave are numbers.

    Raises:
        UsageError: When some are not.
    """
    broken = broken_weights(network)
    if broken:
        raise UsageError(
            f"the checkpoint {path} has weights that are no finite numbers ({broken[0]} and others); "
            "expected those of a training that went well; give an earlier or another checkpoint."
        )


def broken_weights(network: nn.Module) -> list[str]:
    """Names of the weights that are no finite numbers."""
    return [name for name, weights in network.state_dict().items() if not weights.isfinite().all()]


def save_half_checkpoint(network: nn.Module, path: str | Path) -> None:
    """Save a network's weights in half precision, as the bundles ship them; `load_checkpoint` reads them.

    Biases and norms, which take little room, keep their precision.

    Raises:
        UsageError: When the file cannot be written.
    """
    state = {
        key: value.half() if value.is_floating_point() and value.ndim > 1 else value
        for key, value in network.state_dict().items()
    }
    with complete_file(path) as partial:
        torch.save(state, partial)
