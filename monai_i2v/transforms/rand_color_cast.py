# SPDX-License-Identifier: Apache-2.0
"""Random color of the lamp and the white balance of an endoscope.

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames.
"""

from __future__ import annotations

from typing import Any

import torch
from monai.data import get_track_meta
from monai.transforms import RandomizableTransform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.transforms.dictionary_form import NamedRandomForm
from monai_i2v.transforms.unit_frames import on_unit_frames

__all__ = ["RandColorCast", "RandColorCastd", "RandColorCastD", "RandColorCastDict"]

COLORS = 3


class RandColorCast(RandomizableTransform):
    """Multiply red, green and blue by random factors of mean 1; all frames alike.

    Args:
        strength: the largest logarithm of a factor, before their mean is made 1.
        prob: share of the clips that change.

    Raises:
        UsageError: When there are not three channels, or negative values.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandColorCast
        >>> cast = RandColorCast(strength=0.2, prob=1.0).set_random_state(0)
        >>> gray = cast(torch.full((3, 4, 4), 0.5))
        >>> round(float(gray.mean()), 3), float(gray[0].std()), float(gray.std()) > 0.01
        (0.5, 0.0, True)
    """

    def __init__(self, strength: float = 0.2, prob: float = 0.1) -> None:
        RandomizableTransform.__init__(self, prob)
        self.strength = strength
        self.factors = torch.ones(COLORS)  # of the last draw

    def randomize(self, data: Any = None) -> None:
        """Draw the factors."""
        super().randomize(None)
        factors = torch.from_numpy(self.R.uniform(-self.strength, self.strength, COLORS)).exp().float()
        self.factors = factors / factors.mean()

    def __call__(self, data: Tensor, randomize: bool = True) -> Tensor:
        """Change a clip (3, X, Y, T) or a still (3, X, Y); its type and range stay."""
        if len(data) != COLORS:
            raise UsageError(f"the clip has {len(data)} channels, expected red, green and blue; leave gray ones out.")
        if randomize:
            self.randomize(data)
        if not self._do_transform:
            return convert_to_tensor(data, track_meta=get_track_meta())
        return on_unit_frames(data, lambda frames: frames * self.factors.to(frames.device).view(-1, 1, 1))


class RandColorCastd(NamedRandomForm):
    """Dictionary form of `RandColorCast`.

    Args:
        keys: images; label maps stay as they are.
        prob: as in `RandColorCast`.
        allow_missing_keys: do not complain about keys that are absent.
        settings: further arguments of `RandColorCast`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandColorCastd
        >>> data = RandColorCastd("image", prob=1.0).set_random_state(0)({"image": torch.ones(3, 2, 2, 5) / 2})
        >>> len(data["image"].unique())
        3
    """

    array_form = RandColorCast


RandColorCastD = RandColorCastDict = RandColorCastd
