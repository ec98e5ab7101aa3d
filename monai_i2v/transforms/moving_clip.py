# SPDX-License-Identifier: Apache-2.0
"""Clips made from stills, longer ones: what is seen moves on from frame to frame, as in a video.

Axes: `T` frames, `H W` pixels, `P` poses.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.transforms.clip_motion import Motion, random_motion
from monai_i2v.transforms.synthetic_clip import SyntheticClipd

__all__ = ["MovingClipd", "MovingClipD", "MovingClipDict"]


class MovingClipd(SyntheticClipd):
    """`SyntheticClipd` whose frames lie on a way between a few random poses, instead of each being one of its own.

    Neighboring frames are then more alike than distant ones, which is what makes it worth while to remember recent
    frames. Half of the ways lead back to the first pose, as a heart beat does; light, colors and sharpness drift along.
    Further kinds of clips:

    Args:
        rest: share of clips that hardly move: a mistake in them is the network's own.
        approach: share of clips whose camera comes up to three times nearer.
        leave: share of clips in which the object leaves the view, and may come back.
        drift: strength of the drift of light, 0 for none; that of single frames is `light`.
        arguments: those of `SyntheticClipd`.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import MovingClipd
        >>> still = {"image": torch.rand(3, 90, 60), "label": torch.zeros(1, 90, 60)}
        >>> clip = MovingClipd(("image", "label"), frames=6, spatial_size=(64, 64)).set_random_state(0)(still)
        >>> tuple(clip["image"].shape)
        (3, 64, 64, 6)
    """

    def __init__(
        self,
        *arguments: object,
        rest: float = 0.25,
        approach: float = 0.25,
        leave: float = 0.1,
        drift: float = 0.0,
        **named: object,
    ) -> None:
        super().__init__(*arguments, **named)  # type: ignore[arg-type]
        self.rest, self.approach, self.leave, self.drift = rest, approach, leave, drift

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Make the clip."""
        d = super().__call__(data)
        if self.drift:
            image = self.keys[0]
            d[image] = self._drifting(d[image].permute(3, 0, 1, 2)).permute(1, 2, 3, 0).contiguous()
        return d

    def _random_places(self, motion: Motion, center: tuple[float, float]) -> Tensor:
        """Places (T, H, W, 2) of all frames; see `random_motion`."""
        if self.R.rand() < self.rest:
            motion = motion.times(0.15)
        poses = self.R.randint(2, 4)
        places = random_motion(motion, self.size, poses, center, self.R)  # (P, H, W, 2)
        middle = torch.tensor(center)
        if self.R.rand() < self.approach:
            nearer = float(np.exp(self.R.uniform(0, np.log(3.0))))
            zooms = torch.linspace(0, 1, poses) if self.R.rand() < 0.5 else torch.from_numpy(self.R.rand(poses)).float()
            zooms[0] = 0
            places = middle + (places - middle) / (nearer ** zooms.view(-1, 1, 1, 1))
        elif self.R.rand() < self.leave:
            angle = self.R.uniform(0, 2 * np.pi)
            away = 2.0 * torch.tensor([np.cos(angle), np.sin(angle)], dtype=torch.float32)
            places[1] = places[1] + away
        return self._along(places)

    def _drifting(self, clip: Tensor) -> Tensor:
        """A clip (T, C, X, Y) whose gain, contrast, colors, evenness and sharpness wander off and maybe come back."""
        poses = self.R.randint(2, 4)

        def way(*shape: int) -> Tensor:
            values = torch.from_numpy(self.R.uniform(-1, 1, (poses, *shape))).float()
            values[0] = 0
            return self.drift * self._along(values)

        lamp = F.interpolate(way(1, 3, 3), clip.shape[-2:], mode="bilinear", align_corners=True)
        gain = 1 + 0.3 * way(1, 1, 1) + 0.15 * way(clip.shape[1], 1, 1) + 0.35 * lamp
        blurred = F.avg_pool2d(clip, 5, stride=1, padding=2, count_include_pad=False)
        softness = way(1, 1, 1).clamp(0, 1)
        clip = (1 - softness) * clip + softness * blurred
        return (clip.clamp(1e-6, 1) ** torch.exp(0.5 * way(1, 1, 1)) * gain).clamp(0, 1)

    def _along(self, places: Tensor) -> Tensor:
        """Frames (T, ...) on the way through poses (P, ...), at an uneven pace."""
        if self.R.rand() < 0.5:
            places = torch.cat([places, places[:1]])
        pace = 0.2 + self.R.rand(self.frames - 1)
        times = np.concatenate([[0], np.cumsum(pace)]) / pace.sum() * (len(places) - 1)
        before = np.minimum(times.astype(int), len(places) - 2)
        share = torch.from_numpy(times - before).float().view(-1, *[1] * (places.dim() - 1))
        return (1 - share) * places[before] + share * places[before + 1]


MovingClipD = MovingClipDict = MovingClipd
