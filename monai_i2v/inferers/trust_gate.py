# SPDX-License-Identifier: Apache-2.0
"""An object may leave the view: what is not there has no mask.

Axes: `B` videos, `K` objects, `C` image channels, `H W` pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from monai_i2v.networks import sureness
from monai_i2v.propagation import MemoryNet

__all__ = ["GatedState", "TrustGate"]

# How fast the usual sureness of an object follows that of the present frame.
PACE = 0.1


@dataclass
class GatedState:
    """What a video has accumulated."""

    state: Any  # the network's
    present: Tensor  # (B, K), bool
    usual: Tensor  # (B, K), usual `sureness` of each object while it is present; 0 before its first mask


class TrustGate(nn.Module):
    """A memory network that knows when an object is out of view.

    A network that has lost an object finds something else, unsurely at first; remembered, it becomes sure of it. So an
    object whose mask is far less sure than usual is absent: its mask is empty until one is sure again, and a frame
    is not remembered when all objects are absent. The annotated frame always is in the memory, and an object that comes
    back is found by it. For inference only.

    Args:
        network: a `MemoryNet`; it is used as it is.
        leaves_below: share of its usual `sureness` below which a present object is absent.
        returns_above: share from which an absent object is present.

    Raises:
        ValueError: When an object would return less sure than it leaves.

    Example::

        >>> import torch
        >>> from monai_i2v.inferers import TrustGate
        >>> from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
        >>> from monai_i2v.propagation import propagate
        >>> net = TemporalContrastiveMemoryNet(
        ...     MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(64), value_channels=128, widths=(128, 64, 32)
        ... ).eval()
        >>> masks = torch.zeros(1, 1, 64, 64)
        >>> masks[..., :32] = 1
        >>> len(list(propagate(TrustGate(net), torch.rand(6, 1, 3, 64, 64), masks)))
        6
    """

    def __init__(self, network: MemoryNet[Any], *, leaves_below: float = 0.4, returns_above: float = 0.6) -> None:
        super().__init__()
        if returns_above < leaves_below:
            raise ValueError(
                f"returns_above is {returns_above}, but leaves_below {leaves_below}; an object must be at least as "
                "sure to return as it was when it left."
            )
        self.network = network
        self.leaves_below, self.returns_above = leaves_below, returns_above

    @torch.no_grad()
    def start(self, frame: Tensor, masks: Tensor) -> GatedState:
        """See `VideoSegmenter.start`."""
        present = masks.amax(dim=(-2, -1)) > 0
        return GatedState(self.network.start(frame, masks), present, usual=torch.zeros_like(present, dtype=masks.dtype))

    @torch.no_grad()
    def step(self, frame: Tensor, state: GatedState) -> tuple[Tensor, GatedState]:
        """See `VideoSegmenter.step`."""
        features = self.network.encode_frame(frame)
        prob, state.state = self.network.step_from(features, state.state, remember=False)
        sure = sureness(prob).to(state.usual)
        state.usual = torch.where(state.usual > 0, state.usual, sure)
        least = torch.where(state.present, self.leaves_below, self.returns_above)
        state.present = (sure > 0) & (sure >= least * state.usual)
        state.usual = torch.where(state.present, state.usual + PACE * (sure - state.usual), state.usual)
        prob = prob * state.present[..., None, None].to(prob)
        if state.present.any() and self.network.is_turn(state.state, prob):
            self.network.remember(features, prob, state.state)
        return prob, state
