# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate
from pydicom.examples import get_path
from pydicom.pixels import pixel_array

from monai_i2v.data.dicom_cine import open_dicom_file
from monai_i2v.data.video import FrameError
from monai_i2v.errors import UsageError

RAMP = np.arange(3 * 4 * 6).reshape(3, 4, 6)  # (T, H, W)


def can_read(video, index):
    try:
        return video.read(index) is not None
    except FrameError:
        return False


def change(path, **elements):
    """Set elements of a DICOM file; a new transfer syntax stands in the file meta group."""
    file = pydicom.dcmread(path)
    for keyword, value in elements.items():
        setattr(file.file_meta if keyword == "TransferSyntaxUID" else file, keyword, value)
    file.save_as(path)
    return path


def test_compressed_color_cine_equals_pydicom_and_is_read_in_any_order():
    path = Path(get_path("ybr_color"))
    cine = open_dicom_file(path)
    expected = pixel_array(path)  # (30, 240, 320, 3)
    assert (cine.info.kind, cine.info.length, cine.info.height, cine.info.width) == ("dicom", 30, 240, 320)
    assert cine.info.frame_time == pytest.approx(0.033333)
    assert all(np.array_equal(cine.read(index), expected[index]) for index in (29, 0, 7, 8))
    assert cine.window == (0.0, 255.0)


def test_palette_is_shown_in_color():
    frame = open_dicom_file(Path(get_path("palette_color"))).read(0)
    assert frame.shape == (350, 800, 3)
    assert frame.dtype == np.uint8
    assert frame.max() == 255
    assert (frame[..., 0] != frame[..., 2]).any()


def test_jpeg_2000_is_read():
    assert open_dicom_file(Path(get_path("jpeg2k"))).read(0).shape == (480, 640, 3)


def test_12_bit_is_not_saturated(tmp_path, write_dicom):
    frames = np.full((2, 4, 6), 100, np.uint16)
    frames[1, 0, 5] = 4095
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", frames, BitsStored=12, HighBit=11))
    assert cine.window == (100, 4095)
    assert cine.read(1)[0, 5, 0] == 4095
    assert cine[1][:, 0, 5].tolist() == [1, 1, 1]
    assert cine[1][0].sum() == 1  # all others are black


def test_monochrome1_is_inverted_for_the_networks_only(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8), PhotometricInterpretation="MONOCHROME1")
    cine = open_dicom_file(path)
    assert cine.window == (255, 0)
    assert cine.read(2)[3, 5, 0] == 71
    assert cine[2][0, 3, 5] == pytest.approx(1 - 71 / 255)


def test_rescale_and_window(tmp_path, write_dicom):
    elements = {
        "RescaleSlope": 2,
        "RescaleIntercept": -100,
        "WindowCenter": [10.5, 99],
        "WindowWidth": [21, 9],
    }
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", RAMP.astype(np.int16) - 10, **elements))
    assert cine.read(0)[0, :3, 0].tolist() == [-120, -118, -116]
    assert cine.window == (0, 20)
    assert cine[2][0, 3, 3].item() == pytest.approx(18 / 20)  # 69 - 10 = 59 stored, 18 rescaled
    assert (cine[0] == 0).all()


def test_signed_values_without_window_are_shown_from_lowest_to_highest(tmp_path, write_dicom):
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", RAMP.astype(np.int16) - 10))
    assert cine.window == (-10, 61)


def test_8_bit_without_window_is_shown_as_it_is(tmp_path, write_dicom):
    assert open_dicom_file(write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8))).window == (0, 255)


def test_film_inside_dicom_is_decoded(tmp_path, write_movie, write_dicom):
    film = write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p", codec_options={"crf": "4"})
    path = write_dicom(tmp_path / "a.dcm", np.zeros((20, 32, 48, 3), np.uint8), FrameTime=50, PixelSpacing=[0.5, 0.4])
    change(
        path,
        PixelData=encapsulate([film.read_bytes()], has_bot=False),
        TransferSyntaxUID="1.2.840.10008.1.2.4.102",
    )
    cine = open_dicom_file(path)
    assert (cine.info.kind, len(cine), cine.info.frame_time, cine.info.spacing) == (
        "dicom",
        20,
        0.05,
        (0.5, 0.4),
    )
    assert cine.read(12)[20, 20, 0] == pytest.approx(96, abs=3)


def test_damaged_frame_is_reported_and_others_are_read(tmp_path):
    path = tmp_path / "a.dcm"
    content = bytearray(Path(get_path("ybr_color")).read_bytes())
    frame = content.rindex(b"\xff\xd8\xff", 0, len(content) * 2 // 3)  # a JPEG in the middle
    content[frame : frame + 300] = bytes(300)
    path.write_bytes(content)
    cine = open_dicom_file(path)
    with pytest.raises(FrameError, match=r"cannot be decoded; expected undamaged pixel data; export it again\."):
        [cine.read(index) for index in range(30)]
    healthy = [index for index in range(30) if can_read(cine, index)]
    assert len(healthy) == 29


def test_missing_decoder_names_the_packages(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8))
    change(path, PixelData=encapsulate([b"\xff\xd8" * 9] * 3), TransferSyntaxUID="1.2.840.10008.1.2.4.80")
    with pytest.raises(
        UsageError,
        match=r"a\.dcm is stored as 'JPEG-LS Lossless Image Compression', for which no decoder is installed; "
        r"run 'pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg', or export it uncompressed\.",
    ):
        open_dicom_file(path)


def test_truncated_dicom(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(UsageError, match=r"frame 2 of .*a\.dcm \(frames 0 to 2\) cannot be decoded; it is damaged"):
        open_dicom_file(path)


def test_dicom_without_pictures(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8))
    file = pydicom.dcmread(path)
    del file.Rows, file.PixelData
    file.save_as(path)
    with pytest.raises(UsageError, match=r"a\.dcm is a DICOM file without pictures"):
        open_dicom_file(path)


def test_file_that_is_no_dicom(tmp_path):
    (tmp_path / "a.dcm").write_bytes(b"no DICOM" * 50)
    with pytest.raises(UsageError, match=r"a\.dcm cannot be read as DICOM; it is damaged, cut off, or not what"):
        open_dicom_file(tmp_path / "a.dcm")
