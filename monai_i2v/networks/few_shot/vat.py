# SPDX-License-Identifier: Apache-2.0
"""VAT: correlations of many depths, aggregated by 4-D window attention (Hong et al., ECCV 2022).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `L` blocks of a stage,
`h w` query cells, `u v` support cells, `N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import torch
from monai.networks.nets.swin_unetr import SwinTransformerBlock, compute_mask
from torch import Tensor, nn

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.block_support import BlockSupport, on_squares, resize
from monai_i2v.networks.few_shot.center_pivot import make_squeeze, upsample_query
from monai_i2v.networks.few_shot.correlation import masked_correlations
from monai_i2v.networks.few_shot.volume_windows import VolumeWindowBlock
from monai_i2v.networks.few_shot_net import FewShotNet, per_object

__all__ = ["VAT", "VATFeatures"]

STAGES = (32, 16, 8)  # from coarse to fine
APPEARANCE = (8, 4)  # stages whose features the decoder sees, from coarse to fine
STEM_WIDTH = 16


class VATFeatures(NamedTuple):
    """What the network sees of an image."""

    blocks: dict[int, list[Tensor]]  # per stage, per block (B, F, h, w)
    appearance: list[Tensor]  # (B, width, h, w) of `APPEARANCE`


class VAT(FewShotNet[VATFeatures, BlockSupport]):
    """A transformer over correlation volumes, from coarse to fine, and a decoder that sees the query.

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, frozen=(4, 8, 16, 32))``.
        sides: per stage the cells h = w that the query's features are resized to.
        support_sides: per stage the cells u = v of the support's; the stems bring all to those of stage 32.
        width: channels of the volumes, a multiple of `heads`.
        depths: per stage the blocks of 4-D window attention; every second one shifts its windows.
        window: side of the windows, cells.
        heads: heads of each attention.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import VAT
        >>> sides = {32: 2, 16: 4, 8: 8}
        >>> net = VAT(MobileNetV2Encoder(), sides=sides, support_sides=sides, width=8, window=2).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    grid = 32

    def __init__(
        self,
        encoder: Encoder,
        *,
        sides: Mapping[int, int] = MappingProxyType({32: 8, 16: 16, 8: 32}),
        support_sides: Mapping[int, int] = MappingProxyType({32: 16, 16: 32, 8: 64}),
        width: int = 128,
        depths: Mapping[int, int] = MappingProxyType({32: 4, 16: 2, 8: 2}),
        window: int = 4,
        heads: int = 4,
    ) -> None:
        super().__init__(encoder)
        self.sides, self.support_sides = dict(sides), dict(support_sides)
        self.support_side = sides[32]
        blocks = encoder.block_channels()
        self.stem = nn.ModuleDict({str(stage): self._make_stem(len(blocks[stage]), stage, width) for stage in STAGES})
        self.aggregate = nn.ModuleDict(
            {
                str(stage): nn.Sequential(
                    *(
                        VolumeWindowBlock(width, window=window, heads=heads, shift=window // 2 * (block % 2))
                        for block in range(depths[stage])
                    )
                )
                for stage in STAGES
            }
        )
        self.project = nn.ModuleDict({str(stage): nn.Conv2d(encoder.channels[stage], width, 1) for stage in APPEARANCE})
        self.decode = nn.ModuleList(_DecoderBlock(width, window=window, heads=heads) for _ in APPEARANCE)
        self.classify = nn.Conv2d(width, 2, 3, padding=1)

    def _make_stem(self, blocks: int, stage: int, width: int) -> nn.Sequential:
        """Two convolutions that bring the support's cells of a stage to those of the coarsest."""
        ratio = self.support_sides[stage] // self.support_side
        strides = (2 if ratio > 1 else 1, ratio // 2 if ratio > 2 else 1)
        return make_squeeze(blocks, (STEM_WIDTH, width), (3, 3), strides)

    def extract(self, padded: Tensor) -> VATFeatures:
        """See `FewShotNet.extract`."""
        features = self.encoder.blocks(padded)
        sides = (self.sides[8], 2 * self.sides[8])
        appearance = [
            self.project[str(stage)](resize(features[stage][-1], side))
            for stage, side in zip(APPEARANCE, sides, strict=True)
        ]
        return VATFeatures({stage: features[stage] for stage in STAGES}, appearance)

    def encode_support(self, frame: Tensor, masks: Tensor) -> BlockSupport:
        """See `FewShotNet.encode_support`."""
        blocks = self.encode_frame(frame).blocks
        cells = {stage: self.cells_of(masks, [side] * 2) for stage, side in self.support_sides.items()}
        return BlockSupport(on_squares(blocks, self.support_sides), cells, occurring_classes(masks))

    def match(self, features: VATFeatures, support: BlockSupport) -> Tensor:
        """See `FewShotNet.match`."""
        volume: Tensor | None = None
        for stage in STAGES:
            finer = self.stem[str(stage)](self.correlations(features, support, stage))
            if volume is not None:
                finer = finer + upsample_query(volume, finer.shape[2:4])
            volume = self.aggregate[str(stage)](finer)
        assert volume is not None
        x = volume.mean(dim=(-2, -1))  # (N, width, h, w)
        objects = support.present.shape[1] - 1
        for block, appearance in zip(self.decode, features.appearance, strict=True):
            x = block(x, per_object(appearance, objects))
        logits: Tensor = self.classify(x)
        return logits

    def correlations(self, features: VATFeatures, support: BlockSupport, stage: int) -> Tensor:
        """Correlations (N, L, h, w, u, v) of a stage."""
        query = [resize(one, self.sides[stage]) for one in features.blocks[stage]]
        return masked_correlations(query, support.features[stage], support.cells[stage])


class _DecoderBlock(nn.Module):
    """What the query looks like, joined with what was found, and two blocks of 2-D window attention."""

    def __init__(self, width: int, *, window: int, heads: int) -> None:
        super().__init__()
        self.window = window
        self.join = nn.Conv2d(2 * width, width, 1)
        self.attend = nn.ModuleList(
            SwinTransformerBlock(width, heads, window_size=[window] * 2, shift_size=[shift] * 2, mlp_ratio=1.0)
            for shift in (0, window // 2)
        )

    def forward(self, x: Tensor, appearance: Tensor) -> Tensor:
        """Coarse maps (N, width, h, w) to maps of the resolution of `appearance`."""
        side = appearance.shape[-1]
        x = self.join(torch.cat([resize(x, side), appearance], dim=1)).movedim(1, -1)  # (N, h, w, width)
        mask = compute_mask([side] * 2, [self.window] * 2, [self.window // 2] * 2, x.device)
        for block in self.attend:
            x = block(x, mask)
        return x.movedim(-1, 1)
