# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

from monai_i2v.media.open_video import open_video

FRAMES = np.zeros((3, 4, 6), np.uint8)


def test_frames_of_one_file_are_numbered_from_1(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", FRAMES)
    uid = pydicom.dcmread(path).SOPInstanceUID
    assert open_video(path).info.sources == ((path, uid, 1), (path, uid, 2), (path, uid, 3))


def test_files_of_a_series_are_told_apart_by_uid(tmp_path, write_dicom):
    paths = [write_dicom(tmp_path / name, FRAMES[:1], InstanceNumber=number) for number, name in enumerate("cab")]
    uids = [pydicom.dcmread(path).SOPInstanceUID for path in paths]
    assert open_video(tmp_path).info.sources == tuple((path, uid, 1) for path, uid in zip(paths, uids, strict=True))


def test_the_film_inside_dicom_has_numbered_frames(tmp_path, write_dicom, write_movie):
    film = write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p")
    path = write_dicom(tmp_path / "a.dcm", np.zeros((20, 32, 48, 3), np.uint8))
    file = pydicom.dcmread(path)
    file.PixelData = encapsulate([film.read_bytes()], has_bot=False)
    file.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.102"
    file.save_as(path)
    with open_video(path) as video:
        assert [source.number for source in video.info.sources] == list(range(1, 21))


@pytest.mark.parametrize(
    ("uids", "why"), [({"SeriesInstanceUID": ""}, "lack UIDs"), ({"SOPInstanceUID": "1.9"}, "share UIDs")]
)
def test_files_that_cannot_be_told_apart_have_no_sources(tmp_path, write_dicom, caplog, uids, why):
    for number in range(2):
        write_dicom(tmp_path / str(number), FRAMES[:1], InstanceNumber=number, **uids)
    assert open_video(tmp_path).info.sources == ()
    assert f"{why}, so that no segmentation can refer to" in caplog.text


def test_uids_stand_in_no_text_about_a_video(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", FRAMES)
    assert pydicom.dcmread(path).SOPInstanceUID not in repr(open_video(path).info)
