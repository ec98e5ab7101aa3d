# SPDX-License-Identifier: Apache-2.0
"""Random fall of light toward the border of an endoscope's picture.

Axes: `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from monai.data import get_track_meta
from monai.transforms import RandomizableTransform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.dictionary_form import NamedRandomForm
from monai_i2v.transforms.unit_frames import on_unit_frames

__all__ = ["RandVignette", "RandVignetted", "RandVignetteD", "RandVignetteDict"]


class RandVignette(RandomizableTransform):
    """Darken a picture with the square of the distance from a place near its middle; all frames alike.

    MONAI's `RandBiasField` makes light uneven without a center.

    Args:
        strength: smallest and largest share of the light that is lost half a diagonal away, in [0, 1].
        shift: the most by which the brightest place is off the middle, as a share of width and height.
        prob: share of the clips that change.

    Raises:
        UsageError: When the clip has negative values or other axes.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandVignette
        >>> vignette = RandVignette(strength=(0.5, 0.5), shift=0.0, prob=1.0)
        >>> picture = vignette(torch.ones(3, 101, 101))
        >>> round(float(picture[0, 50, 50]), 2), round(float(picture[0, 0, 100]), 2)
        (1.0, 0.51)
    """

    def __init__(self, strength: Sequence[float] = (0.2, 0.7), shift: float = 0.1, prob: float = 0.1) -> None:
        RandomizableTransform.__init__(self, prob)
        self.strengths, self.shift = (float(strength[0]), float(strength[1])), shift
        self.strength, self.middle = 0.0, (0.5, 0.5)  # of the last draw

    def randomize(self, data: Any = None) -> None:
        """Draw strength and place."""
        super().randomize(None)
        self.strength = self.R.uniform(*self.strengths)
        x, y = 0.5 + self.R.uniform(-self.shift, self.shift, 2)
        self.middle = float(x), float(y)

    def __call__(self, data: Tensor, randomize: bool = True) -> Tensor:
        """Darken a clip (C, X, Y, T) or a still (C, X, Y); its type and range stay."""
        if randomize:
            self.randomize(data)
        if not self._do_transform:
            return convert_to_tensor(data, track_meta=get_track_meta())
        width, height = data.shape[1:3]
        x = (torch.arange(width, device=data.device) + 0.5 - self.middle[0] * width)[:, None]
        y = torch.arange(height, device=data.device) + 0.5 - self.middle[1] * height
        loss = self.strength * (x.square() + y.square()) / ((width**2 + height**2) / 4)
        return on_unit_frames(data, lambda frames: frames * (1 - loss).clamp(min=0))


class RandVignetted(NamedRandomForm):
    """Dictionary form of `RandVignette`.

    Args:
        keys: images; label maps stay as they are.
        prob: as in `RandVignette`.
        allow_missing_keys: do not complain about keys that are absent.
        settings: further arguments of `RandVignette`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandVignetted
        >>> data = RandVignetted("image", prob=1.0).set_random_state(0)({"image": torch.ones(3, 9, 9)})
        >>> float(data["image"][0, 0, 0]) < float(data["image"][0, 4, 4])
        True
    """

    array_form = RandVignette


RandVignetteD = RandVignetteDict = RandVignetted
