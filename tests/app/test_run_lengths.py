# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from monai_i2v.app.run_lengths import read_runs, runs_of
from monai_i2v.errors import UsageError


def test_any_label_map_comes_back_as_it_was():
    random = np.random.default_rng(0)
    for size in ((1, 1), (3, 5), (40, 30)):
        label_map = random.integers(0, 3, size) * 70000
        assert np.array_equal(read_runs(runs_of(label_map), size), label_map)


@pytest.mark.parametrize(
    "runs",
    [None, "1", [1], [0, 5], [0, 7], [0.0, 6], [True, 6], [-1, 6], [0, 7, 0, -1], [2**31, 6], [[0], 6], {"0": 6}],
)
def test_what_fills_no_frame_is_refused(runs):
    with pytest.raises(UsageError, match="the mask is no 3 x 2 picture in runs"):
        read_runs(runs, (2, 3))
