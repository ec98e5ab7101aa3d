# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest

from monai_i2v.media.video import VideoInfo
from monai_i2v.report import Measurements, summarize


def measured(**known: object) -> Measurements:
    measurements = Measurements([9, 2], VideoInfo("a", "movie", 4, 10, 10, **known), chambers=[9])
    for index, note in enumerate(["reference", "doubtful: object 9", "", ""]):
        label_map = np.zeros((10, 10), dtype=np.uint8)
        label_map[:, : 4 - index] = 9
        measurements.add(index, label_map, [1.0 - 0.2 * index, 0.0], note)
    return measurements


def test_a_line_by_hand() -> None:
    one, other = summarize(measured(frame_time=0.5))
    assert (one.label, other.label) == (9, 2)
    assert (one.frames, one.frames_without, one.doubtful_share) == (4, 0, 0.25)
    assert (one.least_area_px, one.mean_area_px, one.most_area_px) == (10, 25, 40)
    assert one.confidence == pytest.approx(0.7)
    assert (one.largest_volume_frame, one.largest_volume_time_s) == (0, 0.0)
    assert (one.smallest_volume_frame, one.smallest_volume_time_s) == (3, 1.5)
    assert one.smallest_volume_px3 == pytest.approx(math.pi / 4 * 1**2 * 10)
    assert one.single_plane_change == pytest.approx(1 - 1 / 16)
    assert (one.least_area_mm2, one.largest_volume_ml, one.smallest_volume_ml) == (None, None, None)


def test_mm_and_ml_where_the_spacing_is_known() -> None:
    one, _ = summarize(measured(spacing=(2.0, 2.0)))
    assert (one.least_area_mm2, one.mean_area_mm2, one.most_area_mm2) == (40, 100, 160)
    assert one.largest_volume_ml == pytest.approx(math.pi / 4 * 8**2 * 20 / 1000)
    assert (one.largest_volume_px3, one.smallest_volume_px3, one.largest_volume_time_s) == (None, None, None)


def test_an_object_that_is_never_seen_and_no_chamber() -> None:
    _, other = summarize(measured())
    assert (other.frames_without, other.most_area_px, other.confidence) == (4, 0, None)
    assert other[-9:] == (None,) * 9
