# SPDX-License-Identifier: Apache-2.0
"""Which reader and writer goes with which volume format."""

from __future__ import annotations

from pathlib import Path

from monai_i2v.media.itk_image import read_itk, save_labels_like_itk
from monai_i2v.media.nifti import read_nifti, save_labels_like_nifti
from monai_i2v.media.volume import LabelFrames, Volume

__all__ = ["VOLUME_SUFFIXES", "read_volume", "save_labels_like", "suffix_of"]

NIFTI_SUFFIXES = (".nii", ".nii.gz")
VOLUME_SUFFIXES = (*NIFTI_SUFFIXES, ".mhd", ".mha", ".nrrd", ".nhdr")


def suffix_of(path: Path) -> str:
    """Suffix in lower case, ``.nii.gz`` as one.

    Example::

        >>> from pathlib import Path
        >>> from monai_i2v.media.volume_files import suffix_of
        >>> suffix_of(Path("a.b.NII.gz")), suffix_of(Path("a.b.mhd"))
        ('.nii.gz', '.mhd')
    """
    return ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix.lower()


def read_volume(path: Path) -> Volume:
    """Read a file with one of the `VOLUME_SUFFIXES`.

    Raises:
        UsageError: When the file cannot be read, or is not one slice over time.
    """
    return read_nifti(path) if suffix_of(path) in NIFTI_SUFFIXES else read_itk(path)


def save_labels_like(source: Path, folder: Path, labels: LabelFrames) -> None:
    """Save labels, frame by frame, as ``masks`` in the format, shape and geometry of a volume; NIfTI is zipped."""
    if suffix_of(source) in NIFTI_SUFFIXES:
        save_labels_like_nifti(folder / "masks.nii.gz", labels, source)
    else:
        save_labels_like_itk(folder / f"masks{suffix_of(source)}", labels, source)
