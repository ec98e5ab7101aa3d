# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from monai_i2v.masks.palette import OBJECT_COLORS
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.measurements import Measurements
from monai_i2v.report.time_curve import _runs, draw_over_time, picture_file

NOTES = ["reference", "", "doubtful", "doubtful", "", "skipped: corrupt"]


def measured(labels: tuple[int, ...] = (1, 3), **known: Any) -> Measurements:
    measurements = Measurements(labels, VideoInfo("a", "movie", 6, 4, 4, **known))
    for index in (3, 4, 5, 2, 1, 0):  # a backward pass came later
        measurements.add(index, np.repeat(np.arange(4) < index % 4, 4).reshape(4, 4) * 1, note=NOTES[index])
    return measurements


def test_lines_go_forward_in_time() -> None:
    axes = Figure().subplots()
    draw_over_time(axes, measured(frame_time=0.5), "area_px", "area (px)")
    assert axes.get_lines()[0].get_xdata().tolist() == [0, 0.5, 1.0, 1.5, 2.0, 2.5]
    assert axes.get_lines()[0].get_ydata().tolist() == [0, 4, 8, 12, 0, 4]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (s)", "area (px)")


def test_doubtful_stretches_and_the_reference_are_marked_and_named_once() -> None:
    axes = Figure().subplots()
    draw_over_time(axes, measured(), "area_px", "area (px)")
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == [(1.5, 3.5), (4.5, 5.5)]
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert sorted(names) == ["doubtful", "object 1", "object 3", "reference"]


def test_an_object_has_its_color_and_dashes_also_when_it_is_drawn_alone() -> None:
    together, alone = Figure().subplots(), Figure().subplots()
    draw_over_time(together, measured(), "area_px", "area (px)")
    draw_over_time(alone, measured(), "area_px", "area (px)", labels=[3])
    lines = together.get_lines()[1], alone.get_lines()[0]
    assert {line.get_label() for line in lines} == {"object 3"}
    assert lines[0].get_color() == lines[1].get_color()
    assert lines[0].get_linestyle() == lines[1].get_linestyle() == "--"


def test_marked_rows_lie_on_the_line() -> None:
    axes, measurements = Figure().subplots(), measured(frame_time=0.5)
    row = next(row for row in measurements.rows if row.frame == 3)
    draw_over_time(axes, measurements, "area_px", "area (px)", marks={"most": [row]})
    (mark,) = (line for line in axes.get_lines() if line.get_label() == "most")
    assert (list(mark.get_xdata()), list(mark.get_ydata())) == ([1.5], [12])


def test_every_color_stands_out_from_the_page() -> None:
    axes, labels = Figure().subplots(), tuple(range(1, len(OBJECT_COLORS) + 1))
    draw_over_time(axes, measured(labels), "area_px", "area (px)")
    for line in axes.get_lines()[: len(labels)]:
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(line.get_color())]
        assert 1.05 / (np.dot([0.2126, 0.7152, 0.0722], linear) + 0.05) >= 3  # contrast to white, WCAG 2.1


def test_runs() -> None:
    assert _runs([1, 2, 3, 7, 9, 10]) == [(1, 3), (7, 7), (9, 10)]
    assert _runs([]) == []


def test_an_error_while_drawing_leaves_no_picture(tmp_path: Path) -> None:
    empty = Measurements([1], VideoInfo("a", "movie", 1, 4, 4))
    with pytest.raises(ValueError, match="measurements are empty"), picture_file(tmp_path / "a.png") as axes:
        draw_over_time(axes, empty, "area_px", "area (px)")
    assert list(tmp_path.iterdir()) == []


def test_frames_that_are_not_evenly_spaced_lie_at_their_times() -> None:
    axes = Figure().subplots()
    draw_over_time(axes, measured(frame_times=(0, 1, 2, 10, 11, 12)), "area_px", "area (px)")
    assert axes.get_lines()[0].get_xdata().tolist() == [0, 1, 2, 10, 11, 12]
    spans = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches]
    assert spans == [(1.5, 10.5), (11.5, 13.2)]  # frames 2, 3 and 5: half-way to their neighbors
