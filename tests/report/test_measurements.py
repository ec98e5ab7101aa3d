# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.measurements import Measurements

KNOWN = VideoInfo("cine.dcm", "dicom", 9, 4, 5, frame_time=0.02, spacing=(0.5, 0.25))
UNKNOWN = VideoInfo("cine.mp4", "movie", 9, 4, 5)


def label_map() -> np.ndarray:
    labels = np.zeros((4, 5), dtype=np.int32)
    labels[1:3, 2:5] = 70000  # 6 px around column 3, row 1.5
    return labels


def test_area_and_centroid_by_hand() -> None:
    measurements = Measurements([70000], KNOWN)
    measurements.add(3, label_map(), confidence=[0.75], note="doubtful")
    (row,) = measurements.rows
    assert row[:3] == (3, 0.06, 70000)
    assert (row.area_px, row.area_mm2) == (6, 6 * 0.5 * 0.25)
    assert (row.centroid_x_px, row.centroid_y_px) == (3.0, 1.5)
    assert (row.confidence, row.note) == (0.75, "doubtful")


def test_table_leaves_empty_what_is_unknown(tmp_path: Path) -> None:
    measurements = Measurements([1, 70000], UNKNOWN)
    measurements.add(1, label_map())
    measurements.add(0, label_map(), note="reference")
    measurements.save(tmp_path / "new" / "m.csv")
    with (tmp_path / "new" / "m.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0].values()) == ["0", "", "1", "0", "", "", "", "", "", "", "reference"]
    assert list(rows[1].values()) == ["0", "", "70000", "6", "", "", "", "3.0", "1.5", "", "reference"]
    assert list(rows[0])[:5] == ["frame", "time_s", "label", "area_px", "area_mm2"]


def test_only_chambers_have_volumes_in_one_of_two_units() -> None:
    label_map = np.ones((4, 5), dtype=np.uint8)
    label_map[:, 4] = 2
    for info, volumes in [
        (KNOWN, (math.pi / 4 * 1.0**2 * 2.0 / 1000, None)),
        (UNKNOWN, (None, math.pi / 4 * 4**2 * 4)),
    ]:
        measurements = Measurements([1, 2], info, chambers=[1])  # 4 x 4 px: 2 mm high and 1 mm wide, or as long as wide
        measurements.add(0, label_map)
        first, second = ((row.volume_ml, row.volume_px3) for row in measurements.rows)
        assert first == pytest.approx(volumes)
        assert second == (None, None)


def test_frames_with_a_note_are_doubtful_but_the_reference() -> None:
    measurements = Measurements([70000], KNOWN)
    for index, note in enumerate(["reference", "", "doubtful: object 70000", "unreadable: cut off"]):
        measurements.add(index, label_map(), note=note)
    assert [row.doubtful for row in measurements.rows] == [False, False, True, True]


def test_errors(tmp_path: Path) -> None:
    measurements = Measurements([1, 2], KNOWN)
    with pytest.raises(ValueError, match="one number per label, 2, got 1"):
        measurements.add(0, label_map(), confidence=[0.5])
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"m\.csv cannot be written"):
        measurements.save(tmp_path / "file" / "m.csv")


def test_time_is_that_of_the_frame():
    measurements = Measurements([1], VideoInfo("a.mkv", "movie", 3, 4, 4, frame_times=(5, 5.04, 7.04)))
    for index in range(3):
        measurements.add(index, np.ones((4, 4)))
    assert [row.time_s for row in measurements.rows] == pytest.approx([0, 0.04, 2.04])
