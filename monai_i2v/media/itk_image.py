# SPDX-License-Identifier: Apache-2.0
"""MHD, MHA and NRRD files by SimpleITK."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.media.checksums import CHECKSUM_ERRORS, check_metaimage, check_nrrd
from monai_i2v.media.itk_frames import insert_frames
from monai_i2v.media.nrrd_axes import (
    NRRD_SUFFIXES,
    SECONDS,
    SEQUENCE_KEYS,
    Axes,
    find_axes,
    has_time_beside_space,
    listed_times,
    restore_axes,
)
from monai_i2v.media.volume import LabelFrames, Volume, affine_with_time, arrange_frames, find_time_axis, possible_time

if TYPE_CHECKING:
    import SimpleITK as sitk  # noqa: N813

__all__ = ["itk_affine", "itk_pixels", "load_itk", "read_itk", "save_labels_like_itk"]


def read_itk(path: Path) -> Volume:
    """Read one slice over time; only NRRD can say that an axis is time and what its unit is.

    A list of pictures (a sequence of 3D Slicer) is a video, and so is an image whose first or second axis is time.

    Raises:
        UsageError: When the file cannot be read, or is not one slice over time.
    """
    image = load_itk(path)
    axes = find_axes(image)
    pixels, affine, spacing = itk_pixels(image), itk_affine(image), image.GetSpacing()
    if axes.is_list:
        pixels = pixels[..., None]  # what looked like channels are frames
    elif axes.frames < 2:
        order = axes.order(image.GetDimension())
        pixels = pixels.transpose(*order, -1)
        affine[:3, :3] = affine[:3, order[:3]]
        spacing = tuple(spacing[axis] for axis in order)
    time_axis = find_time_axis(path, pixels.shape[:-1])
    times = listed_times(image, path)
    frame_time = _frame_time(image, axes)
    return Volume(
        frames=arrange_frames(path, pixels),
        affine=affine_with_time(affine, time_axis, frame_time),
        spacing=(spacing[1], spacing[0]),
        frame_time=frame_time,
        frame_times=times,
    )


def load_itk(path: Path) -> sitk.Image:
    """The whole image, with its meta data.

    Raises:
        UsageError: When the file cannot be read.
    """
    import SimpleITK as sitk  # noqa: N813

    try:
        (check_nrrd if path.suffix.lower() in NRRD_SUFFIXES else check_metaimage)(path)
        return sitk.ReadImage(str(path))
    except (RuntimeError, *CHECKSUM_ERRORS) as error:
        if has_time_beside_space(path):
            raise UsageError(
                f"{path} has an axis of kind 'time' without a direction in space, which is not read; expected 'list'; "
                "write 'list' in its place in the line 'kinds' of the header."
            ) from error
        raise UsageError(
            f"{path} cannot be read as a volume; it is damaged, cut off, not what its name says, or the file "
            "with its data is missing; export it again."
        ) from error


def save_labels_like_itk(path: Path, labels: LabelFrames, source: Path) -> None:
    """Save labels with size, origin, spacing, direction and kinds of axes of a source.

    Frame by frame where one frame follows the other in the file: SimpleITK then writes the header, of a single frame;
    the sizes in it and the pixels, compressed as it does, are ours. Where frames are the first axis or a list, all of
    them are held.

    Raises:
        OSError: When the file cannot be written.
    """
    import SimpleITK as sitk  # noqa: N813

    reader = sitk.ImageFileReader()
    reader.SetFileName(str(source))
    reader.ReadImageInformation()
    axes, size = find_axes(reader), reader.GetSize()
    in_order = not axes.is_list and axes.frames >= 2
    if in_order:
        first = np.zeros((*[1] * (len(size) - 2), size[1], size[0]), labels.dtype)
        image = sitk.GetImageFromArray(first, isVector=False)
    else:
        image = _with_frames_first(np.stack(list(labels)), axes, size)
    image.SetSpacing(reader.GetSpacing())
    image.SetOrigin(reader.GetOrigin())
    image.SetDirection(reader.GetDirection())
    for key in filter(reader.HasMetaDataKey, SEQUENCE_KEYS):
        image.SetMetaData(key, reader.GetMetaData(key))
    try:
        sitk.WriteImage(image, str(path), useCompression=True)
    except RuntimeError as error:
        raise OSError("SimpleITK cannot write it") from error
    if in_order:
        insert_frames(path, size, labels)
    restore_axes(path, source, reader)


def _with_frames_first(labels: np.ndarray, axes: Axes, size: tuple[int, ...]) -> sitk.Image:
    """An image of frames (T, H, W) that are the values of its pixels, or lie along an early axis."""
    import SimpleITK as sitk  # noqa: N813

    if axes.is_list:
        return sitk.GetImageFromArray(np.moveaxis(labels, 0, -1).reshape(*size[::-1], len(labels)), isVector=True)
    return sitk.GetImageFromArray(np.moveaxis(labels, 0, 2 - axes.frames).reshape(size[::-1]), isVector=False)


def itk_pixels(image: sitk.Image) -> np.ndarray:
    """Pixels (X, Y[, ...], C)."""
    import SimpleITK as sitk  # noqa: N813

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


def _frame_time(image: sitk.Image, axes: Axes) -> float | None:
    keys = (f"NRRD_kinds[{axes.frames}]", f"NRRD_units[{axes.frames}]")
    kind, unit = (image.GetMetaData(key) if image.HasMetaDataKey(key) else "" for key in keys)
    seconds = image.GetSpacing()[axes.frames] * SECONDS.get(unit, 0.0) if kind == "time" else 0.0
    return possible_time(seconds)
