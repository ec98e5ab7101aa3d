# SPDX-License-Identifier: Apache-2.0
"""4-D correlation: how much each cell of one image resembles each cell of another (HSNet, Min et al., ICCV 2021).

Axes: `B` videos, `K` objects, `F` feature channels, `L` features of a stage, `h w` query cells, `u v` support cells,
`N` = `B` x `K`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["correlate", "masked_correlations"]


def correlate(query: Tensor, support: Tensor) -> Tensor:
    """Cosine similarity of all pairs of cells, nothing where it is negative.

    Args:
        query: (B, F, h, w).
        support: (B, F, u, v).

    Returns:
        (B, h, w, u, v) in [0, 1].
    """
    query_unit, support_unit = (F.normalize(one.flatten(2), dim=1) for one in (query, support))
    similarity = (query_unit.transpose(1, 2) @ support_unit).clamp_min(0)  # (B, h * w, u * v)
    return similarity.unflatten(2, support.shape[-2:]).unflatten(1, query.shape[-2:])


def masked_correlations(query: Sequence[Tensor], support: Sequence[Tensor], cells: Tensor) -> Tensor:
    """Correlations of a stage's features with those of each object.

    Args:
        query: `L` features (B, F, h, w).
        support: `L` features (B, F, u, v).
        cells: masks (B, K, u, v); what is similar counts as much as the mask says.

    Returns:
        (N, L, h, w, u, v) in [0, 1].

    Example::

        >>> import torch
        >>> from monai_i2v.networks.few_shot.correlation import masked_correlations
        >>> features, cells = [torch.rand(1, 5, 2, 2)] * 3, torch.ones(1, 1, 2, 2)
        >>> volume = masked_correlations(features, features, cells)
        >>> volume.shape, round(volume[0, 0, 1, 1, 1, 1].item(), 4)  # a cell with itself
        (torch.Size([1, 3, 2, 2, 2, 2]), 1.0)
    """
    volumes = torch.stack([correlate(*pair) for pair in zip(query, support, strict=True)], dim=1)
    return (volumes.unsqueeze(1) * cells[:, :, None, None, None]).flatten(0, 1)  # (N, L, h, w, u, v)
