# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import re

import numpy as np

from monai_i2v.media.video import VideoInfo
from monai_i2v.report import Measurements, summarize
from monai_i2v.report.html_tables import area_table, volume_table


def measured(**known: object) -> Measurements:
    measurements = Measurements([4], VideoInfo("a", "movie", 2, 10, 10, **known), chambers=[4])
    for index, width in enumerate((5, 10)):
        measurements.add(index, np.tile(4 * (np.arange(10) < width), (10, 1)), [0.5])
    return measurements


def cells(table: str) -> list[str]:
    return re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", table)


def test_areas_and_volumes_have_the_unit_of_the_video() -> None:
    known, unknown = summarize(measured(spacing=(10.0, 10.0))), summarize(measured())
    assert cells(area_table(known, in_mm=True))[1:4] == ["least area (mm²)", "mean (mm²)", "most (mm²)"]
    assert cells(area_table(known, in_mm=True))[6:] == ["4", "5000", "7500", "10000", "0", "0.50"]
    assert cells(area_table(unknown, in_mm=False))[6:] == ["4", "50", "75", "100", "0", "0.50"]
    assert cells(volume_table(known, in_ml=True))[6:] == ["4", "785.4", "frame 1", "196.3", "frame 0", "75 %"]
    assert cells(volume_table(unknown, in_ml=False))[6:] == ["4", "785", "frame 1", "196", "frame 0", "75 %"]
    assert cells(volume_table(unknown, in_ml=False))[1] == "largest volume (px³)"


def test_moments_are_in_seconds_too_where_they_are_known() -> None:
    table = volume_table(summarize(measured(frame_time=0.25)), in_ml=False)
    assert cells(table)[6:] == ["4", "785", "frame 1, 0.25 s", "196", "frame 0, 0.00 s", "75 %"]


def test_a_chamber_without_a_frame_that_counts_has_dashes() -> None:
    measurements = Measurements([4], VideoInfo("a", "movie", 1, 4, 4), chambers=[4])
    measurements.add(0, np.zeros((4, 4)))
    assert cells(volume_table(summarize(measurements), in_ml=False))[6:] == ["4", *["-"] * 5]
