# SPDX-License-Identifier: Apache-2.0
"""Transforms between label maps and masks, for MONAI's layout.

Axes: `K` objects, `X Y T` as MONAI loads.
"""

from __future__ import annotations

from collections.abc import Sequence

from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.transforms import Transform
from monai.utils import convert_to_tensor
from torch import Tensor

from monai_i2v.transforms.dictionary_form import DictionaryForm
from monai_i2v.transforms.keep_meta import with_meta_of
from monai_i2v.transforms.label_masks import labels_to_masks, masks_to_labels, occurring_labels

__all__ = [
    "LabelToMasks",
    "LabelToMasksd",
    "LabelToMasksD",
    "LabelToMasksDict",
    "MasksToLabel",
    "MasksToLabeld",
    "MasksToLabelD",
    "MasksToLabelDict",
]

LABELS_KEY = "labels"  # where a MetaTensor of masks remembers the label value of each channel


class LabelToMasks(Transform):
    """Label map to one mask per object; the masks remember their label values in ``meta["labels"]``.

    Args:
        labels: as in `labels_to_masks`. Give them when an object may be missing from some label maps.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.label_to_masks import LabelToMasks
        >>> masks = LabelToMasks()(torch.tensor([[[0, 7, 2]]]))
        >>> masks.shape, masks.meta["labels"]
        (torch.Size([2, 1, 3]), [2, 7])
    """

    def __init__(self, labels: Sequence[int] | None = None) -> None:
        self.labels = labels

    def __call__(self, label_map: Tensor) -> Tensor:
        """Label map (1, X, Y) or (1, X, Y, T) to masks (K, X, Y) or (K, X, Y, T), float32."""
        if label_map.shape[0] != 1:
            raise ValueError(
                f"label map must have one channel, (1, X, Y) or (1, X, Y, T), got {tuple(label_map.shape)}; "
                "put the objects into one channel with one value each."
            )
        plain = convert_to_tensor(label_map, track_meta=False)[0]
        labels = occurring_labels(plain) if self.labels is None else list(self.labels)
        masks = labels_to_masks(plain.reshape(1, -1), labels)  # (K, 1, X * Y * T)
        masks = with_meta_of(label_map, masks.reshape(len(labels), *plain.shape))
        if isinstance(masks, MetaTensor):
            masks.meta[LABELS_KEY] = labels
        return masks


class MasksToLabel(Transform):
    """Probabilities of objects to one label map, as `masks_to_labels` does.

    Args:
        labels: label value of each channel; those that `LabelToMasks` stored in ``meta["labels"]`` when None.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.label_to_masks import LabelToMasks, MasksToLabel
        >>> MasksToLabel()(LabelToMasks()(torch.tensor([[[0, 7, 2]]]))).tolist()
        [[[0, 7, 2]]]
    """

    def __init__(self, labels: Sequence[int] | None = None) -> None:
        self.labels = labels

    def __call__(self, prob: Tensor) -> Tensor:
        """Probabilities (K, X, Y) or (K, X, Y, T) to a label map (1, X, Y) or (1, X, Y, T), int32."""
        labels = getattr(prob, "meta", {}).get(LABELS_KEY) if self.labels is None else self.labels
        if labels is None:
            raise ValueError(
                "the masks do not remember their label values (meta['labels'] is missing); give labels to "
                "MasksToLabel, or make the masks with LabelToMasks."
            )
        plain = convert_to_tensor(prob, track_meta=False)
        flat = plain.reshape(len(plain), 1, -1)  # (K, 1, X * Y * T)
        label_map = masks_to_labels(flat, [int(label) for label in labels])
        return with_meta_of(prob, label_map.reshape(1, *plain.shape[1:]))


class LabelToMasksd(DictionaryForm):
    """Dictionary form of `LabelToMasks`.

    Args:
        keys: label maps (1, X, Y) or (1, X, Y, T).
        labels: as in `LabelToMasks`.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.label_to_masks import LabelToMasksd
        >>> LabelToMasksd(keys="label")({"label": torch.ones(1, 4, 4)})["label"].shape
        torch.Size([1, 4, 4])
    """

    def __init__(
        self, keys: KeysCollection, labels: Sequence[int] | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, LabelToMasks(labels), allow_missing_keys)


class MasksToLabeld(DictionaryForm):
    """Dictionary form of `MasksToLabel`.

    Args:
        keys: probabilities (K, X, Y) or (K, X, Y, T).
        labels: as in `MasksToLabel`.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.label_to_masks import MasksToLabeld
        >>> MasksToLabeld(keys="pred", labels=[3])({"pred": torch.ones(1, 1, 2)})["pred"].tolist()
        [[[3, 3]]]
    """

    def __init__(
        self, keys: KeysCollection, labels: Sequence[int] | None = None, allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, MasksToLabel(labels), allow_missing_keys)


LabelToMasksD = LabelToMasksDict = LabelToMasksd
MasksToLabelD = MasksToLabelDict = MasksToLabeld
