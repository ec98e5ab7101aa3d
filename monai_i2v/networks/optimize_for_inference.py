# SPDX-License-Identifier: Apache-2.0
"""A trained network, made faster without changing what it computes."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from monai_i2v.networks.encoder import Encoder

__all__ = ["optimize_for_inference"]

Network = TypeVar("Network", bound=nn.Module)


def optimize_for_inference(network: Network) -> Network:
    """Fold the batch norms of all image encoders into the convolutions before them, and lay weights out channels last.

    Results are the same up to rounding. The network's keys change: load its weights before.

    Args:
        network: the network; it is changed.

    Returns:
        The same network, in evaluation mode.

    Example::

        >>> from monai_i2v.networks import MobileNetV2Encoder, optimize_for_inference
        >>> encoder = optimize_for_inference(MobileNetV2Encoder())
        >>> sum(isinstance(module, nn.BatchNorm2d) for module in encoder.modules())
        0
    """
    network.eval()
    for encoder in network.modules():
        if isinstance(encoder, Encoder):
            for module in list(encoder.modules()):
                _fold_children(module)
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _fold_children(module: nn.Module) -> None:
    """In all our encoders, a batch norm follows its convolution, also in the order in which they were made."""
    for (conv_name, conv), (norm_name, norm) in pairwise(list(module.named_children())):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            trained = conv.weight.requires_grad
            setattr(module, conv_name, fuse_conv_bn_eval(conv, norm).requires_grad_(trained))
            setattr(module, norm_name, nn.Identity())
