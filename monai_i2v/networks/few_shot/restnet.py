# SPDX-License-Identifier: Apache-2.0
"""RestNet: PATNet that keeps what the map loses, and looks twice (Huang et al., BMVC 2023).

Axes: `B` videos, `K` objects, `F` feature channels, `L` blocks of a stage, `h w` query cells, `u v` support cells,
`N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.block_support import BlockSupport
from monai_i2v.networks.few_shot.patnet import BlockPrototypes, PATNet
from monai_i2v.networks.few_shot.prototypes import object_prototypes
from monai_i2v.networks.few_shot_net import per_object

__all__ = ["RestNet", "SpatialAttention"]


class RestNet(PATNet):
    """Segment, take the query's own prototypes from that, and segment by a mixture of both.

    Args:
        encoder: see `HSNet`.
        widths, support_side: see `HSNet`.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import RestNet
        >>> net = RestNet(MobileNetV2Encoder(), widths=(4, 8, 8), support_side=64).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    def __init__(self, encoder: Encoder, *, widths: Sequence[int] = (16, 64, 128), support_side: int = 256) -> None:
        super().__init__(encoder, widths=widths, support_side=support_side)
        self.attend = nn.ModuleDict({str(stage): SpatialAttention() for stage in self.channels})
        self.support_share = nn.Parameter(torch.tensor(0.5))

    def extract(self, padded: Tensor) -> dict[int, list[Tensor]]:
        """See `HSNet.extract`; weighed by spatial attention."""
        return {
            stage: [self.attend[str(stage)](block) for block in blocks]
            for stage, blocks in super().extract(padded).items()
        }

    def match(self, features: dict[int, list[Tensor]], support: BlockSupport) -> Tensor:
        """See `FewShotNet.match`."""
        given = self.prototypes_of(support)
        first = self.decode(self.volumes_by(features, support, given))
        own = self.query_prototypes(features, first.softmax(dim=1)[:, 1:])
        share = self.support_share
        mixed = {
            stage: [share * one + (1 - share) * other for one, other in zip(blocks, own[stage], strict=True)]
            for stage, blocks in given.items()
        }
        return self.decode(self.volumes_by(features, support, mixed))

    def query_prototypes(self, features: dict[int, list[Tensor]], prob: Tensor) -> BlockPrototypes:
        """Prototypes of the query by its predicted masks (N, 1, h, w)."""
        found = {}
        for stage, blocks in features.items():
            cells = F.adaptive_avg_pool2d(prob, (blocks[0].shape[-2], blocks[0].shape[-1]))
            objects = len(prob) // len(blocks[0])
            found[stage] = [object_prototypes(per_object(block, objects), cells).squeeze(1) for block in blocks]
        return found

    def turn(self, features: Tensor, prototypes: Tensor) -> Tensor:
        """See `PATNet.turn`; the features as they were are added."""
        return super().turn(features, prototypes) + per_object(features, len(prototypes) // len(features))


class SpatialAttention(nn.Module):
    """Weigh each cell by the mean and the maximum of its channels."""

    def __init__(self) -> None:
        super().__init__()
        self.weigh = nn.Sequential(
            nn.Conv2d(2, 2, 7, padding=3), nn.ReLU(inplace=True), nn.Conv2d(2, 1, 7, padding=3), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, F, h, w) to (B, F, h, w)."""
        return x * self.weigh(torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1))
