# SPDX-License-Identifier: Apache-2.0
"""Random gain of an ultrasound scanner, overall and per depth.

Axes: `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from monai_i2v.transforms.dictionary_form import NamedRandomForm
from monai_i2v.transforms.rand_echo import DYNAMIC_RANGE, RandEcho, decibels
from monai_i2v.transforms.sector import Sector, beams_of_pixels

__all__ = ["RandGainCompensation", "RandGainCompensationd", "RandGainCompensationD", "RandGainCompensationDict"]

SLIDERS = 8  # of the time-gain compensation, as on most consoles


class RandGainCompensation(RandEcho):
    """Turn the gain and move the sliders of the time-gain compensation, as someone else at the console would have.

    A slider belongs to a depth; between two of them the gain is interpolated, in dB. All frames get the same.

    Args:
        gain: dB, the most by which the overall gain differs, evenly drawn in both directions.
        slider: dB, the same for each slider.
        prob: share of the clips that change.
        sector: where the beams run; what `find_sector` finds in each clip if None.
        dynamic_range: dB from black to white of the picture.

    Raises:
        UsageError: When no sector is found, or the clip has negative values.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandGainCompensation, Rectangle
        >>> linear = Rectangle((-0.5, -0.5), (31.5, 63.5))
        >>> louder = RandGainCompensation(gain=10, slider=0, prob=1.0, sector=linear).set_random_state(0)
        >>> round(float(louder(torch.full((1, 32, 64), 0.5)).mean()), 3)  # by 4.3 of 60 dB
        0.57
    """

    def __init__(
        self,
        gain: float = 6.0,
        slider: float = 4.0,
        *,
        prob: float = 0.1,
        sector: Sector | None = None,
        dynamic_range: float = DYNAMIC_RANGE,
    ) -> None:
        super().__init__(prob, sector, dynamic_range)
        self.gain, self.slider = gain, slider
        self.levels = torch.zeros(SLIDERS)  # dB, of the last draw

    def randomize(self, data: Any = None) -> None:
        """Draw the gain at each slider."""
        super().randomize(None)
        drawn = self.R.uniform(-self.gain, self.gain) + self.R.uniform(-self.slider, self.slider, SLIDERS)
        self.levels = torch.from_numpy(drawn).float()

    def factor(self, sector: Sector, size: tuple[int, int, int]) -> Tensor:
        """Amplitude factors (1, 1, X, Y)."""
        depth = beams_of_pixels(sector, size[1:])[1].clamp(0, 1) * (SLIDERS - 1)
        upper = depth.long().clamp(max=SLIDERS - 2)
        level = torch.lerp(self.levels[upper], self.levels[upper + 1], depth - upper)
        return decibels(level)[None, None]


class RandGainCompensationd(NamedRandomForm):
    """Dictionary form of `RandGainCompensation`.

    Args:
        keys: images; label maps stay as they are.
        prob: as in `RandGainCompensation`.
        allow_missing_keys: do not complain about keys that are absent.
        settings: further arguments of `RandGainCompensation`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandGainCompensationd, Rectangle
        >>> gain = RandGainCompensationd("image", prob=1.0, sector=Rectangle((-0.5, -0.5), (7.5, 7.5)))
        >>> gain.set_random_state(0)({"image": torch.rand(1, 8, 8, 4)})["image"].shape
        torch.Size([1, 8, 8, 4])
    """

    array_form = RandGainCompensation


RandGainCompensationD = RandGainCompensationDict = RandGainCompensationd
