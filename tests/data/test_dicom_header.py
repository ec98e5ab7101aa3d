# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.examples import get_path

from monai_i2v.data.dicom_header import frame_time_of, is_dicom, read_header, spacing_of, window_of


def dataset(**elements) -> Dataset:
    result = Dataset()
    for keyword, value in elements.items():
        setattr(result, keyword, value)
    return result


def region(right, bottom, delta, unit=3, spatial_format=1) -> Dataset:
    return dataset(
        RegionSpatialFormat=spatial_format,
        RegionLocationMinX0=0,
        RegionLocationMinY0=0,
        RegionLocationMaxX1=right,
        RegionLocationMaxY1=bottom,
        PhysicalUnitsXDirection=unit,
        PhysicalUnitsYDirection=unit,
        PhysicalDeltaX=delta,
        PhysicalDeltaY=2 * delta,
    )


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [
        ({"FrameTime": "40"}, 0.04),
        ({"FrameTimeVector": [0, 30, 50]}, 0.04),
        ({"CineRate": 25}, 0.04),
        ({"RecommendedDisplayFrameRate": 50}, 0.02),
        ({"FrameTime": "0", "CineRate": 25}, 0.04),
        ({"FrameTime": None}, None),
        ({}, None),
    ],
)
def test_frame_time(elements, seconds):
    assert frame_time_of(dataset(**elements)) == seconds


def test_spacing_is_that_of_the_largest_2d_region_in_mm():
    regions = [
        region(20, 20, 0.01),
        region(90, 70, 0.03),
        region(99, 79, 0.5, unit=4),
        region(99, 79, 9, 3, 2),
    ]
    header = dataset(Rows=80, Columns=100, SequenceOfUltrasoundRegions=regions, PixelSpacing=[7, 7])
    assert spacing_of(header) == pytest.approx((0.6, 0.3))  # (row, column)


def test_spacing_without_regions_is_the_pixel_spacing():
    assert spacing_of(dataset(PixelSpacing=[0.5, 0.4])) == (0.5, 0.4)
    assert spacing_of(dataset(ImagerPixelSpacing=[0.5, 0.4])) == (0.5, 0.4)
    assert spacing_of(dataset(PixelSpacing=[0, 0])) is None
    assert spacing_of(dataset()) is None


def test_calibration_of_a_picture_of_another_size_is_left_out(caplog):
    header = read_header(Path(get_path("ybr_color")))  # 320 x 240, but calibrated for 640 x 480
    with caplog.at_level(logging.WARNING):
        assert spacing_of(header) is None
    assert "does not fit the size of the picture" in caplog.text


def test_window_is_linear_and_the_first_one():
    assert window_of(dataset(WindowCenter=["10.5", "3"], WindowWidth=["21", "4"])) == (0, 20)
    assert window_of(dataset(WindowCenter=128, WindowWidth=256)) == (0, 255)
    assert window_of(dataset(WindowCenter=128, WindowWidth=1)) is None
    assert window_of(dataset()) is None


def test_facts_are_found_in_functional_groups(tmp_path, write_dicom):
    shared = dataset(PixelMeasuresSequence=[dataset(PixelSpacing=[0.5, 0.4])])
    first = dataset(
        FrameVOILUTSequence=[dataset(WindowCenter=10.5, WindowWidth=21)],
        PixelValueTransformationSequence=[dataset(RescaleSlope=3, RescaleIntercept=1)],
    )
    path = write_dicom(
        tmp_path / "a.dcm",
        np.zeros((2, 4, 6), np.uint16),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=[first, dataset()],
    )
    header = read_header(path)
    assert spacing_of(header) == (0.5, 0.4)
    assert window_of(header) == (0, 20)
    assert (header.RescaleSlope, header.RescaleIntercept) == (3, 1)


def test_nothing_about_the_patient_is_read(tmp_path, write_dicom):
    header = read_header(write_dicom(tmp_path / "a.dcm", np.zeros((2, 4, 6), np.uint8)))
    assert "PatientName" not in header
    assert "Secret" not in str(header)


def test_dicom_is_known_by_its_content(tmp_path, write_dicom):
    (tmp_path / "b.dcm").write_text("no")
    assert is_dicom(write_dicom(tmp_path / "IM000001", np.zeros((2, 4, 6), np.uint8)))
    assert not is_dicom(tmp_path / "b.dcm")
