# SPDX-License-Identifier: Apache-2.0
"""NIfTI files by nibabel, which takes any affine (SimpleITK refuses sheared ones)."""

from __future__ import annotations

import math
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.openers import ImageOpener
from nibabel.spatialimages import HeaderDataError
from nibabel.volumeutils import seek_tell

from monai_i2v.errors import UsageError
from monai_i2v.media.checksums import check_gzip
from monai_i2v.media.quiet import quiet
from monai_i2v.media.volume import LabelFrames, Volume, affine_with_time, arrange_frames, find_time_axis, possible_time

__all__ = ["load_nifti", "nifti_affines", "read_nifti", "save_labels_like_nifti", "save_new_nifti"]

MILLIMETERS = {
    "mm": 1.0,
    "meter": 1000.0,
    "micron": 0.001,
    "unknown": 1.0,
}  # per unit; NIfTI is in mm by custom
TIME_AXIS = 3
SECONDS = {"sec": 1.0, "msec": 0.001, "usec": 0.000001}
FREE_TEXTS = ("descrip", "aux_file", "db_name", "intent_name")  # may name a patient
READ_ERRORS = (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, OverflowError, MemoryError, zlib.error)
MAX_ZIP = 1032  # bytes out of one, which gzip cannot exceed


def read_nifti(path: Path) -> Volume:
    """Read one slice over time; frames have seconds only where time is the fourth axis and has a unit of time.

    The third axis of NIfTI is a direction in space, in mm, even where frames lie along it. Programs such as SimpleITK
    give a unit of time to files that have no axis of time.

    Raises:
        UsageError: When the file cannot be read, or is not one slice over time.
    """
    image, pixels = load_nifti(path)
    zooms = [*map(float, image.header.get_zooms()), 0.0, 0.0]
    space_unit, time_unit = _units(image.header)
    time_axis = find_time_axis(path, pixels.shape[:-1])
    frame_time = possible_time(zooms[time_axis] * SECONDS.get(time_unit, 0.0)) if time_axis >= TIME_AXIS else None
    unit = MILLIMETERS.get(space_unit, 1.0)
    return Volume(
        frames=arrange_frames(path, pixels),
        affine=affine_with_time(np.array(image.affine), time_axis, frame_time),
        spacing=(zooms[1] * unit, zooms[0] * unit),
        frame_time=frame_time,
    )


def load_nifti(path: Path) -> tuple[nib.Nifti1Image, np.ndarray]:
    """Header and stored pixels, (X, Y[, ...], C).

    Raises:
        UsageError: When the file cannot be read.
    """
    try:
        with quiet("nibabel"):
            image = nib.load(path)
            _check_size(image, path)
            if path.suffix.lower() == ".gz":
                with path.open("rb") as file:
                    check_gzip(file)
            pixels = np.asanyarray(image.dataobj)
    except READ_ERRORS as error:
        raise UsageError(
            f"{path} cannot be read as NIfTI; it is damaged, cut off, or not what its name says; export it again."
        ) from error
    return image, _with_channels(pixels)


def nifti_affines(header: nib.Nifti1Header) -> tuple[np.ndarray, ...]:
    """Affines (4, 4) from indices to RAS in mm that a header gives: sform, then qform where it differs.

    None of them counts that the header marks as unknown (code 0).

    Example::

        >>> import numpy as np, nibabel
        >>> from monai_i2v.media.nifti import nifti_affines
        >>> image = nibabel.Nifti1Image(np.zeros((4, 4, 1), np.uint8), np.diag([0.5, 0.5, 1, 1]))
        >>> [affine.diagonal().tolist() for affine in nifti_affines(image.header)]
        [[0.5, 0.5, 1.0, 1.0]]
        >>> nifti_affines(nibabel.Nifti1Image(np.zeros((4, 4, 1), np.uint8), None).header)
        ()
    """
    found = [affine for affine, code in (header.get_sform(coded=True), _qform(header)) if code and affine is not None]
    in_mm = [np.diag([*[MILLIMETERS.get(_units(header)[0], 1.0)] * 3, 1.0]) @ affine for affine in found]
    return tuple(in_mm[:1] if len(in_mm) == 2 and np.allclose(in_mm[0], in_mm[-1], rtol=1e-4, atol=1e-3) else in_mm)


def save_labels_like_nifti(path: Path, labels: LabelFrames, source: Path) -> None:
    """Save labels, frame by frame, with shape, affine and units of a source, and without its free texts."""
    with quiet("nibabel"):
        like = nib.load(source)
    header = like.header.copy()
    shape = like.shape[:-1] if len(like.shape) > 4 else like.shape  # the fifth axis is color
    header.set_data_dtype(labels.dtype)
    header.set_intent("none")
    header.set_slope_inter(1, 0)
    header.extensions.clear()
    for text in FREE_TEXTS:
        header[text] = b""
    header["cal_min"] = header["cal_max"] = 0
    _write_frames(path, type(like)(_stand_in(shape, labels.dtype), like.affine, header), labels)


def save_new_nifti(
    path: Path, labels: LabelFrames, spacing: tuple[float, float] | None, frame_time: float | None
) -> None:
    """Save labels, frame by frame, as (x, y, time).

    Args:
        path: ends with ``.nii`` or ``.nii.gz``.
        labels: frames of an integer type.
        spacing: mm per pixel, (row, column); 1 when unknown.
        frame_time: s; 1 without a unit when unknown.
    """
    row, column = spacing or (1.0, 1.0)
    pixels = _stand_in(labels.shape[::-1], labels.dtype)
    image = nib.Nifti1Image(pixels, np.diag([column, row, frame_time or 1.0, 1.0]))
    image.header.set_xyzt_units("mm" if spacing else "unknown", "sec" if frame_time else "unknown")
    _write_frames(path, image, labels)


def _stand_in(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An array of this shape that needs no memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _write_frames(path: Path, image: nib.Nifti1Image, labels: LabelFrames) -> None:
    """Write the header of an image, and frames (H, W) as its pixels, of which x runs fastest."""
    image.update_header()
    header = image.header.copy()
    header.set_slope_inter(1, 0)
    order = header.endianness
    with ImageOpener(path, "wb") as file:
        header.write_to(file)
        seek_tell(file, header.get_data_offset(), write0=True)
        for frame in labels:
            file.write(frame.astype(frame.dtype.newbyteorder(order), copy=False).tobytes())


def _check_size(image: nib.Nifti1Image, path: Path) -> None:
    """Pixels of which the file cannot hold so many are not read: room for them is made before they turn out to lack."""
    claimed = math.prod(image.shape) * image.get_data_dtype().itemsize
    if claimed > MAX_ZIP * path.stat().st_size:
        raise ValueError(f"{claimed} bytes of pixels")


def _qform(header: nib.Nifti1Header) -> tuple[np.ndarray | None, int]:
    try:
        return header.get_qform(coded=True)
    except (ValueError, HeaderDataError):  # its quaternion is no rotation
        return None, 0


def _units(header: nib.Nifti1Header) -> tuple[str, str]:
    try:
        return header.get_xyzt_units()
    except KeyError:  # a code that NIfTI does not know
        return "unknown", "unknown"


def _with_channels(pixels: np.ndarray) -> np.ndarray:
    """Bring colors to a last axis: from fields (R, G, B), from a fifth axis, or one channel for gray."""
    if pixels.dtype.names:
        return np.stack([pixels[name] for name in pixels.dtype.names], axis=-1)
    return pixels if pixels.ndim > 4 else pixels[..., None]
