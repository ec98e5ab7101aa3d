# SPDX-License-Identifier: Apache-2.0
"""The one-shot image network as a file.

Axes: `B` images, `H W` pixels.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch.export import Dim

from monai_i2v.errors import UsageError
from monai_i2v.export.program import save_program
from monai_i2v.networks import OneShotNet

__all__ = ["export_image_net"]

# The coarsest grid of the network is at stride 32; on others, ONNX lacks a pooling.
GRID = 32


def export_image_net(net: OneShotNet, path: str | Path, *, size: tuple[int, int] = (256, 256)) -> None:
    """Write the image network: images, annotated images and their masks in, logits out.

    The file takes ``query`` (B, 3, H, W) and ``support`` (B, 3, H, W) in [0, 1] and ``support_mask`` (B, 1, H, W), and
    gives ``logits`` (B, 2, H, W), background first. The number of images is free; their size is fixed, as the network
    pools between grids of several sizes, which no exporter follows. Several objects are several images.

    Args:
        net: the network.
        path: ``.onnx`` or ``.pt2``.
        size: H and W, px, multiples of 32.

    Raises:
        UsageError: When the suffix or `size` is none of these, a package is missing, or the file cannot be written.

    Example::

        >>> from monai_i2v.export import export_image_net
        >>> from monai_i2v.networks import MobileNetV2Encoder, OneShotNet
        >>> net = OneShotNet(MobileNetV2Encoder(output_stride=8), width=16)
        >>> export_image_net(net, "model.onnx", size=(250, 250))
        Traceback (most recent call last):
        ...
        monai_i2v.errors.UsageError: size is (250, 250), expected two multiples of 32 (px); use (256, 256).
    """
    if any(side < GRID or side % GRID for side in size):
        raise UsageError(f"size is {tuple(size)}, expected two multiples of {GRID} (px); use (256, 256).")
    images = Dim("images", min=1)
    save_program(
        copy.deepcopy(net).cpu().eval(),
        {"query": torch.rand(2, 3, *size), "support": torch.rand(2, 3, *size), "support_mask": torch.ones(2, 1, *size)},
        ["logits"],
        Path(path),
        dynamic={name: {0: images} for name in ("query", "support", "support_mask")},
    )
