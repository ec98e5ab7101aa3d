# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch
from monai.transforms import Compose, Flip

from monai_i2v.transforms.dictionary_form import DictionaryForm, InvertibleDictionaryForm


def test_only_the_keys_are_converted_and_the_input_is_kept() -> None:
    data = {"a": torch.ones(1), "b": torch.ones(1)}
    result = DictionaryForm("a", torch.neg)(data)
    assert (result["a"].item(), result["b"].item(), data["a"].item()) == (-1, 1, 1)


def test_missing_key_is_an_error_unless_allowed() -> None:
    with pytest.raises(KeyError):
        DictionaryForm("c", torch.neg)({"a": 1})
    assert DictionaryForm("c", torch.neg, allow_missing_keys=True)({"a": 1}) == {"a": 1}


def test_compose_skips_what_cannot_be_inverted() -> None:
    pipeline = Compose([DictionaryForm("a", torch.neg), InvertibleDictionaryForm("a", Flip(spatial_axis=0))])
    data = {"a": torch.arange(3.0).reshape(1, 3, 1)}
    assert pipeline.inverse(pipeline(data))["a"].flatten().tolist() == [0, -1, -2]
