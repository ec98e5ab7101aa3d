# SPDX-License-Identifier: Apache-2.0
"""The label maps of a sample, with the values that its collection knows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.sample import Sample
from monai_i2v.data.collections.stored_masks import read_stored_masks
from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import MAX_LABELS
from monai_i2v.masks.palette import png_palette
from monai_i2v.masks.png_masks import MAX_INDEX, save_png_labels

__all__ = ["SampleMasks", "save_labels"]

PALETTE = png_palette(range(1, MAX_INDEX + 1))


@dataclass(frozen=True)
class SampleMasks:
    """Reads masks as a collection stores them.

    Args:
        collection: the collection.
        labels: values to keep; all that the collection has names for when empty.
    """

    collection: Collection
    labels: Sequence[int] = ()

    def read(self, sample: Sample, size: tuple[int, int]) -> Iterator[np.ndarray]:
        """Label maps (H, W) int32, one after the other.

        Args:
            sample: whose masks.
            size: (H, W) that they must have.

        Raises:
            UsageError: When one cannot be read, or has another size.
        """
        for path in sample.masks:
            for mask in read_stored_masks(path, self.collection.is_binary):
                if mask.shape != size:
                    raise UsageError(
                        f"the mask {path} is {mask.shape[1]} x {mask.shape[0]}, but its image is {size[1]} x {size[0]} "
                        "(width x height); expected the same size; get both again."
                    )
                yield self._keep(mask.astype(np.int32), path)

    def classes(self, labels: np.ndarray) -> list[int]:
        """Values of a label map that are large enough to be learned."""
        values, counts = np.unique(labels, return_counts=True)
        return [int(value) for value in values[counts >= self.collection.min_pixels] if value > 0]

    def _keep(self, mask: np.ndarray, path: Path) -> np.ndarray:
        """The wanted values; others become background."""
        if not self.collection.classes and len(np.unique(mask)) > MAX_LABELS:
            raise UsageError(
                f"the mask {path} has more than {MAX_LABELS} values; expected labels; if it is foreground and "
                "background in gray, say so (--binary)."
            )
        for wanted in (self.collection.classes, self.labels):
            if wanted:
                mask = np.where(np.isin(mask, list(wanted)), mask, 0)
        return mask


def save_labels(labels: np.ndarray, path: Path) -> None:
    """Save a label map as PNG, indexed where its values allow it; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_png_labels(path, labels, PALETTE if labels.max(initial=0) <= MAX_INDEX else None)
