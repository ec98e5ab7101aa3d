# SPDX-License-Identifier: Apache-2.0
"""Clips made from stills: what the memory network learns motion from (STM 3.3, STCN 4.1, TCMN 4.2).

Axes: `C` image channels, `X Y` pixels as MONAI loads them, `T` frames, `H W` = Y, X.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import MapTransform, RandomizableTransform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.clip_light import relight
from monai_i2v.transforms.clip_motion import Motion, random_motion

__all__ = ["SyntheticClipd", "SyntheticClipD", "SyntheticClipDict"]

DEFAULT_MOTION = Motion()


class SyntheticClipd(RandomizableTransform, MapTransform):
    """A still becomes a clip; a real clip gets the same treatment on top of its own motion.

    Per clip: a square window around a random object, at a random zoom, maybe flipped; colors. Per
    frame: rotation, scale, shear, shift, a smooth deformation, growth and shift of the object against its
    surroundings; light; maybe something that hides part of the object. All frames of a clip share one strength of
    motion, from nearly none to one and a half of `motion`. Image and label are sampled once, at the same places.

    Args:
        keys: the image first, then label maps; (C, X, Y), or (C, X, Y, T) with the right number of frames.
        frames: T.
        spatial_size: X, Y of the clip; what is no square stretches the window.
        zoom: smallest and largest zoom; at 1 the window is as large as the image's short side.
        motion: how far frames differ.
        light: strength of the change of colors and light, 0 for none.
        hide: share of clips in which something covers part of the object in the later frames.
        allow_missing_keys: do not complain about keys that are absent.

    Returns:
        Image (C, X, Y, T) in [0, 1] and label maps (1, X, Y, T), without metadata: they are no longer where they were.

    Raises:
        ValueError: When a clip has another number of frames.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import SyntheticClipd
        >>> still = {"image": torch.rand(3, 90, 60), "label": torch.zeros(1, 90, 60)}
        >>> still["label"][:, 20:50, 10:40] = 7
        >>> clip = SyntheticClipd(("image", "label"), spatial_size=(64, 64)).set_random_state(0)(still)
        >>> tuple(clip["image"].shape), clip["label"].unique().tolist()
        ((3, 64, 64, 3), [0.0, 7.0])
    """

    def __init__(
        self,
        keys: KeysCollection,
        frames: int = 3,
        spatial_size: Sequence[int] = (256, 256),
        *,
        zoom: Sequence[float] = (0.8, 1.6),
        motion: Motion | Mapping[str, float] = DEFAULT_MOTION,
        light: float = 1.0,
        hide: float = 0.2,
        allow_missing_keys: bool = False,
    ) -> None:
        MapTransform.__init__(self, keys, allow_missing_keys)
        RandomizableTransform.__init__(self, 1.0)
        self.frames, self.size = frames, (int(spatial_size[1]), int(spatial_size[0]))
        self.zoom, self.light, self.hide = (float(zoom[0]), float(zoom[1])), light, hide
        self.motion = motion if isinstance(motion, Motion) else Motion(**motion)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Make the clip."""
        d = dict(data)
        clips = {key: self._as_frames(d[key]) for key in self.key_iterator(d)}
        image, *labels = clips
        places = self._draw(clips[labels[0]] if labels else torch.ones_like(clips[image][:, :1]))
        for key, clip in clips.items():
            mode = "bilinear" if key == image else "nearest"
            clips[key] = F.grid_sample(clip, places, mode=mode, padding_mode="zeros", align_corners=False)
        if self.R.rand() < self.hide:
            clips = self._cover(clips, image)
        clips[image] = relight(clips[image], self.light, self.R)
        return {**d, **{key: clip.permute(1, 3, 2, 0).contiguous() for key, clip in clips.items()}}

    def _as_frames(self, data: Tensor) -> Tensor:
        """(C, X, Y) or (C, X, Y, T) to (T, C, H, W), without metadata."""
        plain = convert_to_tensor(data, track_meta=False) if isinstance(data, MetaTensor) else torch.as_tensor(data)
        if plain.ndim == 3:
            return plain.float().transpose(1, 2).expand(self.frames, -1, -1, -1)
        if plain.shape[-1] != self.frames:
            raise ValueError(f"the clip has {plain.shape[-1]} frames, expected {self.frames}; pick them before.")
        return plain.float().permute(3, 0, 2, 1)

    def _draw(self, label: Tensor) -> Tensor:
        """Places (T, H, W, 2) of all pixels, in `grid_sample`'s coordinates of the source."""
        height, width = label.shape[-2:]
        source = torch.tensor([width, height], dtype=torch.float32)
        radius = min(height, width) / 2 / np.exp(self.R.uniform(*np.log(self.zoom)))
        target = self._object_center(label)
        center = target + radius * torch.from_numpy(self.R.uniform(-0.5, 0.5, 2)).float()
        margin = torch.minimum(source / 2, torch.tensor(radius))
        center = torch.maximum(torch.minimum(center, source - margin), margin)
        mirror = torch.tensor([-1.0 if self.R.rand() < 0.5 else 1.0, -1.0 if self.R.rand() < 0.25 else 1.0])
        x, y = ((target - center) / radius * mirror).clamp(-0.8, 0.8).tolist()
        motion = self.motion.times(self.R.uniform(0.1, 1.5))
        places = random_motion(motion, self.size, self.frames, (x, y), self.R)
        return 2 * (center + radius * mirror * places) / source - 1

    def _object_center(self, label: Tensor) -> Tensor:
        """Place (x, y) in pixels of a random pixel of a random object of the first frame."""
        labels = [value for value in label[0].unique().tolist() if value != 0]
        if not labels:
            return torch.tensor([label.shape[-1] / 2, label.shape[-2] / 2])
        inside = (label[0, 0] == labels[self.R.randint(len(labels))]).nonzero()
        row, column = inside[self.R.randint(len(inside))].tolist()
        return torch.tensor([column + 0.5, row + 0.5])

    def _cover(self, clips: dict[Hashable, Tensor], image: Hashable) -> dict[Hashable, Tensor]:
        """Lay an ellipse with another part of the image over the later frames, or over the middle one."""
        height, width = self.size
        y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
        covered = []
        shift = tuple(int(self.R.uniform(0.25, 0.75) * length) for length in self.size)
        last = 2 if self.R.rand() < 0.5 else self.frames
        for frame in range(self.frames):
            middle, half = self.R.uniform(-0.6, 0.6, 2), self.R.uniform(0.1, 0.4, 2)
            ellipse = ((x - middle[0]) / half[0]) ** 2 + ((y - middle[1]) / half[1]) ** 2 < 1
            covered.append(ellipse & torch.tensor(1 <= frame < last))
        cover = torch.stack(covered).unsqueeze(1)  # (T, 1, H, W)
        return {
            key: torch.where(cover, clip.roll(shift, dims=(-2, -1)) if key == image else torch.zeros(()), clip)
            for key, clip in clips.items()
        }


SyntheticClipD = SyntheticClipDict = SyntheticClipd
