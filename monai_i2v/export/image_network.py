# SPDX-License-Identifier: Apache-2.0
"""The one-shot image network as a file.

Axes: `B` images, `H W` pixels.
"""

from __future__ import annotations

import copy
from pathlib import Path

import torch
from torch.export import Dim

from monai_i2v.export.program import save_program
from monai_i2v.networks import OneShotNet

__all__ = ["export_image_net"]


def export_image_net(net: OneShotNet, path: str | Path, *, size: tuple[int, int] = (256, 256)) -> None:
    """Write the image network: images, annotated images and their masks in, logits out.

    The file takes ``query`` (B, 3, H, W) and ``support`` (B, 3, H, W) in [0, 1] and ``support_mask`` (B, 1, H, W), and
    gives ``logits`` (B, 2, H, W), background first. Any number of images, all of one size, which is fixed: the network
    pools to grids that no exporter follows for free sizes. Several objects are several images.

    Args:
        net: the network.
        path: ``.onnx`` or ``.pt2``.
        size: H and W, px.

    Raises:
        UsageError: When the suffix is neither, a package is missing, or the file cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import torch
        >>> from monai_i2v.export import export_image_net
        >>> from monai_i2v.networks import MobileNetV2Encoder, OneShotNet
        >>> net = OneShotNet(MobileNetV2Encoder(output_stride=8), width=16)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     export_image_net(net, Path(folder, "net.pt2"), size=(32, 32))
        ...     program = torch.export.load(Path(folder, "net.pt2"))
        >>> program.module()(*torch.rand(2, 4, 3, 32, 32), torch.ones(4, 1, 32, 32)).shape
        torch.Size([4, 2, 32, 32])
    """
    images = Dim("images", min=1)
    save_program(
        copy.deepcopy(net).cpu().eval(),
        {"query": torch.rand(2, 3, *size), "support": torch.rand(2, 3, *size), "support_mask": torch.ones(2, 1, *size)},
        ["logits"],
        Path(path),
        dynamic={name: {0: images} for name in ("query", "support", "support_mask")},
    )
