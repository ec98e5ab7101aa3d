# SPDX-License-Identifier: Apache-2.0
import math

import pytest

from monai_i2v.errors import UsageError
from monai_i2v.options import read_choice, read_number, read_numbers, read_whole_number

NO_NUMBERS = ["5", "abc", None, [], [5], (5,), {}, True, False, math.nan, math.inf, -math.inf, 10**12, -1]


@pytest.mark.parametrize("value", [*NO_NUMBERS, 0, 2.0, 2.5])
def test_what_is_no_whole_number_within_the_limits_is_refused(value):
    with pytest.raises(UsageError, match=r"^mem_every is .*, expected a whole number from 1 to 1000000; use 5\.$"):
        read_whole_number("mem_every", value, 1, use=5)


@pytest.mark.parametrize("value", [*NO_NUMBERS, 1.01])
def test_what_is_no_number_within_the_limits_is_refused(value):
    with pytest.raises(UsageError, match=r"^share is .*, expected a number from 0 to 1; use 0\.5\.$"):
        read_number("share", value, 0, 1, use=0.5)


@pytest.mark.parametrize("value", ["abc", 2, None, {}, [0.5], [2, "3"], [2, math.nan], [True]])
def test_what_is_no_list_of_numbers_within_the_limits_is_refused(value):
    with pytest.raises(UsageError, match=r"^crops is .*, expected a list of numbers from 1 to 10; use \[2\.0\]\.$"):
        read_numbers("crops", value, 1, 10, use=[2.0])


@pytest.mark.parametrize("value", ["c", "A", 1, None, ["a"], {}])
def test_what_is_none_of_the_choices_is_refused(value):
    with pytest.raises(UsageError, match=r"^kind is .*, expected one of a, b; use 'a'\.$"):
        read_choice("kind", value, ["a", "b"], use="a")


def test_limits_belong_to_the_numbers_and_none_may_mean_something():
    assert [read_whole_number("n", value, 1, 3, use=1) for value in (1, 3)] == [1, 3]
    assert [read_number("x", value, 0, 1, use=1) for value in (0, 1, 0.5)] == [0, 1, 0.5]
    assert read_numbers("l", [], 0, 1, use=[]) == ()
    assert read_whole_number("n", None, 1, use=1, none="for all") is None
    with pytest.raises(UsageError, match="expected a whole number from 1 to 3, or None for all; use 1"):
        read_whole_number("n", 0, 1, 3, use=1, none="for all")
