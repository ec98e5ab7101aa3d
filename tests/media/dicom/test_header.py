# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.examples import get_path

from monai_i2v.media.dicom.calibration import calibrate, region_of, spacing_of
from monai_i2v.media.dicom.frame_groups import find_in_frame
from monai_i2v.media.dicom.frame_rate import frame_time_of
from monai_i2v.media.dicom.header import is_dicom, read_header
from monai_i2v.media.dicom.window import window_of


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
        # Frame time and frame times: the one that the file names as its increment.
        ({"FrameTime": "20", "FrameTimeVector": [0, 40]}, 0.02),
        ({"FrameTime": "20", "FrameTimeVector": [0, 40], "FrameIncrementPointer": 0x00181065}, 0.04),
        # What cannot be is as if it were not there.
        ({"FrameTime": "-40"}, None),
        ({"FrameTime": "-40", "FrameTimeVector": [0, 40, 40]}, 0.04),
        ({"FrameTime": "1e9", "RecommendedDisplayFrameRate": 50}, 0.02),
        ({"FrameTimeVector": [0, 10, -30], "CineRate": 25}, 0.04),
        ({"FrameTimeVector": [0]}, None),
        ({"CineRate": 1000000000}, None),
        ({"CineRate": -25, "RecommendedDisplayFrameRate": 0}, None),
        ({"CineRate": 0, "RecommendedDisplayFrameRate": 50}, 0.02),
        # 3 s to the next frame, and 0.1 ms, can be.
        ({"FrameTime": "3000"}, 3),
        ({"FrameTime": "0.1"}, 0.0001),
    ],
)
def test_frame_time(elements, seconds):
    assert frame_time_of(dataset(**elements)) == seconds


@pytest.mark.parametrize(
    ("elements", "warning"),
    [
        ({"FrameTime": "1e9"}, "frame time or rate of the DICOM header cannot be true and is left out"),
        ({"FrameTime": "40", "CineRate": -1}, "frame time or rate of the DICOM header cannot be true and is left out"),
        ({"FrameTime": "40", "CineRate": 50}, "The DICOM header says 25 and 50 frames per s; the first is taken"),
        ({"FrameTime": "33.333", "CineRate": 30}, ""),
        ({"FrameTime": "666", "CineRate": 1}, ""),  # 1.5 per s, which is no whole number
        ({"FrameTime": "0", "CineRate": 0}, ""),  # unknown
        ({"FrameTime": "10", "RecommendedDisplayFrameRate": 25}, ""),  # slow motion
    ],
)
def test_frame_times_that_cannot_be_or_contradict_are_logged(elements, warning, caplog):
    frame_time_of(dataset(**elements))
    assert warning in caplog.text
    assert bool(warning) == bool(caplog.text)


def test_spacing_is_that_of_the_largest_2d_region_in_mm():
    regions = [
        region(20, 20, 0.01),
        region(90, 70, 0.03),
        region(99, 79, 0.5, unit=4),
        region(99, 79, 9, 3, 2),
    ]
    header = dataset(Rows=80, Columns=100, SequenceOfUltrasoundRegions=regions, PixelSpacing=[7, 7])
    assert spacing_of(header) == pytest.approx((0.6, 0.3))  # (row, column)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@pytest.mark.parametrize(
    "elements", [{"FrameTime": "12345"}, {"CineRate": "12345"}, {"PixelSpacing": ["1", "12345"]}], ids=str
)
def test_text_in_place_of_a_number_is_as_if_it_were_not_there(tmp_path, write_dicom, elements):
    path = write_dicom(tmp_path / "a.dcm", np.zeros((2, 4, 6), np.uint8), **elements)
    path.write_bytes(path.read_bytes().replace(b"12345", b"abcde"))
    header = read_header(path)
    assert (frame_time_of(header), spacing_of(header)) == (None, None)


M_MODE, DOPPLER = 2, 3  # codes of Region Spatial Format


@pytest.mark.parametrize("beside", [M_MODE, DOPPLER])
def test_region_is_the_2d_picture_and_not_the_trace_beside_it(beside):
    picture = region(49, 59, 0.03)
    picture.RegionLocationMinX0, picture.RegionLocationMinY0 = 10, 5
    trace = region(99, 79, 0.01, unit=4, spatial_format=beside)
    in_cm = region(99, 79, 0.01, spatial_format=beside)
    header = dataset(Rows=80, Columns=100, SequenceOfUltrasoundRegions=[trace, picture, in_cm])
    assert region_of(header) == (5, 10, 60, 50)  # the last pixel that the file names is inside
    assert region_of(dataset(Rows=80, Columns=100, SequenceOfUltrasoundRegions=[trace, in_cm])) is None


def test_there_is_no_region_without_calibration_or_when_it_does_not_fit():
    assert region_of(dataset(Rows=80, Columns=100)) is None
    turned = region(49, 79, 0.03)
    turned.RegionLocationMinX0 = 90
    for odd in (region(100, 79, 0.03), region(99, 80, 0.03), region(99, 79, 0), turned, Dataset()):
        assert region_of(dataset(Rows=80, Columns=100, SequenceOfUltrasoundRegions=[odd])) is None


def test_spacing_without_regions_is_the_pixel_spacing():
    assert spacing_of(dataset(PixelSpacing=[0.5, 0.4])) == (0.5, 0.4)
    assert spacing_of(dataset(ImagerPixelSpacing=[0.5, 0.4])) == (0.5, 0.4)
    assert spacing_of(dataset(PixelSpacing=[0, 0])) is None
    assert spacing_of(dataset()) is None


def test_calibration_of_a_picture_of_another_size_is_left_out(caplog):
    header = read_header(Path(get_path("ybr_color")))  # 320 x 240, but calibrated for 640 x 480
    with caplog.at_level(logging.WARNING):
        assert calibrate([(Path("a"), 0)], {Path("a"): header}).spacing is None
    assert "does not fit the size of the picture" in caplog.text


def test_window_is_linear_and_the_first_one():
    assert window_of(dataset(WindowCenter=["10.5", "3"], WindowWidth=["21", "4"]))[:2] == (0, 20)
    assert window_of(dataset(WindowCenter=128, WindowWidth=256))[:2] == (0, 255)
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
    assert window_of(header) == (0, 20, False, None)
    assert (find_in_frame(header, "RescaleSlope"), find_in_frame(header, "RescaleIntercept")) == (3, 1)
    assert find_in_frame(header, "RescaleSlope", 1) is None


def test_nothing_about_the_patient_is_read(tmp_path, write_dicom):
    header = read_header(write_dicom(tmp_path / "a.dcm", np.zeros((2, 4, 6), np.uint8)))
    assert "PatientName" not in header
    assert "Secret" not in str(header)


def test_dicom_is_known_by_its_content(tmp_path, write_dicom):
    (tmp_path / "b.dcm").write_text("no")
    assert is_dicom(write_dicom(tmp_path / "IM000001", np.zeros((2, 4, 6), np.uint8)))
    assert not is_dicom(tmp_path / "b.dcm")
