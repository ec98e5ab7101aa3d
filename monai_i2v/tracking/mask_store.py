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

__all__ = ["MaskStore", "StoredMasks"]


class StoredMasks(NamedTuple):
    """Where masks lie."""

    offset: int
    length: int
    shape: tuple[int, ...]


class MaskStore:
    """A temporary file of probabilities, in steps of 1 / 255, compressed; it goes with the object.

    Example::

        >>> import torch
        >>> from monai_i2v.tracking.mask_store import MaskStore
        >>> store = MaskStore()
        >>> place = store.write(torch.full((1, 4, 4), 0.6))
        >>> store.read(place).shape, round(store.read(place).max().item(), 2)
        (torch.Size([1, 4, 4]), 0.6)
    """

    def __init__(self) -> None:
        self.file = ScratchFile()

    def write(self, prob: Tensor) -> StoredMasks:
        """Keep probabilities (K, h, w)."""
        steps = (255 * prob).round().to(torch.uint8).cpu().numpy()
        return self.write_packed(zlib.compress(steps.tobytes(), level=1), steps.shape)

    def write_packed(self, packed: bytes, shape: tuple[int, ...]) -> StoredMasks:
        """Keep what `packed` gave."""
        return StoredMasks(self.file.append(packed), len(packed), shape)

    def read(self, place: StoredMasks) -> Tensor:
        """Probabilities (K, h, w)."""
        values = np.frombuffer(zlib.decompress(self.packed(place)), np.uint8).reshape(place.shape)
        return torch.from_numpy(values.astype(np.float32)) / 255

    def packed(self, place: StoredMasks) -> bytes:
        """The same, compressed."""
        return self.file.read(place.offset, place.length)
