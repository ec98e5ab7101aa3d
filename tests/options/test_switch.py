# SPDX-License-Identifier: Apache-2.0
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.options import read_switch


@pytest.mark.parametrize(
    ("value", "meant"), [(True, True), (False, False), ("true", True), ("True", True), ("false", False)]
)
def test_truth_values_and_their_words_are_taken(value, meant):
    assert read_switch("crop", value) is meant


@pytest.mark.parametrize("value", [1, 0, None, "yes", ""])
def test_anything_else_is_answered_with_the_choices(value):
    with pytest.raises(UsageError, match=rf"crop is {value!r}, expected true or false; use one of these\."):
        read_switch("crop", value)
