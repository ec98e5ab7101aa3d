# SPDX-License-Identifier: Apache-2.0
"""Trained weights from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from monai_i2v.errors import UsageError

__all__ = ["load_checkpoint"]

Network = TypeVar("Network", bound=nn.Module)


def load_checkpoint(network: Network, path: str | Path) -> Network:
    """Load a state dict into a network; nothing else in the file can be executed (``weights_only``).

    Args:
        network: the network.
        path: a state dict, or a dictionary with one under ``"model"``; half precision is converted.

    Returns:
        The same network.

    Raises:
        UsageError: When the file is missing, cannot be read, or is of another network.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # the unpickler and the zip reader raise many kinds
        raise UsageError(
            f"the checkpoint {path} cannot be read ({type(error).__name__}); give an existing file of weights."
        ) from error
    try:
        network.load_state_dict(state.get("model", state))
    except (RuntimeError, AttributeError, TypeError) as error:
        raise UsageError(
            f"the checkpoint {path} is not of this network ({type(network).__name__} with these settings); give the "
            f"checkpoint that was trained with the same network_def."
        ) from error
    return network
