# SPDX-License-Identifier: Apache-2.0
"""Batch norms of encoders: the part of an image network that knows the statistics of its training images."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder

__all__ = ["batch_norms_of", "calibrate_batch_norms", "collect_statistics"]


def batch_norms_of(network: nn.Module) -> list[nn.BatchNorm2d]:
    """Batch norms of all image encoders of a network, in the order in which a frame passes them."""
    encoders = [module for module in network.modules() if isinstance(module, Encoder)]
    return [norm for encoder in encoders for norm in encoder.modules() if isinstance(norm, nn.BatchNorm2d)]


@torch.no_grad()
def calibrate_batch_norms(network: nn.Module, images: Iterable[Tensor]) -> nn.Module:
    """Let batch norms hold the statistics of images, without changing what the network computes.

    Weights whose batch norms were folded have none, and a training with frozen batch norms lets them grow old. Methods
    that compare the statistics of training and test images need them. The affine part takes up what the new
    statistics change.

    Args:
        network: the network; it is changed.
        images: images (B, 3, H, W) or (3, H, W) in [0, 1], as the network saw them in training; their statistics are
            averaged.

    Returns:
        The same network.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder, calibrate_batch_norms
        >>> encoder, image = MobileNetV2Encoder(), torch.rand(1, 3, 64, 64)
        >>> before = encoder(image)[32]
        >>> after = calibrate_batch_norms(encoder, [image])(image)[32]
        >>> torch.allclose(before, after, atol=1e-5)
        True
    """
    encoder = next(module for module in network.modules() if isinstance(module, Encoder))
    norms = batch_norms_of(network)
    sums = [torch.zeros(2, norm.num_features, dtype=torch.float64) for norm in norms]

    def add(total: Tensor, norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        x = inputs[0].double()
        total += torch.stack([x.mean(dim=(0, 2, 3)), x.square().mean(dim=(0, 2, 3))]).cpu()

    hooks = [norm.register_forward_pre_hook(partial(add, total)) for norm, total in zip(norms, sums, strict=True)]
    count = 0
    for image in images:
        encoder((image if image.ndim == 4 else image.unsqueeze(0)).to(encoder.mean))
        count += 1
    for hook in hooks:
        hook.remove()
    for norm, (first, second) in zip(norms, sums, strict=True):
        mean, variance = first / count, (second / count - (first / count).square()).clamp_min(0)
        _replace_statistics(norm, mean, variance)
    return network


def _replace_statistics(norm: nn.BatchNorm2d, mean: Tensor, variance: Tensor) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    mean, variance = mean.to(norm.running_mean), variance.to(norm.running_var)
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    norm.bias.add_(scale * (mean - norm.running_mean))
    norm.weight.copy_(scale * (variance + norm.eps).sqrt())
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)


@torch.no_grad()
def collect_statistics(network: nn.Module, batches: Iterable[Tensor]) -> None:
    """Replace the statistics of batch norms by those of batches of frames (B, 3, H, W), averaged over the batches.

    Each batch is normalized by its own statistics on its way, as in training.
    """
    encoder = next(module for module in network.modules() if isinstance(module, Encoder))
    norms = batch_norms_of(network)
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # a mean over all batches
        norm.train()
    for batch in batches:
        encoder(batch.to(encoder.mean))
    for norm in norms:
        norm.eval()
