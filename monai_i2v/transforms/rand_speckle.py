# SPDX-License-Identifier: Apache-2.0
"""Random speckle of an ultrasound recording.

Axes: `B` beams, `S` samples along a beam, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.networks.layers import GaussianFilter
from torch import Tensor

from monai_i2v.transforms.beam_sampling import beams_to_picture
from monai_i2v.transforms.dictionary_form import NamedRandomForm
from monai_i2v.transforms.rand_echo import DYNAMIC_RANGE, RandEcho
from monai_i2v.transforms.sector import Sector

__all__ = ["RandSpeckle", "RandSpeckled", "RandSpeckleD", "RandSpeckleDict"]

TRUNCATED = 2.0  # standard deviations at which the point spread ends: 5 % are beyond


class RandSpeckle(RandEcho):
    """Multiply the echoes by fully developed speckle: the magnitude of filtered complex noise, of mean 1.

    Speckle is a Rayleigh distributed amplitude (Wagner et al., IEEE Trans. Sonics Ultrason. 30(3), 1983). It is drawn
    on the beams, where the probe's point spread is the same everywhere, and then scan-converted: so in a fan its grain
    lies across the beams and widens with depth.

    Args:
        strength: smallest and largest share of the factor that is speckle, in [0, 1]; the rest is 1.
        grain: standard deviations of the point spread across and along the beams, in pixels; across, that is at the
            greatest depth.
        correlation: of the noise between a frame and the next, in [0, 1]. 0 for other speckle in each frame, as of
            flowing blood or a moved probe; 1 for the same in all, as of tissue that stands still; between, it decays.
        prob: share of the clips that change.
        sector: where the beams run; what `find_sector` finds in each clip if None.
        dynamic_range: dB from black to white of the picture.

    Raises:
        UsageError: When no sector is found, or the clip has negative values.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandSpeckle, Rectangle
        >>> linear = Rectangle((-0.5, -0.5), (31.5, 63.5))
        >>> speckle = RandSpeckle(correlation=1.0, prob=1.0, sector=linear).set_random_state(0)
        >>> clip = speckle(torch.full((1, 32, 64, 3), 0.5))
        >>> float(clip.std()) > 0.02, bool((clip[..., 0] == clip[..., 2]).all())
        (True, True)
    """

    def __init__(
        self,
        strength: Sequence[float] = (0.2, 0.8),
        grain: Sequence[float] = (1.5, 0.7),
        correlation: float = 0.9,
        *,
        prob: float = 0.1,
        sector: Sector | None = None,
        dynamic_range: float = DYNAMIC_RANGE,
    ) -> None:
        super().__init__(prob, sector, dynamic_range)
        self.strengths, self.grain = (float(strength[0]), float(strength[1])), (float(grain[0]), float(grain[1]))
        self.correlation = correlation
        self.strength, self.seed = 0.0, 0  # of the last draw

    def randomize(self, data: Any = None) -> None:
        """Draw the strength, and a seed for the noise."""
        super().randomize(None)
        self.strength, self.seed = self.R.uniform(*self.strengths), int(self.R.randint(2**31))

    def factor(self, sector: Sector, size: tuple[int, int, int]) -> Tensor:
        """Amplitude factors (T, 1, X, Y)."""
        frames = 1 if self.correlation == 1 else size[0]
        generator = torch.Generator().manual_seed(self.seed)
        noise = torch.randn(frames, 2, *sector.size, generator=generator)  # real and imaginary, (T, 2, B, S)
        noise = GaussianFilter(2, self.grain, truncated=TRUNCATED)(self._correlated(noise))
        amplitude = noise.square().sum(dim=1).sqrt()  # (T, B, S)
        speckle = 1 + self.strength * (amplitude / amplitude.mean() - 1)
        picture = beams_to_picture(speckle, sector, size[1:])
        return picture[:, None]

    def _correlated(self, noise: Tensor) -> Tensor:
        """Frames (T, ...) of independent noise to frames of which each keeps part of the one before."""
        if not 0 < self.correlation < 1:
            return noise
        times = torch.arange(len(noise))
        kept = (self.correlation ** (times[:, None] - times).float()).tril()  # (T, T)
        kept[:, 1:] *= (1 - self.correlation**2) ** 0.5
        return torch.tensordot(kept, noise, dims=1)


class RandSpeckled(NamedRandomForm):
    """Dictionary form of `RandSpeckle`.

    Args:
        keys: images; label maps stay as they are.
        prob: as in `RandSpeckle`.
        allow_missing_keys: do not complain about keys that are absent.
        settings: further arguments of `RandSpeckle`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandSpeckled, Rectangle
        >>> speckle = RandSpeckled("image", prob=1.0, sector=Rectangle((-0.5, -0.5), (7.5, 7.5)))
        >>> float(speckle.set_random_state(0)({"image": torch.ones(1, 8, 8, 4) / 2})["image"].std()) > 0.01
        True
    """

    array_form = RandSpeckle


RandSpeckleD = RandSpeckleDict = RandSpeckled
