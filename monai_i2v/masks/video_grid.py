# SPDX-License-Identifier: Apache-2.0
"""Where the pixels of a video lie in space, for masks that say where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from pydicom import dcmread

from monai_i2v.media.dicom.plane import PLANE_TAGS, find_planes
from monai_i2v.media.itk_image import itk_affine
from monai_i2v.media.nifti import nifti_affines
from monai_i2v.media.quiet import quiet
from monai_i2v.media.video import VideoInfo
from monai_i2v.media.volume_files import NIFTI_SUFFIXES, suffix_of

__all__ = ["VideoGrid", "find_video_grid"]

STEADY = 0.1  # of a step: positions of frames that differ by less follow each other evenly
SAME_PLACE = 0.01  # mm
LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class VideoGrid:
    """Frames in space.

    Args:
        affines: (4, 4) each, from (column, row, frame) to RAS, mm; () when the video tells none, two when it
            contradicts itself. Where all frames lie in one place, the third column is the unit normal of the plane.
        moves: frame after frame lies elsewhere, or the file keeps time as the third axis of space.
    """

    affines: tuple[np.ndarray, ...] = ()
    moves: bool = False


def find_video_grid(info: VideoInfo) -> VideoGrid:
    """The grid that a volume's header or the positions of a DICOM recording tell; that of others is empty.

    Example::

        >>> from monai_i2v.masks.video_grid import find_video_grid
        >>> from monai_i2v.media.video import VideoInfo
        >>> find_video_grid(VideoInfo("cine.mp4", "movie", 9, height=2, width=2)).affines
        ()
    """
    if info.kind == "volume":
        return _grid_of_volume(Path(info.path))
    if info.kind == "dicom" and info.sources and info.spacing:
        return _grid_of_dicom(info, info.spacing)
    return VideoGrid()


def _grid_of_volume(path: Path) -> VideoGrid:
    if suffix_of(path) in NIFTI_SUFFIXES:
        with quiet("nibabel"):
            header = nib.load(path).header
        size, affines = header.get_data_shape(), nifti_affines(header)
    else:
        import SimpleITK as sitk  # noqa: N813

        reader = sitk.ImageFileReader()
        reader.SetFileName(str(path))
        reader.ReadImageInformation()
        size, affines = reader.GetSize(), (itk_affine(reader),)
    moves = len(size) > 2 and size[2] > 1
    affines = tuple(affine if moves else _with_normal(affine) for affine in affines)
    return VideoGrid(tuple(one for one in affines if abs(np.linalg.det(one[:3, :3])) > 0), moves)


def _grid_of_dicom(info: VideoInfo, spacing: tuple[float, float]) -> VideoGrid:
    headers = {
        path: dcmread(path, stop_before_pixels=True, specific_tags=list(PLANE_TAGS))
        for path in dict.fromkeys(source.path for source in info.sources)
    }
    planes = find_planes(headers, info.sources)
    if planes is None:
        return VideoGrid()
    positions = LPS_TO_RAS * np.array(planes.positions, float)  # (T, 3)
    right, down = LPS_TO_RAS * np.reshape(np.array(planes.orientation, float), (2, 3))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 3] = right * spacing[1], down * spacing[0], positions[0]
    step = (positions[-1] - positions[0]) / max(len(positions) - 1, 1)
    if np.abs(positions - positions[0]).max() < SAME_PLACE:
        return VideoGrid((_with_normal(affine),))
    even = positions[0] + step * np.arange(len(positions))[:, None]
    if np.abs(positions - even).max() > STEADY * np.linalg.norm(step):
        return VideoGrid()
    affine[:3, 2] = step
    return VideoGrid((affine,), moves=True)


def _with_normal(affine: np.ndarray) -> np.ndarray:
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    changed = affine.copy()
    changed[:3, 2] = normal / (np.linalg.norm(normal) or 1.0)
    return changed
