# SPDX-License-Identifier: Apache-2.0
"""Clips of the phantom in MONAI's layout."""

from __future__ import annotations

from functools import cache

import torch
from monai.data import MetaTensor
from torch import Tensor

from monai_i2v.phantoms import Phantom

AFFINE = torch.tensor([[0.5, 0, 0, 3], [0, 0.5, 0, 4], [0, 0, 0.04, 1], [0, 0, 0, 1]], dtype=torch.float64)


@cache
def _frames(look: str, size: tuple[int, int], length: int, seed: int) -> tuple[Tensor, Tensor]:
    phantom = Phantom(look, length=length, size=size, objects=2, seed=seed, occlusion=True)
    labels = torch.stack([torch.from_numpy(phantom.label_map(index)) for index in range(length)])
    return torch.stack(list(phantom)).permute(1, 3, 2, 0).contiguous(), labels.permute(2, 1, 0)[None].contiguous()


def phantom_clip(
    look: str = "ultrasound", size: tuple[int, int] = (96, 128), length: int = 8, seed: int = 0
) -> dict[str, MetaTensor]:
    """Image (3, X, Y, T) in [0, 1] and label map (1, X, Y, T), uint8, of a phantom of (height, width)."""
    image, label = _frames(look, size, length, seed)
    return {"image": MetaTensor(image.clone(), affine=AFFINE), "label": MetaTensor(label.clone(), affine=AFFINE)}


def framed(clip: MetaTensor, left: int = 20, top: int = 10) -> MetaTensor:
    """The clip (3, X, Y, T) on a larger screen, with letters that do not change and a ruler."""
    width, height = clip.shape[1:3]
    screen = torch.zeros(3, width + left + 30, height + top + 25, clip.shape[-1])
    screen[:, left : left + width, top : top + height] = clip.as_tensor()
    screen[:, 2:16:3, 2:9] = 0.9  # letters
    screen[:, -25:-2:4, 3:11] = 0.8
    screen[:, -4, 5:-5:6] = 1.0
    return MetaTensor(screen, affine=clip.affine)
