# SPDX-License-Identifier: Apache-2.0
"""Masks of many frames, on disk: memory does not grow with the video.

Axes: `K` objects, `h w` pixels of the network.
"""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from monai_i2v.files.scratch_file import ScratchFile

__all__ = ["MaskStore", "StoredMasks", "in_steps"]

# Probabilities are kept in so many steps: a pixel of a label map changes only where two objects are equally likely.
STEPS = 65_535


class StoredMasks(NamedTuple):
    """Where masks lie."""

    offset: int
    length: int
    shape: tuple[int, ...]


class MaskStore:
    """A temporary file of probabilities, in steps of 1 / `STEPS`, compressed; it goes with the object.

    Example::

        >>> import torch
        >>> from monai_i2v.tracking.mask_store import MaskStore
        >>> store = MaskStore()
        >>> place = store.write(torch.full((1, 4, 4), 0.6))
        >>> store.read(place).shape, round(store.read(place).max().item(), 4)
        (torch.Size([1, 4, 4]), 0.6)
    """

    def __init__(self) -> None:
        self.file = ScratchFile()

    def write(self, prob: Tensor) -> StoredMasks:
        """Keep probabilities (K, h, w)."""
        steps = (STEPS * prob.detach().float()).round().cpu().numpy().astype("<u2")
        # High and low bytes apart: the high ones are alike for whole regions.
        planes = steps.view(np.uint8).reshape(-1, 2).T.tobytes()
        return self.write_packed(zlib.compress(planes, level=1), steps.shape)

    def write_packed(self, packed: bytes, shape: tuple[int, ...]) -> StoredMasks:
        """Keep what `packed` gave."""
        return StoredMasks(self.file.append(packed), len(packed), shape)

    def read(self, place: StoredMasks) -> Tensor:
        """Probabilities (K, h, w)."""
        planes = np.frombuffer(zlib.decompress(self.packed(place)), np.uint8).reshape(2, -1)
        steps = np.ascontiguousarray(planes.T).view("<u2").reshape(place.shape)
        return torch.from_numpy(steps.astype(np.float32)) / STEPS

    def packed(self, place: StoredMasks) -> bytes:
        """The same, compressed."""
        return self.file.read(place.offset, place.length)


def in_steps(prob: Tensor) -> Tensor:
    """Probabilities as a `MaskStore` gives them back: what is kept and what is not is the same to the last bit."""
    return (STEPS * prob.float()).round() / STEPS
