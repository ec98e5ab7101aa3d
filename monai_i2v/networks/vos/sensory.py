# SPDX-License-Identifier: Apache-2.0
"""The sensory memory: a small recurrent map per object, renewed at every frame (XMem, 3.4).

Axes: `B` videos, `K` objects, `S` sensory channels, `V` value channels, `F` feature channels, `h w` features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["RecurrentCell", "Sensory"]


class RecurrentCell(nn.Module):
    """A gated recurrent cell: forget, update, and what is new, from one convolution over input and state.

    Args:
        in_channels: channels of the input.
        channels: `S`.

    Example::

        >>> import torch
        >>> from monai_i2v.networks.vos.sensory import RecurrentCell
        >>> cell = RecurrentCell(4, 2)
        >>> _ = nn.init.zeros_(cell.gates.weight), nn.init.zeros_(cell.gates.bias)
        >>> cell(torch.rand(1, 4, 1, 1), torch.ones(1, 2, 1, 1)).flatten().tolist()  # half forgotten, half updated
        [0.25, 0.25]
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.gates = nn.Conv2d(in_channels + channels, 3 * channels, 3, padding=1)

    def forward(self, x: Tensor, state: Tensor) -> Tensor:
        """Input (B, F, h, w) and state (B, S, h, w) to the new state (B, S, h, w)."""
        forget, update, new = self.gates(torch.cat([x, state.to(x.dtype)], dim=1)).chunk(3, dim=1)
        update = update.sigmoid()
        return forget.sigmoid() * state * (1 - update) + update * new.tanh()


class Sensory(nn.Module):
    """Both ways in which the map is renewed: from the decoder, and from the value of a frame that is remembered.

    Args:
        channels: `S`.
        widths: channels of the decoder at strides 16, 8 and 4.
        value_channels: `V`.
    """

    def __init__(self, channels: int, widths: Sequence[int], value_channels: int) -> None:
        super().__init__()
        self.channels, self.inner = channels, widths[0]
        stages = zip((16, 8, 4), (widths[0], widths[1], widths[2] + 1), strict=True)  # the logit joins stride 4
        self.narrow = nn.ModuleDict({str(stage): nn.Conv2d(width, self.inner, 1) for stage, width in stages})
        self.from_decoder, self.from_value = (
            RecurrentCell(self.inner, channels),
            RecurrentCell(value_channels, channels),
        )

    def after_frame(self, decoded: Mapping[int, Tensor], logits: Tensor, state: Tensor) -> Tensor:
        """Renew (B, K, S, h, w) by the decoder's features (B * K, F, h, w) and logits (B * K, 1, h, w) at stride 4."""
        h, w = state.shape[-2:]
        inputs = {**decoded, 4: torch.cat([decoded[4], logits], dim=1)}
        parts = [F.interpolate(conv(inputs[int(stage)]), (h, w), mode="area") for stage, conv in self.narrow.items()]
        new: Tensor = self.from_decoder(parts[0] + parts[1] + parts[2], state.flatten(0, 1))
        return new.unflatten(0, state.shape[:2])

    def after_value(self, value: Tensor, state: Tensor) -> Tensor:
        """Renew (B, K, S, h, w) by what a frame is remembered as, (B, K, V, h, w)."""
        new: Tensor = self.from_value(value.flatten(0, 1), state.flatten(0, 1))
        return new.unflatten(0, state.shape[:2])
