# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.examples import get_path
from pydicom.pixels import pixel_array
from pydicom.pixels.decoders.base import Decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.cine import open_dicom_file
from monai_i2v.media.video import FrameError

RAMP = np.arange(3 * 4 * 6).reshape(3, 4, 6)  # (T, H, W)


def can_read(video, index):
    try:
        return video.read(index) is not None
    except FrameError:
        return False


def to_jpeg(frame, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(frame).save(file, "JPEG", quality=98, subsampling=0, **options)
    return file.getvalue()


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
    frames = np.full((2, 40, 60), 100, np.uint16)
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


def test_signed_values_without_window_are_shown_without_the_outermost(tmp_path, write_dicom):
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", RAMP.astype(np.int16) - 10))
    assert cine.window == pytest.approx((-9.645, 60.645))  # the half of a percent of 72 values at each end


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


@pytest.mark.parametrize(
    ("syntax", "words"),
    [
        ("1.2.840.10008.1.2.4.57", "JPEG Lossless, Non-Hierarchical (Process 14)"),
        ("1.2.840.10008.1.2.4.70", "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection"),
        ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless Image Compression"),
        ("1.2.840.10008.1.2.4.81", "JPEG-LS Lossy (Near-Lossless) Image Compression"),
        ("1.2.840.10008.1.2.4.90", "JPEG 2000 Image Compression (Lossless Only)"),
        ("1.2.840.10008.1.2.4.91", "JPEG 2000 Image Compression"),
        ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Image Compression (Lossless Only)"),
        ("1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)"),
        ("1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000 Image Compression"),
    ],
)
def test_a_missing_decoder_names_the_kind_in_words_and_the_packages(tmp_path, write_dicom, monkeypatch, syntax, words):
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8))
    change(path, PixelData=encapsulate([b"\xff\xd8" * 9] * 3), TransferSyntaxUID=syntax)
    monkeypatch.setattr(Decoder, "is_available", False)
    with pytest.raises(UsageError, match=rf"a\.dcm is stored as '{re.escape(words)}") as caught:
        open_dicom_file(path)
    packages = "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg"
    assert str(caught.value).endswith(
        f"', for which no decoder is installed; run '{packages}', or export it uncompressed."
    )


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.92", "1.2.840.10008.1.2.4.204"])
def test_a_kind_that_no_package_decodes_has_no_such_advice(tmp_path, write_dicom, syntax):
    path = write_dicom(tmp_path / "a.dcm", RAMP.astype(np.uint8))
    change(path, PixelData=encapsulate([b"\xff\xd8" * 9] * 3), TransferSyntaxUID=syntax)
    with pytest.raises(
        UsageError, match=r"stored as '(JPEG 2000 Part 2|JPIP).*', for which there is no decoder; export"
    ):
        open_dicom_file(path)


GRAY = RAMP.astype(np.uint8)
DEEP = RAMP.astype(np.uint16) * 50
COLOR = np.stack([GRAY, 2 * GRAY, 255 - GRAY], axis=-1)


@pytest.mark.parametrize("frames", [GRAY, DEEP, COLOR], ids=["8 bit", "16 bit", "color"])
@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_uncompressed_little_endian_is_read_in_any_order(tmp_path, write_dicom, frames, syntax):
    cine = open_dicom_file(change(write_dicom(tmp_path / "a.dcm", frames), TransferSyntaxUID=syntax))
    assert all(np.array_equal(np.squeeze(cine.read(index)), frames[index]) for index in (2, 0, 1))


@pytest.mark.parametrize("frames", [GRAY, DEEP, COLOR], ids=["8 bit", "16 bit", "color"])
def test_big_endian_is_read(tmp_path, write_dicom, frames):
    path = write_dicom(tmp_path / "a.dcm", frames)
    file = pydicom.dcmread(path)
    file.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    file.PixelData = frames.astype(frames.dtype.newbyteorder(">")).tobytes()
    pydicom.dcmwrite(path, file, implicit_vr=False, little_endian=False)
    cine = open_dicom_file(path)
    assert all(np.array_equal(np.squeeze(cine.read(index)), frames[index]) for index in (2, 0, 1))


@pytest.mark.parametrize(
    ("syntax", "frames"),
    [(RLELossless, GRAY), (RLELossless, DEEP), (RLELossless, COLOR), (JPEGLSLossless, GRAY), (JPEGLSLossless, DEEP)],
)
def test_lossless_compression_is_read_exactly(tmp_path, write_dicom, syntax, frames):
    path = write_dicom(tmp_path / "a.dcm", frames)
    file = pydicom.dcmread(path)
    file.compress(syntax)
    file.save_as(path)
    cine = open_dicom_file(path)
    assert all(np.array_equal(np.squeeze(cine.read(index)), frames[index]) for index in (2, 0, 1))


@pytest.mark.parametrize("photometric", ["MONOCHROME2", "RGB", "YBR_FULL_422"])
def test_jpeg_baseline_is_read_in_gray_and_color(tmp_path, write_dicom, photometric):
    ramp = np.add.outer(np.arange(16), np.arange(24)).astype(np.uint8)
    gray = np.stack([ramp, 3 * ramp, 5 * ramp])  # (T, H, W)
    frames = gray if photometric == "MONOCHROME2" else np.stack([gray, gray // 2, 255 - gray], axis=-1)
    path = write_dicom(tmp_path / "a.dcm", frames, PhotometricInterpretation=photometric)
    jpegs = [to_jpeg(frame, keep_rgb=photometric == "RGB") for frame in frames]
    cine = open_dicom_file(change(path, PixelData=encapsulate(jpegs), TransferSyntaxUID=JPEGBaseline8Bit))
    assert all(np.abs(np.squeeze(cine.read(index)).astype(int) - frames[index]).max() <= 12 for index in (2, 0, 1))


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
