# SPDX-License-Identifier: Apache-2.0
"""PATNet: features are turned so that every task's prototypes lie in the same place (Lei et al., ECCV 2022).

Axes: `B` videos, `K` objects, `F` feature channels, `L` blocks of a stage, `h w` query cells, `u v` support cells,
`N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.few_shot.block_support import BlockSupport
from monai_i2v.networks.few_shot.correlation import masked_correlations
from monai_i2v.networks.few_shot.hsnet import HSNet
from monai_i2v.networks.few_shot.prototypes import object_prototypes
from monai_i2v.networks.few_shot_net import per_object

__all__ = ["BlockPrototypes", "PATNet", "transform"]

BlockPrototypes: TypeAlias = dict[int, list[Tensor]]
"""Per stage, per block the prototypes (N, 2, F), background first."""


class PATNet(HSNet):
    """`HSNet` behind a linear map that carries the support's prototypes to learned anchors.

    Args:
        encoder: see `HSNet`.
        widths, support_side: see `HSNet`.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import MobileNetV2Encoder
        >>> from monai_i2v.networks.few_shot import PATNet
        >>> net = PATNet(MobileNetV2Encoder(), widths=(4, 8, 8), support_side=64).eval()
        >>> net(*torch.rand(2, 1, 3, 64, 64), torch.ones(1, 1, 64, 64)).shape
        torch.Size([1, 2, 64, 64])
    """

    def __init__(self, encoder: Encoder, *, widths: Sequence[int] = (16, 64, 128), support_side: int = 256) -> None:
        super().__init__(encoder, widths=widths, support_side=support_side)
        different = sorted({channels for blocks in self.channels.values() for channels in blocks})
        self.anchors = nn.ParameterDict({str(channels): torch.randn(2, channels) for channels in different})

    def volumes(self, features: dict[int, list[Tensor]], support: BlockSupport) -> dict[int, Tensor]:
        """See `HSNet.volumes`."""
        return self.volumes_by(features, support, self.prototypes_of(support))

    def prototypes_of(self, support: BlockSupport) -> BlockPrototypes:
        """The support's prototypes."""
        return {
            stage: [object_prototypes(block, support.cells[stage]).flatten(0, 1) for block in blocks]
            for stage, blocks in support.features.items()
        }

    def volumes_by(
        self, features: dict[int, list[Tensor]], support: BlockSupport, prototypes: BlockPrototypes
    ) -> dict[int, Tensor]:
        """`volumes` of features that the given prototypes turn."""
        found = {}
        for stage, blocks in features.items():
            query, annotated = (
                [self.turn(*pair) for pair in zip(maps, prototypes[stage], strict=True)]
                for maps in (blocks, support.features[stage])
            )
            cells = support.cells[stage].flatten(0, 1).unsqueeze(1)  # (N, 1, u, v)
            found[stage] = masked_correlations(query, annotated, cells)
        return found

    def turn(self, features: Tensor, prototypes: Tensor) -> Tensor:
        """Features (B, F, h, w) turned by prototypes (N, 2, F): (N, F, h, w)."""
        objects = len(prototypes) // len(features)
        return transform(per_object(features, objects), prototypes, self.anchors[str(features.shape[1])])


def transform(features: Tensor, prototypes: Tensor, anchors: Tensor) -> Tensor:
    """Features, mapped so that prototypes come to lie at anchors.

    The map is of rank two: each feature becomes the sum of the two anchors that its parts along the two prototypes
    weigh. It is computed in float32.

    Args:
        features: (N, F, h, w).
        prototypes: (N, 2, F).
        anchors: (2, F).

    Returns:
        (N, F, h, w).
    """
    with torch.autocast(features.device.type, enabled=False):
        unit, references = (F.normalize(one.float(), dim=-1) for one in (prototypes, anchors))
        parts = torch.linalg.pinv(unit).transpose(1, 2) @ features.float().flatten(2)  # (N, 2, h * w)
        turned = references.transpose(0, 1) @ parts
    return turned.unflatten(-1, features.shape[-2:])
