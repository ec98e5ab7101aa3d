# SPDX-License-Identifier: Apache-2.0
"""What several processes really do is tested in `tests/bundles/test_torchrun.py`."""

import torch.distributed as dist

from monai_i2v.compute import fair_shares, join_processes, share_cases
from monai_i2v.data import VideoCase


def test_shares_are_as_even_as_the_largest_first_makes_them():
    assert fair_shares("abcdef", [3, 9, 4, 5, 2, 1], 2) == [["b", "a"], ["d", "c", "e", "f"]]


def test_alike_items_are_dealt_in_turn_and_those_without_size_are_not_lost():
    assert fair_shares("abcd", [1, 1, 1, 1], 2) == [["a", "c"], ["b", "d"]]
    assert fair_shares("ab", [0, 0], 3) == [["a", "b"], [], []]


def test_a_single_process_keeps_all_in_their_order_and_joins_nothing():
    join_processes()
    assert not dist.is_initialized()
    cases = [VideoCase("missing.mp4", "m.png"), VideoCase("other.mp4", "m.png")]
    assert share_cases(cases) == cases
