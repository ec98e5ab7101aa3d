# SPDX-License-Identifier: Apache-2.0
import pytest

from monai_i2v.compute import select_device
from monai_i2v.errors import UsageError


def test_a_device_that_computes_nothing_is_refused():
    with pytest.raises(UsageError, match="device is 'meta', which computes nothing, expected a real one; use 'auto'"):
        select_device("meta")


@pytest.mark.parametrize("name", ["hpu", "", None, 1.5, "cuda:-1"])
def test_whatever_torch_says_of_a_name_is_one_sentence(name):
    with pytest.raises(UsageError, match="which this machine or this PyTorch does not have; use 'auto' or 'cpu'"):
        select_device(name)
