# SPDX-License-Identifier: Apache-2.0
"""DICOM files and volumes that are whole, but say or hold odd things."""

from __future__ import annotations

import gzip
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fault import Fault, with_mask
from media import content, dicom, draw_frames, itk, nifti


def dicoms() -> Iterator[Fault]:
    """Headers that say odd things."""

    def with_elements(**elements: Any):
        return lambda folder: {"video": dicom(folder / "video.dcm", **elements)}

    yield Fault("DICOM", "one frame", lambda folder: {"video": dicom(folder / "video.dcm", draw_frames(1))})
    yield Fault("DICOM", "0 frames claimed", with_elements(NumberOfFrames=0))
    yield Fault("DICOM", "-3 frames claimed", with_elements(NumberOfFrames=-3))
    yield Fault("DICOM", "one frame more than there is", with_elements(NumberOfFrames=13))
    yield Fault("DICOM", "10^9 frames claimed", with_elements(NumberOfFrames=10**9))
    yield Fault("DICOM", "0 rows", with_elements(Rows=0))
    yield Fault("DICOM", "65535 x 65535 px claimed", with_elements(Rows=65535, Columns=65535))
    yield Fault("DICOM", "no photometric interpretation", with_elements(PhotometricInterpretation=None))
    yield Fault("DICOM", "unknown photometric interpretation", with_elements(PhotometricInterpretation="PURPLE"))
    yield Fault("DICOM", "frame time 0", with_elements(FrameTime="0"))
    yield Fault("DICOM", "frame time 10^9 s", with_elements(FrameTime="1e12"))
    yield Fault("DICOM", "frame rate 10^12 per s", with_elements(FrameTime="1e-9"))
    yield Fault("DICOM", "spacing 0", with_elements(PixelSpacing=["0", "0"]))
    yield Fault("DICOM", "window of width 0", with_elements(WindowCenter="5", WindowWidth="0"))
    yield Fault("DICOM", "slope 0", with_elements(RescaleSlope="0", RescaleIntercept="7"))
    yield Fault(
        "DICOM",
        "16 bit, signed",
        lambda folder: {"video": dicom(folder / "video.dcm", draw_frames().astype(np.int16) * 99 - 5000)},
    )
    yield Fault("DICOM", "run-length encoded", lambda folder: {"video": dicom(folder / "video.dcm", rle=True)})


def volumes() -> Iterator[Fault]:
    """Types, axes and values."""
    frames = draw_frames()

    def of(name: str, values: np.ndarray):
        return lambda folder: {"video": (nifti if ".nii" in name else itk)(folder / name, values)}

    ramp = frames.astype(np.float32)
    yield Fault("Volumes", "one frame", of("video.nii.gz", frames[:1]))
    yield Fault(
        "Volumes",
        "1 x 1 px",
        lambda folder: with_mask(folder, nifti(folder / "video.nii.gz", draw_frames(3, (1, 1))), (1, 1)),
    )
    yield Fault(
        "Volumes",
        "1 px high",
        lambda folder: with_mask(folder, itk(folder / "video.mha", draw_frames(3, (1, 48))), (1, 48)),
    )
    yield Fault("Volumes", "all NaN", of("video.nii.gz", np.full_like(ramp, np.nan)))
    yield Fault(
        "Volumes",
        "NaN in the reference frame",
        of("video.nii.gz", np.where(np.arange(12)[:, None, None] == 0, np.nan, ramp)),
    )
    yield Fault(
        "Volumes",
        "NaN in every second frame",
        of("video.mha", np.where(np.arange(12)[:, None, None] % 2, np.nan, ramp)),
    )
    yield Fault("Volumes", "infinite", of("video.nrrd", np.where(ramp > 60, np.inf, -np.inf)))
    yield Fault("Volumes", "1e38", of("video.nii", np.where(ramp > 60, np.float32(3e38), np.float32(-3e38))))
    yield Fault("Volumes", "64 bit whole numbers", of("video.mha", frames.astype(np.int64) * 2**50))
    yield Fault(
        "Volumes", "complex", lambda folder: {"video": nifti(folder / "video.nii.gz", frames.astype(np.complex64))}
    )
    yield Fault("Volumes", "constant", of("video.nrrd", np.full_like(ramp, -7.5)))
    yield Fault("Volumes", "transposed", of("video.nii.gz", frames.transpose(0, 2, 1)))
    yield Fault("Volumes", "MHD without its data", mhd_without_data)
    yield Fault("Volumes", "MHD with half of its data", lambda folder: mhd(folder, keep=0.5))
    yield Fault("Volumes", "MHD that names a file elsewhere", mhd_elsewhere)
    yield Fault("Volumes", "MHD of 10^15 voxels", mhd_huge)
    yield Fault("Volumes", "NIfTI of 10^13 voxels", nifti_huge)
    yield Fault("Volumes", "NIfTI with spacing NaN", nifti_with(pixdim=(1, np.nan, np.nan, 1, 1, 1, 1, 1)))
    yield Fault("Volumes", "NIfTI with frame time 10^30 s", nifti_with(pixdim=(1, 1, 1, 1e30, 1, 1, 1, 1)))
    yield Fault("Volumes", "NIfTI with frame time -1 s", nifti_with(pixdim=(1, 1, 1, -1, 1, 1, 1, 1)))
    yield Fault("Volumes", "NIfTI of an unknown data type", nifti_with(datatype=77))


def mhd(folder: Path, keep: float = 1.0):
    itk(folder / "video.mhd", zipped=False)
    os.truncate(folder / "video.raw", int(keep * (folder / "video.raw").stat().st_size))
    return {"video": folder / "video.mhd"}


def mhd_without_data(folder: Path):
    given = mhd(folder)
    (folder / "video.raw").unlink()
    return given


def mhd_elsewhere(folder: Path):
    given = mhd(folder)
    text = given["video"].read_text().replace("video.raw", "../../../../../../etc/passwd")
    given["video"].write_text(text)
    return given


def mhd_huge(folder: Path):
    given = mhd(folder)
    given["video"].write_text(
        given["video"].read_text().replace("DimSize = 48 32 12", "DimSize = 100000 100000 100000")
    )
    return given


def nifti_huge(folder: Path):
    image = nib.Nifti1Image(draw_frames().transpose(2, 1, 0), np.eye(4))
    image.header["dim"] = (3, 30000, 30000, 10000, 1, 1, 1, 1)
    packed = gzip.compress(image.header.binaryblock + bytes(4 + 100000), mtime=0)
    (folder / "video.nii.gz").write_bytes(packed)
    return {"video": folder / "video.nii.gz"}


def nifti_with(**fields: Any):
    def make(folder: Path):
        raw = bytearray(gzip.decompress(content("video.nii.gz")))
        header = nib.Nifti1Header(bytes(raw[:348]), check=False)
        header["xyzt_units"] = 10  # mm, s
        for field, value in fields.items():
            header[field] = value
        (folder / "video.nii.gz").write_bytes(gzip.compress(header.binaryblock + bytes(raw[348:]), mtime=0))
        return {"video": folder / "video.nii.gz"}

    return make
