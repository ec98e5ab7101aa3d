# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import random
from pathlib import Path

import pytest

from monai_i2v.files.natural_order import natural_order


@pytest.mark.parametrize(
    "names",
    [
        ["frame_1", "frame_2", "frame_10"],
        ["t0.9s", "t1.0s", "t1.05s", "t1.1s", "t1.15s"],
        ["a_000_0.5", "a_001_1.25", "a_001_1.5"],
        ["0.25", "0.5", "9.75", "10.0"],
        ["1.05", "1.10", "1.20"],  # padded: both orders agree
        ["s1.9", "s1.10", "s1.11"],  # counts: a decimal would be written 1.1
        ["1.2.840.9", "1.2.840.10"],  # no decimals
        ["t1.5", "u1.1", "u1.05"],  # not all alike: counts, 1 before 5
    ],
)
def test_order(names):
    paths = [Path("folder 1.5", f"{name}.png") for name in names]
    assert natural_order(random.Random(0).sample(paths, len(paths))) == paths


def test_folders_come_first():
    paths = [Path("b", "t0.5.png"), Path("a", "t1.5.png")]
    assert natural_order(paths) == paths[::-1]
