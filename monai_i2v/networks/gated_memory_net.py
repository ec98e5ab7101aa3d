# SPDX-License-Identifier: Apache-2.0
"""A memory network that believes what was drawn where the scene still looks like it.

Axes: `B` videos, `K` objects, `D` key, `V` value, `h w` features, `Q` query cells (h * w), `M` memory cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from monai_i2v.memory import MemoryBank, embed_query, find_cells, read_cells, read_memory
from monai_i2v.memory.readout import DENSE_SHARE
from monai_i2v.networks.temporal_contrastive_memory_net import TemporalContrastiveMemoryNet, TemporalMemoryState
from monai_i2v.networks.torchscript import ScriptedClipNet

__all__ = ["DistanceGate", "GatedMemoryNet", "nearest_distance", "weigh"]

# Where the gate is beyond this throughout a frame, or below its complement, a CPU leaves one of the two reads out.
ALL = 0.99
CHUNK = 256
"""Query cells whose scores are held at a time."""

Reading: TypeAlias = Callable[[], Tensor]


class DistanceGate(nn.Module):
    """How far each place believes what is remembered of the network's own masks, beside what was drawn.

    ``sigmoid((distance - middle) / width)``, where the distance is that of the place's key to the nearest one of the
    drawn frames (squared, over sqrt(D)), averaged over a neighborhood.

    Args:
        middle: at this distance both count alike. It belongs to the weights that make the keys.
        width: how soon it is one or the other.
        reach: cells per side of the neighborhood, odd.

    Raises:
        ValueError: When `width` is not positive, or `reach` even.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import DistanceGate
        >>> DistanceGate(60.0, 8.0, reach=1)(torch.tensor([[[0.0, 60.0, 120.0]]])).round(decimals=2).tolist()
        [[[0.0, 0.5, 1.0]]]
    """

    def __init__(self, middle: float, width: float = 8.0, *, reach: int = 9) -> None:
        super().__init__()
        if width <= 0:
            raise ValueError(f"width must be positive, got {width}; 8 is what the shipped weights were measured with.")
        if reach % 2 == 0:
            raise ValueError(f"reach must be odd, got {reach}; 1 judges each place by itself.")
        self.middle, self.width, self.reach = middle, width, reach

    def forward(self, distance: Tensor) -> Tensor:
        """Distances (B, h, w) to trust (B, h, w) in [0, 1]."""
        around = F.avg_pool2d(distance, self.reach, stride=1, padding=self.reach // 2, count_include_pad=False)
        return torch.sigmoid((around - self.middle) / self.width)


class GatedMemoryNet(TemporalContrastiveMemoryNet):
    """`TemporalContrastiveMemoryNet` that weighs what was drawn against what it remembers of its own masks.

    A mistake that is remembered is believed; a change that is not remembered is lost. So each place reads twice: from
    all remembered frames, as the base class does, and from the drawn ones alone; a gate says place by place how much
    of either the decoder gets. Where a scene rests, nothing new has to be remembered, and mistakes cannot add up; where
    it changes, the drawn frames have no near match, and all that is remembered is read.

    It has no weights of its own. In training, and without a gate, it is the base class.

    Args:
        encoder, mask_encoder: see the base class.
        gate: from distances (B, h, w) to trust (B, h, w); None trusts all.
        settings: further ones of the base class.

    Example::

        >>> import torch
        >>> from monai_i2v.networks import DistanceGate, GatedMemoryNet, MobileNetV2Encoder, SlimMaskEncoder
        >>> net = GatedMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), gate=DistanceGate(60.0), value_channels=128,
        ...     widths=(128, 64, 32),
        ... ).eval()
        >>> net(torch.rand(1, 3, 3, 64, 64), torch.ones(1, 2, 64, 64)).shape
        torch.Size([1, 3, 2, 64, 64])
    """

    def __init__(self, *encoders: Any, gate: nn.Module | None = None, **settings: Any) -> None:
        super().__init__(*encoders, **settings)
        self.gate = gate

    def __prepare_scriptable__(self) -> ScriptedClipNet:
        """What `torch.jit.script` takes in its place."""
        return ScriptedClipNet(self)

    def read(self, key: Tensor, state: TemporalMemoryState) -> Tensor:
        """What a frame's places (B, D, h, w) read from the memory: (B, K, V, h, w)."""
        cells = state.bank.drawn_cells
        if self.gate is None or self.training or cells == state.bank.keys.shape[1]:
            return super().read(key, state)
        in_program = torch.compiler.is_exporting()  # it cannot leave out what the pictures make needless
        compare = _compare_once if _keeps_few(state.bank) and not in_program else _compare
        distance, read_drawn, read_joint = compare(key, state.bank)
        trust = self.trust(distance)
        # Elsewhere a look at the gate would have the host wait, and a read costs less.
        if key.device.type == "cpu" and not in_program:
            if (trust == 1).all():
                return read_joint()
            if (trust == 0).all():
                return read_drawn()
        return weigh(read_joint(), read_drawn(), trust)

    @torch.no_grad()
    def trust(self, distance: Tensor) -> Tensor:
        """The gate's (B, h, w), for distances (B, h, w) to what was drawn; 0 or 1 throughout where it nearly is."""
        assert self.gate is not None
        trust: Tensor = self.gate(distance)
        return torch.where((trust > ALL).all() | (trust < 1 - ALL).all(), trust.round(), trust)


