# SPDX-License-Identifier: Apache-2.0
"""DCAMA: every support cell votes for the query cells that attend to it (Shi et al., ECCV 2022).

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels, `F` feature channels, `h w` query cells, `u v` support
cells, `Q` query cells, `S` support cells, `N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.aggregation import occurring_classes
from monai_i2v.networks.encoder import STAGES, Encoder
from monai_i2v.networks.few_shot.block_support import BlockSupport
from monai_i2v.networks.few_shot_net import FewShotNet, per_object

__all__ = ["DCAMA", "MaskAttention", "positions"]

VOTING = (8, 16, 32)  # stages whose blocks vote
WIDTHS = (16, 64, 128)
GROUPS = 4
# Of the sinusoids (Vaswani et al., 2017).
TEMPERATURE = 10_000.0


class DCAMA(FewShotNet[dict[int, list[Tensor]], BlockSupport]):
    """Carry the support's mask to the query at every block, and refine what arrives from coarse to fine.

    Args:
        encoder: image encoder; for the paper's form ``ResNetEncoder(50, frozen=(4, 8, 16, 32))``.
        heads: heads of each attention; divides the channels of all blocks, which are multiples of 4.
        mixed: channels of the mixer at a quarter of the resolution.
        dropout: share of attention that is dropped in training.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import DCAMA
        >>> net = DCAMA(MobileNetV2Encoder(), mixed=16).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    grid = 32

    def __init__(self, encoder: Encoder, *, heads: int = 8, mixed: int = 128, dropout: float = 0.5) -> None:
        super().__init__(encoder)
        channels, width = encoder.block_channels(), WIDTHS[-1]
        self.vote = nn.ModuleDict(
            {
                str(stage): nn.ModuleList(MaskAttention(block, heads, dropout=dropout) for block in channels[stage])
                for stage in VOTING
            }
        )
        self.convs = nn.ModuleDict({str(stage): _convs(len(channels[stage]), WIDTHS) for stage in VOTING})
        self.merge = nn.ModuleDict({str(stage): _convs(width, [width]) for stage in (16, 8)})
        self.mixer = _convs(width + 2 * (encoder.channels[8] + encoder.channels[4]), [mixed, mixed])
        self.classify = nn.Conv2d(mixed, 2, 1)

    def extract(self, padded: Tensor) -> dict[int, list[Tensor]]:
        """Per stage, per block (B, F, h, w), of stage 4 the last one only; see `FewShotNet.extract`."""
        features = self.encoder.blocks(padded)
        return {stage: features[stage] if stage in VOTING else features[stage][-1:] for stage in STAGES}

    def encode_support(self, frame: Tensor, masks: Tensor) -> BlockSupport:
        """See `FewShotNet.encode_support`."""
        features = self.encode_frame(frame)
        cells = {stage: self.cells_of(masks, features[stage][0].shape[-2:]) for stage in VOTING}
        return BlockSupport(features, cells, occurring_classes(masks))

    def match(self, features: dict[int, list[Tensor]], support: BlockSupport) -> Tensor:
        """See `FewShotNet.match`."""
        votes = {stage: self.convs[str(stage)](self.coarse_masks(features, support, stage)) for stage in VOTING}
        x = votes[32]
        for stage in (16, 8):
            x = self.merge[str(stage)](votes[stage] + _resize(x, votes[stage]))
        seen = [
            per_object(maps[stage][-1], support.present.shape[1] - 1)
            for stage in (8, 4)
            for maps in (features, support.features)
        ]
        logits: Tensor = self.classify(self.mixer(torch.cat([_resize(one, seen[-1]) for one in (x, *seen)], dim=1)))
        return logits

    def coarse_masks(self, features: dict[int, list[Tensor]], support: BlockSupport, stage: int) -> Tensor:
        """The masks (N, blocks, h, w) that the blocks of a stage carry over."""
        blocks = zip(self.vote[str(stage)].children(), features[stage], support.features[stage], strict=True)
        found = []
        for vote, query, annotated in blocks:
            tokens = [one.flatten(2).transpose(1, 2) + positions(one) for one in (query, annotated)]
            carried = vote(*tokens, support.cells[stage].flatten(2).transpose(1, 2))  # (B, Q, K)
            found.append(carried.transpose(1, 2).unflatten(-1, query.shape[-2:]))  # (B, K, h, w)
        return torch.stack(found, dim=2).flatten(0, 1)


class MaskAttention(nn.Module):
    """Attention whose values are the support's masks; the objects are its value channels.

    Args:
        channels: feature channels `F`.
        heads: number of heads, whose masks are averaged.
        dropout: share of attention that is dropped in training.
    """

    def __init__(self, channels: int, heads: int, *, dropout: float = 0.5) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key = nn.Linear(channels, channels), nn.Linear(channels, channels)

    def forward(self, query: Tensor, support: Tensor, cells: Tensor) -> Tensor:
        """Query tokens (B, Q, F), support tokens (B, S, F) and masks (B, S, K) to masks (B, Q, K) of the query."""
        queries, keys = (
            one.unflatten(-1, (self.heads, -1)).transpose(1, 2) for one in (self.query(query), self.key(support))
        )
        values = cells.to(queries).unsqueeze(1).expand(-1, self.heads, -1, -1)
        # With values as wide as keys, and without dropout, torch never holds the attention as a whole.
        wide = F.pad(values, (0, max(0, queries.shape[-1] - values.shape[-1])))
        dropout = self.dropout if self.training else 0.0
        carried = F.scaled_dot_product_attention(queries, keys, wide, dropout_p=dropout).mean(dim=1)
        return carried[..., : cells.shape[-1]]


def positions(features: Tensor) -> Tensor:
    """Sinusoids (h * w, F) of the row and column of each cell of features (B, F, h, w).

    MONAI's `build_sincos_position_embedding` warns about its own use of torch.
    """
    f, h, w = features.shape[1:]
    index = torch.arange(f // 4, device=features.device)
    frequencies = TEMPERATURE ** (-index / (f // 4))
    rows, columns = (torch.arange(side, device=features.device)[:, None] * frequencies for side in (h, w))
    grid = [rows[:, None].expand(-1, w, -1), columns[None].expand(h, -1, -1)]
    return torch.cat([wave(one) for one in grid for wave in (torch.sin, torch.cos)], dim=-1).flatten(0, 1).to(features)


def _convs(in_channels: int, widths: Sequence[int]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for width in widths:
        layers += [nn.Conv2d(in_channels, width, 3, padding=1), nn.GroupNorm(GROUPS, width), nn.ReLU(inplace=True)]
        in_channels = width
    return nn.Sequential(*layers)


def _resize(x: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)
