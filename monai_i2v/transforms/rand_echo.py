# SPDX-License-Identifier: Apache-2.0
"""What changes the strength of ultrasound echoes, under the logarithm through which they are shown.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from abc import abstractmethod
from math import log1p

import torch
from monai.data import get_track_meta
from monai.transforms import RandomizableTransform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.find_sector import find_sector
from monai_i2v.transforms.sector import Sector, sector_mask
from monai_i2v.transforms.unit_frames import on_unit_frames

__all__ = ["DYNAMIC_RANGE", "RandEcho", "decibels", "scale_echo"]

DYNAMIC_RANGE = 60.0  # dB from black to white, usual on screens


def decibels(level: Tensor) -> Tensor:
    """Amplitude factor of so many dB."""
    return 10 ** (level / 20)


def scale_echo(gray: Tensor, factor: Tensor, dynamic_range: float = DYNAMIC_RANGE) -> Tensor:
    """Multiply the amplitudes that gray levels stand for.

    Gray levels are taken to be log(1 + k a) / log(1 + k) of the amplitude a, with k the dynamic range: a logarithm that
    ends in 0 for no echo, so that black stays black.

    Args:
        gray: in [0, 1], of any shape.
        factor: 0 or more, of a shape that fits it.
        dynamic_range: dB from black to white.

    Returns:
        Gray levels, 0 or more; above 1 where the screen would be saturated.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.rand_echo import scale_echo
        >>> gray = scale_echo(torch.tensor([0.0, 0.5, 1.0]), torch.tensor(0.1))  # 20 of 60 dB less
        >>> [round(float(value), 2) for value in gray]
        [0.0, 0.2, 0.67]
    """
    scale = log1p(10 ** (dynamic_range / 20))
    return (gray * scale).expm1_().mul_(factor).log1p_().div_(scale)


class RandEcho(RandomizableTransform):
    """A random factor for the echoes of a sector; what is outside stays. Subclasses say which factor.

    Args:
        prob: share of the clips that change.
        sector: where the beams run; what `find_sector` finds in each clip if None.
        dynamic_range: dB from black to white.
    """

    def __init__(self, prob: float = 0.1, sector: Sector | None = None, dynamic_range: float = DYNAMIC_RANGE) -> None:
        RandomizableTransform.__init__(self, prob)
        self.sector, self.dynamic_range = sector, dynamic_range

    @abstractmethod
    def factor(self, sector: Sector, size: tuple[int, int, int]) -> Tensor:
        """Amplitude factors (T or 1, 1, X, Y) of the last draw for frames of a size (T, X, Y)."""

    def __call__(self, data: Tensor, randomize: bool = True) -> Tensor:
        """Change a clip (C, X, Y, T) or a still (C, X, Y); its type and range stay."""
        if randomize:
            self.randomize(data)
        if not self._do_transform:
            return convert_to_tensor(data, track_meta=get_track_meta())
        sector = self.sector or find_sector(data)

        def change(frames: Tensor) -> Tensor:
            size = frames.shape[-2:]
            factor = torch.where(sector_mask(sector, size), self.factor(sector, (len(frames), *size)), 1.0)
            factor = factor.to(frames.device)
            return scale_echo(frames, factor, self.dynamic_range)

        return on_unit_frames(data, change)
