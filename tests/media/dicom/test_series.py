# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pydicom
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.series import find_dicom_files, open_dicom_series


def open_folder(folder):
    return open_dicom_series(folder, find_dicom_files(folder))


@pytest.fixture
def write_series(tmp_path, write_dicom):
    def write(name, number, value, shape=(4, 6), **elements):
        frames = np.full((1, *shape), value, np.uint8)
        return write_dicom(tmp_path / name, frames, InstanceNumber=number, **elements)

    return write


def test_frames_are_sorted_by_instance_number_then_name(tmp_path, write_series):
    write_series("c", 1, 10)
    write_series("IM_10", 2, 30)
    write_series("IM_2", 2, 20)
    write_series("a", 3, 40)
    (tmp_path / "notes.txt").write_text("no DICOM")
    video = open_folder(tmp_path)
    assert [int(video.read(index)[0, 0, 0]) for index in range(4)] == [10, 20, 30, 40]
    assert (video.info.kind, video.info.path, video.info.length) == ("dicom", str(tmp_path), 4)


def test_each_file_has_its_own_rescale(tmp_path, write_series):
    write_series("a", 1, 10, RescaleSlope=1, RescaleIntercept=0)
    write_series("b", 2, 10, RescaleSlope=3, RescaleIntercept=5)
    video = open_folder(tmp_path)
    assert [int(video.read(index)[0, 0, 0]) for index in (1, 0)] == [35, 10]


def test_frame_time_of_a_gated_series_is_the_mean_trigger_step(tmp_path, write_series):
    for number, time in enumerate([0, 30, 80]):
        write_series(f"a{number}", number, number, TriggerTime=time)
    assert open_folder(tmp_path).info.frame_time == pytest.approx(0.04)


def test_a_single_multi_frame_file_is_opened(tmp_path, write_dicom):
    write_dicom(tmp_path / "a.dcm", np.arange(3 * 4 * 6, dtype=np.uint8).reshape(3, 4, 6))
    assert int(open_folder(tmp_path).read(2)[3, 5, 0]) == 71


def test_several_multi_frame_files(tmp_path, write_dicom):
    for name in "ab":
        write_dicom(tmp_path / name, np.zeros((3, 4, 6), np.uint8))
    with pytest.raises(UsageError, match="holds 2 multi-frame DICOM files; each is a video by itself; put the files"):
        open_folder(tmp_path)


def test_two_series(tmp_path, write_series):
    write_series("a", 1, 1)
    write_series("b", 2, 2, SeriesInstanceUID="1.2.4")
    with pytest.raises(UsageError, match=r"holds 2 DICOM series; expected one; put the files of one recording in a"):
        open_folder(tmp_path)


def test_different_sizes(tmp_path, write_series):
    write_series("a", 1, 1)
    write_series("b", 2, 2, shape=(5, 8))
    with pytest.raises(UsageError, match=r"different sizes: a is 6 x 4 and b is 8 x 5 \(width x height\); expected"):
        open_folder(tmp_path)


def test_several_slices_over_time(tmp_path, write_series):
    for number in range(4):
        write_series(f"a{number}", number, 1, ImagePositionPatient=[0, 0, 8 * (number % 2)])
    with pytest.raises(UsageError, match="holds 2 slices over time; expected one slice"):
        open_folder(tmp_path)


def test_a_stack_of_slices_is_a_video_along_the_body(tmp_path, write_series):
    for number in range(4):
        write_series(f"a{number}", number, number, ImagePositionPatient=[0, 0, 8 * number])
    assert len(open_folder(tmp_path)) == 4


def test_files_without_pictures(tmp_path, write_series):
    path = write_series("a", 1, 1)
    file = pydicom.dcmread(path)
    del file.Rows, file.PixelData
    file.save_as(path)
    with pytest.raises(UsageError, match="has DICOM files, but none with pictures; expected one series"):
        open_folder(tmp_path)
