# SPDX-License-Identifier: Apache-2.0
"""Clips of hearts that beat, made from pairs of end-diastolic and end-systolic stills of patients held out of training.

What is between the two is a morph: a deformable registration leads half of the way from either side, and the pictures
are cross-faded. Masks are known at both ends of each beat, in the second beat too, where what has drifted shows. This
is no cine; it is for choosing, as real cine slices at hand are of two patients only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
import torch
import torch.nn.functional as F
from clips import Clip
from PIL import Image
from torch import Tensor
from training_clips import find_pairs

__all__ = ["find_hearts"]

SYSTOLE, DIASTOLE = 8, 20  # frames
LENGTH = SYSTOLE + DIASTOLE + 1
NOISE = 0.015


def find_hearts(images: Path, patients: Sequence[str], *, every: int = 3) -> list[Clip]:
    """Clips ``heart_<still>`` of every so many slices of some patients.

    Args:
        images: folder of ``cardiac_mri/{images,masks}``.
        patients: starts of file names.
        every: take one slice of so many.
    """
    folder = images / "cardiac_mri"
    pairs = [pair for name in patients for pair in find_pairs(sorted((folder / "masks").glob("*.png")), name)]
    return [_clip_of(folder, pair) for pair in pairs[::every]]


def _clip_of(folder: Path, masks: Sequence[Path]) -> Clip:
    """End systole comes first by number, and its ventricle is the smaller one."""
    labels = [np.asarray(Image.open(path)) for path in masks]
    order = sorted((0, 1), key=lambda index: -int((labels[index] > 0).sum()))
    stills = [_still(folder / "images" / f"{masks[index].stem}.jpg") for index in order]
    truth = {0: labels[order[0]], SYSTOLE: labels[order[1]]}
    truth |= {DIASTOLE: truth[0], DIASTOLE + SYSTOLE: truth[SYSTOLE]}
    return Clip(f"heart_{masks[0].stem}", morph(*stills, seed=0), truth.get)


def _still(path: Path) -> Tensor:
    picture = np.asarray(Image.open(path).convert("RGB"), np.float32)
    return torch.from_numpy(picture).permute(2, 0, 1) / 255


def morph(first: Tensor, second: Tensor, *, seed: int) -> list[Tensor]:
    """Frames (3, H, W) of a beat and a half between two pictures (3, H, W)."""
    way = _displacements(
        first.mean(0).numpy(), second.mean(0).numpy()
    )  # (H, W, 2): second(x) looks like first(x + way)
    noise = torch.Generator().manual_seed(seed)
    frames = []
    for index in range(LENGTH):
        phase = index % DIASTOLE
        rising = phase <= SYSTOLE
        angle = np.pi * (phase / SYSTOLE if rising else 1 + (phase - SYSTOLE) / (DIASTOLE - SYSTOLE))
        share = 0.5 * (1 - float(np.cos(angle)))
        frame = (1 - share) * _warp(first, share * way) + share * _warp(second, (share - 1) * way)
        frames.append((frame + NOISE * torch.randn(frame.shape, generator=noise)).clamp(0, 1))
    return frames


def _displacements(first: np.ndarray, second: np.ndarray) -> Tensor:
    demons = sitk.DiffeomorphicDemonsRegistrationFilter()
    demons.SetNumberOfIterations(60)
    demons.SetStandardDeviations(2.0)
    fixed, moving = (sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(x * 255), 1.5) for x in (second, first))
    moving = sitk.HistogramMatching(moving, fixed, 256, 10, True)
    return torch.from_numpy(sitk.GetArrayFromImage(demons.Execute(fixed, moving))).float()


def _warp(picture: Tensor, way: Tensor) -> Tensor:
    height, width = picture.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack([x, y], dim=-1) + way
    places = (2 * places + 1) / torch.tensor([width, height]) - 1
    return F.grid_sample(picture[None], places[None], padding_mode="border", align_corners=False)[0]
