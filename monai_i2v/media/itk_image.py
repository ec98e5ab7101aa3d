# SPDX-License-Identifier: Apache-2.0
"""MHD, MHA and NRRD files by SimpleITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813

from monai_i2v.errors import UsageError
from monai_i2v.media.checksums import CHECKSUM_ERRORS, check_metaimage, check_nrrd
from monai_i2v.media.itk_frames import insert_frames
from monai_i2v.media.volume import LabelFrames, Volume, affine_with_time, arrange_frames, find_time_axis

__all__ = ["itk_affine", "itk_pixels", "load_itk", "read_itk", "save_labels_like_itk"]

NRRD_SUFFIXES = (".nrrd", ".nhdr")
SECONDS = {"s": 1.0, "sec": 1.0, "ms": 0.001, "msec": 0.001, "us": 0.000001}  # units that NRRD files use


def read_itk(path: Path) -> Volume:
    """Read one slice over time; only NRRD can say that an axis is time and what its unit is.

    Raises:
        UsageError: When the file cannot be read, or is not one slice over time.
    """
    image = load_itk(path)
    time_axis = find_time_axis(path, image.GetSize())
    frame_time = _frame_time(image, time_axis)
    column, row = image.GetSpacing()[:2]
    return Volume(
        frames=arrange_frames(path, itk_pixels(image)),
        affine=affine_with_time(itk_affine(image), time_axis, frame_time),
        spacing=(row, column),
        frame_time=frame_time,
    )


def load_itk(path: Path) -> sitk.Image:
    """The whole image, with its meta data.

    Raises:
        UsageError: When the file cannot be read.
    """
    try:
        (check_nrrd if path.suffix.lower() in NRRD_SUFFIXES else check_metaimage)(path)
        return sitk.ReadImage(str(path))
    except (RuntimeError, *CHECKSUM_ERRORS) as error:
        raise UsageError(
            f"{path} cannot be read as a volume; it is damaged, cut off, not what its name says, or the file "
            "with its data is missing; export it again."
        ) from error


def save_labels_like_itk(path: Path, labels: LabelFrames, source: Path) -> None:
    """Save labels, frame by frame, with size, origin, spacing and direction of a source.

    SimpleITK writes the header, of a single frame; the sizes in it and the pixels, compressed as it does, are ours.

    Raises:
        OSError: When the file cannot be written.
    """
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(source))
    reader.ReadImageInformation()
    size = reader.GetSize()
    first = np.zeros((*[1] * (len(size) - 2), size[1], size[0]), labels.dtype)
    image = sitk.GetImageFromArray(first, isVector=False)
    image.SetSpacing(reader.GetSpacing())
    image.SetOrigin(reader.GetOrigin())
    image.SetDirection(reader.GetDirection())
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OSError("SimpleITK cannot write it") from error
    insert_frames(path, size, labels)


def itk_pixels(image: sitk.Image) -> np.ndarray:
    """Pixels (X, Y[, ...], C)."""
    pixels = sitk.GetArrayFromImage(image)  # axes reversed, channels last
    if image.GetNumberOfComponentsPerPixel() == 1:
        pixels = pixels[..., None]
    return pixels.transpose(*reversed(range(image.GetDimension())), -1)


def itk_affine(image: sitk.Image | sitk.ImageFileReader) -> np.ndarray:
    """Affine (4, 4) from indices of the first three axes to RAS, mm."""
    dimension = image.GetDimension()
    rank = min(dimension, 3)
    direction = np.reshape(image.GetDirection(), (dimension, dimension))[:rank, :rank]
    affine = np.eye(4)
    affine[:rank, :rank] = direction * image.GetSpacing()[:rank]
    affine[:rank, 3] = image.GetOrigin()[:rank]
    affine[:2] *= -1  # ITK counts from right to left and from front to back, RAS the other way round
    return affine


def _frame_time(image: sitk.Image, axis: int) -> float | None:
    keys = (f"NRRD_kinds[{axis}]", f"NRRD_units[{axis}]")
    kind, unit = (image.GetMetaData(key) if image.HasMetaDataKey(key) else "" for key in keys)
    return image.GetSpacing()[axis] * SECONDS[unit] if kind == "time" and unit in SECONDS else None
