# SPDX-License-Identifier: Apache-2.0
"""Small movies and DICOM files that tests write themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage, generate_uid


def gray_frames(length: int = 20, size: tuple[int, int] = (32, 48)) -> list[np.ndarray]:
    """RGB frames (H, W, 3): frame i has the gray value 8 * i, and a white square at the top left."""
    frames = [np.full((*size, 3), 8 * i, np.uint8) for i in range(length)]
    for frame in frames:
        frame[:8, :8] = 255
    return frames


def _write_movie(
    path: Path,
    frames: Sequence[np.ndarray] | None = None,
    *,
    codec: str = "ffv1",
    pixels: str = "bgr0",
    codec_options: dict[str, str] | None = None,
    times: Sequence[int] | None = None,
    rotation: int | None = None,
    muxer_options: dict[str, str] | None = None,
) -> Path:
    frames = gray_frames() if frames is None else frames
    with av.open(str(path), "w", options=muxer_options or {}) as container:
        stream = container.add_stream(codec, rate=25, options=codec_options or {})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pixels
        stream.codec_context.gop_size = 5
        if rotation is not None:
            stream.set_display_rotation(rotation)
        for index, pixels_rgb in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels_rgb, "rgb24")
            frame.pts = times[index] if times else index
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _write_dicom(path: Path, frames: np.ndarray, **elements: Any) -> Path:
    """Write frames (T, H, W) or (T, H, W, 3) uncompressed, with the elements given by keyword."""
    file = Dataset()
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    file.file_meta.MediaStorageSOPInstanceUID = generate_uid()
    file.SOPClassUID = file.file_meta.MediaStorageSOPClassUID
    file.SOPInstanceUID = file.file_meta.MediaStorageSOPInstanceUID
    file.SeriesInstanceUID, file.StudyInstanceUID = "1.2.3", "1.2"
    file.PatientName = "Secret^Name"
    file.NumberOfFrames, file.Rows, file.Columns = frames.shape[:3]
    file.SamplesPerPixel = 3 if frames.ndim == 4 else 1
    file.PhotometricInterpretation = "RGB" if frames.ndim == 4 else "MONOCHROME2"
    if frames.ndim == 4:
        file.PlanarConfiguration = 0
    file.BitsAllocated = file.BitsStored = 8 * frames.dtype.itemsize
    file.HighBit = file.BitsStored - 1
    file.PixelRepresentation = int(frames.dtype.kind == "i")
    for keyword, value in elements.items():
        setattr(file, keyword, value)
    file.PixelData = frames.tobytes() + b"\0" * (frames.nbytes % 2)
    file.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def write_movie() -> Callable[..., Path]:
    return _write_movie


@pytest.fixture
def write_dicom() -> Callable[..., Path]:
    return _write_dicom
