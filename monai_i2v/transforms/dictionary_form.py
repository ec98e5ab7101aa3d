# SPDX-License-Identifier: Apache-2.0
"""What every dictionary form of a transform does: the same as the array form, key by key."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Protocol

from monai.config import KeysCollection
from monai.transforms import InvertibleTransform, MapTransform, Randomizable, RandomizableTransform
from numpy.random import RandomState
from torch import Tensor

__all__ = ["DictionaryForm", "InvertibleDictionaryForm", "NamedRandomForm", "RandomDictionaryForm"]


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


class _RandomTransform(Protocol):
    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> Randomizable: ...
    def randomize(self, data: Any) -> None: ...
    def __call__(self, data: Tensor, randomize: bool = True) -> Tensor: ...


class RandomDictionaryForm(RandomizableTransform, DictionaryForm):
    """The same for a random array transform: one draw, made for the first key, for all keys.

    Args:
        keys: entries to convert.
        transform: the array form; it draws in ``randomize(data)``, and with ``randomize=False`` applies the last draw.
        allow_missing_keys: do not complain about keys that are absent.

    Example::

        >>> import torch
        >>> from monai_i2v.transforms import RandColorCast
        >>> from monai_i2v.transforms.dictionary_form import RandomDictionaryForm
        >>> cast = RandomDictionaryForm(("a", "b"), RandColorCast(prob=1.0)).set_random_state(0)
        >>> data = cast({"a": torch.ones(3, 2, 2) / 2, "b": torch.ones(3, 2, 2) / 2})
        >>> bool((data["a"] == data["b"]).all()), bool((data["a"] == 0.5).all())
        (True, False)
    """

    transform: _RandomTransform

    def __init__(self, keys: KeysCollection, transform: _RandomTransform, allow_missing_keys: bool = False) -> None:
        RandomizableTransform.__init__(self, 1.0)
        DictionaryForm.__init__(self, keys, transform, allow_missing_keys)

    def set_random_state(self, seed: int | None = None, state: RandomState | None = None) -> RandomDictionaryForm:
        """Give the array form its source of random numbers."""
        self.transform.set_random_state(seed, state)
        return self

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Draw, and convert every key."""
        d = dict(data)
        for number, key in enumerate(self.key_iterator(d)):
            if number == 0:
                self.transform.randomize(d[key])
            d[key] = self.transform(d[key], randomize=False)
        return d


class NamedRandomForm(RandomDictionaryForm):
    """The dictionary form of the random array transform that a subclass names, with the same arguments.

    Args:
        keys: entries to convert.
        prob: share of the data that changes.
        allow_missing_keys: do not complain about keys that are absent.
        settings: further arguments of the array form.
    """

    array_form: Callable[..., _RandomTransform]

    def __init__(
        self, keys: KeysCollection, prob: float = 0.1, allow_missing_keys: bool = False, **settings: Any
    ) -> None:
        super().__init__(keys, type(self).array_form(prob=prob, **settings), allow_missing_keys)
