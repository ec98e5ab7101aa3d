# SPDX-License-Identifier: Apache-2.0
"""Random shadow of bone or gas in an ultrasound recording.

Axes: `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from monai_i2v.transforms.dictionary_form import NamedRandomForm
from monai_i2v.transforms.rand_echo import DYNAMIC_RANGE, RandEcho, decibels
from monai_i2v.transforms.sector import Sector, beams_of_pixels

__all__ = ["RandAcousticShadow", "RandAcousticShadowd", "RandAcousticShadowD", "RandAcousticShadowDict"]

PENUMBRA = 0.2  # share of a shadow's width over which it begins on each side
ONSET = 0.02  # share of the depth over which it begins


class RandAcousticShadow(RandEcho):
    """Darken some neighboring beams from some depth on: a fan from the probe, or a strip of a linear array.

    All frames get the same shadow. Label maps stay: a reader draws an organ through its shadow.

    Args:
        width: smallest and largest width, as a share of the sector's.
        start: smallest and largest depth at which it begins, as a share of the sector's.
        attenuation: smallest and largest loss, dB.
        prob: share of the clips that get a shadow.
        sector: where the beams run; what `find_sector` finds in each clip if None.
        dynamic_range: dB from black to white of the picture.

    Raises:
        UsageError: When no sector is found, or the clip has negative values.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandAcousticShadow, Rectangle
        >>> linear = Rectangle((-0.5, -0.5), (31.5, 63.5))
        >>> shadow = RandAcousticShadow(width=(0.5, 0.5), attenuation=(60, 60), prob=1.0, sector=linear)
        >>> dark = shadow.set_random_state(0)(torch.ones(1, 32, 64)) < 0.2
        >>> int(dark[0, :, -1].sum()), int(dark[0, :, 0].sum())
        (10, 0)
    """

    def __init__(
        self,
        width: Sequence[float] = (0.05, 0.3),
        start: Sequence[float] = (0.05, 0.5),
        attenuation: Sequence[float] = (10.0, 40.0),
        *,
        prob: float = 0.1,
        sector: Sector | None = None,
        dynamic_range: float = DYNAMIC_RANGE,
    ) -> None:
        super().__init__(prob, sector, dynamic_range)
        self.ranges = tuple((float(low), float(high)) for low, high in (width, start, attenuation))
        self.middle = self.width = self.start = self.attenuation = 0.0  # of the last draw

    def randomize(self, data: Any = None) -> None:
        """Draw where the shadow is and how dark."""
        super().randomize(None)
        self.middle = self.R.uniform(0, 1)
        self.width, self.start, self.attenuation = (self.R.uniform(*limits) for limits in self.ranges)

    def factor(self, sector: Sector, size: tuple[int, int, int]) -> Tensor:
        """Amplitude factors (1, 1, X, Y)."""
        beam, depth = beams_of_pixels(sector, size[1:])
        inside = self.width / 2 - (beam - self.middle).abs()
        across = (inside / (PENUMBRA * self.width)).clamp(0, 1)
        down = ((depth - self.start) / ONSET).clamp(0, 1)
        level = -self.attenuation * across * down
        return decibels(level)[None, None]


class RandAcousticShadowd(NamedRandomForm):
    """Dictionary form of `RandAcousticShadow`.

    Args:
        keys: images; label maps stay as they are.
        prob: as in `RandAcousticShadow`.
        allow_missing_keys: do not complain about keys that are absent.
        settings: further arguments of `RandAcousticShadow`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandAcousticShadowd, Rectangle
        >>> shadow = RandAcousticShadowd("image", prob=1.0, sector=Rectangle((-0.5, -0.5), (7.5, 7.5)))
        >>> float(shadow.set_random_state(0)({"image": torch.ones(1, 8, 8, 4)})["image"].mean()) < 1
        True
    """

    array_form = RandAcousticShadow


RandAcousticShadowD = RandAcousticShadowDict = RandAcousticShadowd
