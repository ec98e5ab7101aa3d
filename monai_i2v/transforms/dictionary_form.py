# SPDX-License-Identifier: Apache-2.0
"""What every dictionary form of a transform does: the same as the array form, key by key."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform
from torch import Tensor

__all__ = ["DictionaryForm", "InvertibleDictionaryForm"]


class DictionaryForm(MapTransform):
    """Applies an array transform to each key. Subclasses only say which one.

    Args:
        keys: entries to convert.
        transform: the array form.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms.dictionary_form import DictionaryForm
        >>> DictionaryForm("image", torch.neg)({"image": torch.ones(1), "name": "a"})
        {'image': tensor([-1.]), 'name': 'a'}
    """

    def __init__(
        self, keys: KeysCollection, transform: Callable[[Tensor], Tensor], allow_missing_keys: bool = False
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.transform = transform

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Convert every key."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform(d[key])
        return d


class InvertibleDictionaryForm(DictionaryForm, InvertibleTransform):
    """The same for an array transform that MONAI can invert.

    Args:
        keys: entries to convert.
        transform: the array form.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai.transforms import Flip
        >>> from monai_i2v.transforms.dictionary_form import InvertibleDictionaryForm
        >>> flip = InvertibleDictionaryForm("image", Flip(spatial_axis=0))
        >>> flip.inverse(flip({"image": torch.arange(3.0).reshape(1, 3, 1)}))["image"].flatten().tolist()
        [0.0, 1.0, 2.0]
    """

    transform: InvertibleTransform

    def __init__(self, keys: KeysCollection, transform: InvertibleTransform, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, transform, allow_missing_keys)

    def inverse(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Undo it for every key."""
        d = dict(data)
        for key in self.key_iterator(d):
            d[key] = self.transform.inverse(d[key])
        return d
