# SPDX-License-Identifier: Apache-2.0
"""What there is to train in a method that has no weights of its own but the encoder's."""

from __future__ import annotations

from torch import nn

__all__ = ["make_projection"]


def make_projection(channels: int, width: int | None) -> nn.Module:
    """A 1x1 convolution from `channels` to `width`, for frozen encoders; features stay as they are with None."""
    return nn.Identity() if width is None else nn.Conv2d(channels, width, 1)
