# SPDX-License-Identifier: Apache-2.0
"""HSNet: correlations of many depths, squeezed from coarse to fine (Min et al., ICCV 2021).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `L` blocks of a stage,
`h w` query cells, `u v` support cells, `N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.block_support import BlockSupport, on_squares
from monai_i2v.networks.few_shot.center_pivot import make_squeeze, upsample_query
from monai_i2v.networks.few_shot.correlation import masked_correlations
from monai_i2v.networks.few_shot_net import FewShotNet

__all__ = ["HSNet"]

# Per stage the kernels and strides of the squeeze (the paper's): all end at the same number of cells.
SQUEEZES = {8: ((5, 5, 3), (4, 4, 2)), 16: ((5, 3, 3), (4, 2, 2)), 32: ((3, 3, 3), (2, 2, 2))}


class HSNet(FewShotNet[dict[int, list[Tensor]], BlockSupport]):
    """See how all cells correlate at every block of three stages, and segment by that alone.

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, frozen=(4, 8, 16, 32))``.
        widths: channels of the three convolutions of each squeeze, multiples of 4.
        support_side: px, a multiple of 32; every support is seen at its grid, since the squeeze learns how many cells
            there are. That of the training's images.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import HSNet
        >>> net = HSNet(MobileNetV2Encoder(), widths=(4, 8, 8), support_side=64).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    grid = 32

    def __init__(self, encoder: Encoder, *, widths: Sequence[int] = (16, 64, 128), support_side: int = 256) -> None:
        super().__init__(encoder)
        self.support_sides = {stage: support_side // stage for stage in SQUEEZES}
        self.channels = {stage: encoder.block_channels()[stage] for stage in SQUEEZES}
        width = widths[-1]
        self.squeeze = nn.ModuleDict(
            {str(stage): make_squeeze(len(self.channels[stage]), widths, *shape) for stage, shape in SQUEEZES.items()}
        )
        self.mix = nn.ModuleDict({str(stage): make_squeeze(width, [width] * 3, [3] * 3) for stage in (8, 16)})
        self.reduce = nn.Sequential(nn.Conv2d(width, width // 2, 3, padding=1), nn.ReLU(inplace=True))
        self.classify = nn.Conv2d(width // 2, 2, 3, padding=1)

    def extract(self, padded: Tensor) -> dict[int, list[Tensor]]:
        """Per stage, per block (B, F, h, w); see `FewShotNet.extract`."""
        features = self.encoder.blocks(padded)
        return {stage: features[stage] for stage in SQUEEZES}

    def encode_support(self, frame: Tensor, masks: Tensor) -> BlockSupport:
        """See `FewShotNet.encode_support`."""
        features = on_squares(self.encode_frame(frame), self.support_sides)
        cells = {stage: self.cells_of(masks, [side] * 2) for stage, side in self.support_sides.items()}
        return BlockSupport(features, cells, occurring_classes(masks))

    def match(self, features: dict[int, list[Tensor]], support: BlockSupport) -> Tensor:
        """See `FewShotNet.match`."""
        return self.decode(self.volumes(features, support))

    def volumes(self, features: dict[int, list[Tensor]], support: BlockSupport) -> dict[int, Tensor]:
        """Correlations (N, L, h, w, u, v) of each stage."""
        return {
            stage: masked_correlations(features[stage], support.features[stage], support.cells[stage])
            for stage in SQUEEZES
        }

    def decode(self, volumes: dict[int, Tensor]) -> Tensor:
        """Correlations of each stage to logits (N, 2, h, w) at a quarter of the frame's resolution."""
        squeezed = {stage: self.squeeze[str(stage)](volume) for stage, volume in volumes.items()}
        mixed = squeezed[32]
        for stage in (16, 8):
            finer = squeezed[stage]
            mixed = self.mix[str(stage)](finer + upsample_query(mixed, finer.shape[2:4]))
        reduced = self.reduce(mixed.mean(dim=(-2, -1)))
        logits: Tensor = self.classify(F.interpolate(reduced, scale_factor=2, mode="bilinear", align_corners=False))
        return logits
