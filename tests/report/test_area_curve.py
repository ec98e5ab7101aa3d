# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.area_curve import _draw_areas, plot_areas
from monai_i2v.report.measurements import Measurements


def measured(info: VideoInfo) -> Measurements:
    measurements = Measurements([1, 3], info)
    for index, note in enumerate(["reference", "", "doubtful", "doubtful", "", "skipped: corrupt"]):
        label_map = np.zeros((4, 4), dtype=np.uint8)
        label_map[0, : index % 4] = 1
        measurements.add(index, label_map, note=note)
    return measurements


def test_areas_are_in_mm2_over_seconds_where_both_are_known() -> None:
    axes = Figure().subplots()
    _draw_areas(axes, measured(VideoInfo("a", "dicom", 6, 4, 4, frame_time=0.5, spacing=(2.0, 3.0))))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "area (mm$^2$)")
    x, y = axes.get_lines()[0].get_data()
    assert x.tolist() == [0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert y.tolist() == [0, 6, 12, 18, 0, 6]
    assert axes.get_ylim()[0] == 0


def test_areas_are_in_px_over_frames_where_neither_is_known() -> None:
    axes = Figure().subplots()
    _draw_areas(axes, measured(VideoInfo("a", "movie", 6, 4, 4)))
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("frame", "area (px)")
    assert axes.get_lines()[0].get_ydata().tolist() == [0, 1, 2, 3, 0, 1]


def test_picture_is_a_png_of_1200_by_540(tmp_path: Path) -> None:
    one_frame = Measurements([1], VideoInfo("a", "movie", 1, 4, 4))
    one_frame.add(0, np.ones((4, 4), dtype=np.uint8))
    for name, measurements in (("many", measured(VideoInfo("a", "movie", 6, 4, 4))), ("one", one_frame)):
        plot_areas(measurements, tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert (picture.format, picture.size) == ("PNG", (1200, 540))


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="measurements are empty"):
        plot_areas(Measurements([1], VideoInfo("a", "movie", 1, 4, 4)), tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"a\.png cannot be written"):
        plot_areas(measured(VideoInfo("a", "movie", 6, 4, 4)), tmp_path / "file" / "a.png")
