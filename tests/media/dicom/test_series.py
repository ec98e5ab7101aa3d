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


def test_times_of_a_gated_series_are_its_trigger_times(tmp_path, write_series):
    for number, time in enumerate([10, 40, 90]):
        write_series(f"a{number}", number, number, TriggerTime=time)
    info = open_folder(tmp_path).info
    assert info.frame_times == pytest.approx([0, 0.03, 0.08])
    assert info.frame_time == pytest.approx(0.04)


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


def values_of(folder):
    video = open_folder(folder)
    return [int(video.read(index)[0, 0, 0]) for index in range(len(video))]


NUMBERS = {
    "equal": lambda rank: 1,
    "missing": lambda rank: None,
    "reversed": lambda rank: 6 - rank,
    "shuffled": lambda rank: [4, 1, 3, 6, 2, 5][rank],
}
CLOCKS = {
    "TemporalPositionIdentifier": lambda rank: rank + 1,
    "TriggerTime": lambda rank: 30.0 * rank + (10 if rank > 3 else 0),
    "AcquisitionTime": lambda rank: f"12000{rank}.250000",
    "ContentTime": lambda rank: f"12000{rank}.250000",
    "AcquisitionDateTime": lambda rank: f"2026010112000{rank}.5+0100",
}


@pytest.mark.parametrize("numbers", NUMBERS)
@pytest.mark.parametrize("clock", CLOCKS)
def test_clocks_tell_the_order_where_instance_numbers_fail(tmp_path, write_series, caplog, numbers, clock):
    names = "cafbed"
    for rank in range(6):
        write_series(names[rank], NUMBERS[numbers](rank), rank, **{clock: CLOCKS[clock](rank)})
    assert values_of(tmp_path) == [0, 1, 2, 3, 4, 5]
    is_contradiction = numbers in ("reversed", "shuffled")
    assert (f"by {clock} contradicts InstanceNumber" in caplog.text) == is_contradiction
    times = open_folder(tmp_path).info.frame_times
    if clock == "TriggerTime":
        assert times == pytest.approx([0, 0.03, 0.06, 0.09, 0.13, 0.16])
    elif clock == "TemporalPositionIdentifier":
        assert times == ()
    else:
        assert times == pytest.approx(range(6))


def test_a_series_over_midnight_is_in_order(tmp_path, write_series):
    for rank, time in enumerate(["235958", "235959", "000000", "000001"]):
        write_series("dbca"[rank], 1, rank, AcquisitionTime=time)
    assert values_of(tmp_path) == [0, 1, 2, 3]
    assert open_folder(tmp_path).info.frame_times == (0, 1, 2, 3)


def test_trigger_times_that_begin_again_with_each_beat_leave_the_order(tmp_path, write_series):
    for rank, time in enumerate([0, 30, 60, 90, 1, 31, 62, 92, 2, 33, 61, 91]):
        write_series(f"{rank:02d}", rank + 1, rank, TriggerTime=time)
    assert values_of(tmp_path) == list(range(12))
    assert open_folder(tmp_path).info.frame_time is None


def test_instance_numbers_count_where_one_clock_agrees(tmp_path, write_series, caplog):
    for rank in range(4):
        clocks = {"AcquisitionTime": f"12000{rank}", "ContentTime": f"12010{3 - rank}"}
        write_series("dbca"[rank], rank + 1, rank, **clocks)
    assert values_of(tmp_path) == [0, 1, 2, 3]
    assert "contradicts ContentTime" in caplog.text


def test_a_stack_of_slices_keeps_its_instance_numbers(tmp_path, write_series, caplog):
    for rank, time in enumerate([0, 2, 4, 1, 3, 5]):  # scanned every second one first
        position = [0, 0, 8 * rank]
        write_series(f"a{rank}", rank + 1, rank, ImagePositionPatient=position, AcquisitionTime=f"12000{time}")
    assert values_of(tmp_path) == [0, 1, 2, 3, 4, 5]
    assert (caplog.text, open_folder(tmp_path).info.frame_times) == ("", ())


def test_files_with_pixels_of_other_sizes_have_no_spacing(tmp_path, write_series):
    for rank in range(3):
        write_series(f"a{rank}", rank, rank, PixelSpacing=[0.5, 0.5 + rank])
    assert open_folder(tmp_path).info.spacing is None


def test_each_file_is_shown_with_its_own_window(tmp_path, write_series):
    for rank in range(2):
        write_series(f"a{rank}", rank, 100 * (rank + 1), WindowCenter=100.5 * (rank + 1), WindowWidth=200 * (rank + 1))
    video = open_folder(tmp_path)
    assert [round(video[index].mean().item(), 2) for index in range(2)] == [0.5, 0.5]