def weigh(joint: Tensor, drawn: Tensor, trust: Tensor) -> Tensor:
    """One read-out of two (B, K, V, h, w), by how far the joint one is trusted (B, h, w)."""
    return drawn + trust[:, None, None].to(joint.dtype) * (joint - drawn)


def _keeps_few(bank: MemoryBank) -> bool:
    """A query keeps few of the cells, none of which weighs more than others, and no gradients are asked for."""
    few = bank.top_k is not None and bank.top_k <= DENSE_SHARE * bank.drawn_cells
    even = bank.weigh is None or bank.weigh(bank) is None
    return few and even and bank.top_fraction is None and not torch.is_grad_enabled()


def _compare(key: Tensor, bank: MemoryBank) -> tuple[Tensor, Reading, Reading]:
    """Distance (B, h, w) to what was drawn, and what reads (B, K, V, h, w) from what was drawn, and from all."""
    cells, keys, values = bank.drawn_cells, bank.keys, bank.values.flatten(2, 3)
    query = key.flatten(2).transpose(1, 2)  # (B, Q, D)

    def read_drawn() -> Tensor:
        drawn = keys[:, :cells], values[:, :, :cells]
        return _as_map(read_memory(embed_query(query), *drawn, measure="product", top_k=bank.top_k), key)

    return nearest_distance(query, keys[:, :cells]).unflatten(1, key.shape[-2:]), read_drawn, lambda: bank.read(key)


def _compare_once(key: Tensor, bank: MemoryBank) -> tuple[Tensor, Reading, Reading]:
    """As `_compare`: the best of the drawn cells tell the distance, and are not searched again for the joint read."""
    cells, keys, values, top_k = bank.drawn_cells, bank.keys, bank.values.flatten(2, 3), bank.top_k
    assert top_k is not None
    with torch.autocast(key.device.type, enabled=False):
        own = key.flatten(2).transpose(1, 2).float()  # (B, Q, D)
        query = embed_query(own)
        drawn = find_cells(query, keys[:, :cells], top_k, max_bytes=bank.max_bytes)
        distance = _distance(own, drawn.scores.amax(dim=-1)).unflatten(1, key.shape[-2:])

    @torch.autocast(key.device.type, enabled=False)
    def read_joint() -> Tensor:
        others = find_cells(query, keys[:, cells:], top_k, max_bytes=bank.max_bytes)
        return _as_map(read_cells(drawn.joined(others, offset=cells), values), key)

    return distance, lambda: _as_map(read_cells(drawn, values), key), read_joint


def _as_map(readout: Tensor, key: Tensor) -> Tensor:
    """(B, K, Q, V) to (B, K, V, h, w)."""
    return readout.transpose(2, 3).unflatten(3, key.shape[-2:])


def _distance(query: Tensor, score: Tensor) -> Tensor:
    """Squared distance over sqrt(D) of queries (B, Q, D) to the cells with which they score so (B, Q)."""
    return (query.square().sum(dim=-1) / math.sqrt(query.shape[-1]) - score).clamp_min(0)


@torch.no_grad()
def nearest_distance(query: Tensor, keys: Tensor) -> Tensor:
    """Squared distance over sqrt(D) of each query cell to the nearest memory cell.

    Args:
        query: (B, Q, D), as it is.
        keys: (B, M, D + 1), embedded for ``"l2"`` (see `embed_keys`).

    Returns:
        (B, Q).

    Example::

        >>> import torch
        >>> from monai_i2v.memory import embed_keys
        >>> nearest_distance(torch.tensor([[[2.0]]]), embed_keys(torch.tensor([[[0.0], [3.0]]]))).item()
        1.0
    """
    with torch.autocast(query.device.type, enabled=False):
        query = query.float()
        embedded = embed_query(query)
        # A program would hold the number of parts of its example, and take no other size.
        parts = [embedded] if torch.compiler.is_exporting() else embedded.split(CHUNK, dim=1)
        near = torch.cat([torch.bmm(part, keys.transpose(1, 2)).amax(dim=-1) for part in parts], dim=1)
        return _distance(query, near)
