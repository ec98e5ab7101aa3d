# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from monai_i2v.media.video import VideoInfo
from monai_i2v.report import Measurements, plot_volumes
from monai_i2v.report.volume_curve import _draw_volumes


def measured(**known: object) -> Measurements:
    measurements = Measurements([1, 3], VideoInfo("a", "dicom", 4, 20, 20, **known), chambers=[3])
    for index, (width, note) in enumerate([(4, "reference"), (8, ""), (10, "doubtful: object 3"), (6, "")]):
        label_map = np.ones((20, 20), dtype=np.uint8)
        label_map[:, :width] = 3
        measurements.add(index, label_map, note=note)
    return measurements


def test_volumes_are_in_ml_where_the_spacing_is_known_and_only_of_chambers() -> None:
    axes = Figure().subplots()
    _draw_volumes(axes, measured(spacing=(5.0, 10.0), frame_time=0.1))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "volume (mL)")
    line = axes.get_lines()[0]
    assert line.get_label() == "object 3"
    assert line.get_ydata()[0] == pytest.approx(math.pi / 4 * 40**2 * 100 / 1000)
    assert "object 1" not in [text.get_text() for text in axes.get_legend().get_texts()]


def test_volumes_are_in_px3_where_it_is_not() -> None:
    axes = Figure().subplots()
    _draw_volumes(axes, measured())
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("frame", "volume (px$^3$)")
    assert axes.get_lines()[0].get_ydata()[0] == pytest.approx(math.pi / 4 * 4**2 * 20)


def test_largest_and_smallest_are_marked_and_the_doubtful_frame_is_neither() -> None:
    axes = Figure().subplots()
    _draw_volumes(axes, measured())
    marks = {line.get_label().partition("\n")[0]: list(line.get_xdata()) for line in axes.get_lines()[1:3]}
    assert marks == {"largest": [1], "smallest": [0]}


def test_a_chamber_that_is_never_seen_is_drawn_all_the_same(tmp_path: Path) -> None:
    measurements = Measurements([1], VideoInfo("a", "movie", 1, 4, 4), chambers=[1])
    measurements.add(0, np.zeros((4, 4), dtype=np.uint8))
    plot_volumes(measurements, tmp_path / "volumes.png")
    with Image.open(tmp_path / "volumes.png") as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 540))
