# SPDX-License-Identifier: Apache-2.0
"""What a mask file stores, and where it says that it lies in space."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.masks.slicer_segments import extent_offset, has_segments, merge_layers
from monai_i2v.media.itk_image import itk_affine, itk_pixels, load_itk
from monai_i2v.media.nifti import load_nifti, nifti_affines
from monai_i2v.media.volume_files import NIFTI_SUFFIXES, suffix_of

__all__ = ["MaskVolume", "read_mask_volume"]


@dataclass(frozen=True)
class MaskVolume:
    """Stored numbers of a NIfTI, MHD, MHA or NRRD file, and its claims about space.

    Args:
        voxels: (X, Y, Z, T), in the order of the file.
        affines: (4, 4) each, from indices to RAS, mm; () when the file tells none, two when it contradicts itself.
        offset: indices of the first voxel in the picture that was segmented, as 3D Slicer tells them for a cropped
            segmentation; None for other files.
        flat: the file knows two dimensions of space only.
    """

    voxels: np.ndarray
    affines: tuple[np.ndarray, ...] = ()
    offset: tuple[int, int, int] | None = None
    flat: bool = False

    @property
    def size(self) -> tuple[int, int, int]:
        """Voxels along the three axes of space."""
        x, y, z = self.voxels.shape[:3]
        return x, y, z


def read_mask_volume(path: Path) -> MaskVolume:
    """Read a file with one of the `VOLUME_SUFFIXES`; layers of a 3D Slicer segmentation become one.

    Raises:
        UsageError: When the file cannot be read, or stores colors.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np, nibabel
        >>> from monai_i2v.masks.mask_volume import read_mask_volume
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "mask.nii")
        ...     nibabel.Nifti1Image(np.ones((6, 4), np.uint8), np.diag([0.5, 0.5, 1, 1])).to_filename(path)
        ...     mask = read_mask_volume(path)
        >>> mask.voxels.shape, mask.affines[0].diagonal().tolist(), mask.offset
        ((6, 4, 1, 1), [0.5, 0.5, 1.0, 1.0], None)
    """
    if suffix_of(path) in NIFTI_SUFFIXES:
        image, pixels = load_nifti(path)
        return MaskVolume(_four_axes(path, pixels), nifti_affines(image.header))
    image = load_itk(path)
    meta = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    pixels = itk_pixels(image)
    if has_segments(meta):
        pixels = merge_layers(path, pixels, meta)[..., None]
    elif meta.get("NRRD_kinds[pixel]") == "list":  # a sequence of 3D Slicer: its frames come first
        pixels = pixels[..., None]
    offset = extent_offset(meta)
    return MaskVolume(_four_axes(path, pixels), (itk_affine(image),), offset, flat=image.GetDimension() == 2)


def _four_axes(path: Path, pixels: np.ndarray) -> np.ndarray:
    """(X, Y[, Z[, T]], C) to (X, Y, Z, T)."""
    if pixels.shape[-1] > 1:
        raise UsageError(f"the mask {path} stores colors; expected one label per voxel; save it in gray.")
    shape = pixels.shape[:-1]
    if not 2 <= len(shape) <= 4 or min(shape) < 1:
        raise UsageError(
            f"the mask {path} has {' x '.join(map(str, shape))} voxels; expected one slice, or one slice over time; "
            "cut that out and save it."
        )
    return pixels.reshape(*shape, *[1] * (4 - len(shape)))
