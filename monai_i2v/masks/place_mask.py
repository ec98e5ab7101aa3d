# SPDX-License-Identifier: Apache-2.0
"""Masks out of volumes, in the order in which their video keeps its pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from monai_i2v.errors import UsageError
from monai_i2v.masks.label_series import LabelSeries
from monai_i2v.masks.mask_volume import MaskVolume
from monai_i2v.masks.placement import AS_IT_LIES, Placement, find_placements
from monai_i2v.masks.video_grid import VideoGrid, find_video_grid
from monai_i2v.media.video import VideoInfo

__all__ = ["place_mask"]

ADVICE = "resample the mask to the video, or save it as PNG, which has no place in space and is taken as it lies."


def place_mask(path: Path, mask: MaskVolume, info: VideoInfo, ref_frame: int | None = None) -> LabelSeries:
    """Frames of a mask.

    What both files say about space decides: the same space in another order is turned, another space is refused. A
    mask is taken as it lies when one of both says nothing, or only what programs write that know nothing: spacing 1
    at the origin, or, for a DICOM recording, spacing alone. A cropped segmentation of 3D Slicer is put in its place.

    Args:
        path: for messages.
        mask: what was read.
        info: facts about the video.
        ref_frame: the frame that a single mask is used for; None when that is not known.

    Raises:
        UsageError: When the mask lies elsewhere.
    """
    grid = find_video_grid(info) if mask.affines else VideoGrid()
    fitting = [placement for placement in find_placements(mask, grid) if _is_inside(placement, mask, info)]
    if len(fitting) > 1:
        raise UsageError(
            f"the qform and the sform of the mask {path} or of the video {info.path} contradict each other, so its "
            "place cannot be told; expected one geometry; save it again with both equal."
        )
    if fitting:
        return _series(path, mask, info, fitting[0], ref_frame, moves=grid.moves)
    if not grid.affines or not mask.affines or _says_nothing(mask, grid, info):
        return _as_it_lies(path, mask, info)
    _check_size(path, mask, info)
    raise UsageError(
        f"the mask {path} lies elsewhere than the video {info.path}: {_describe(mask.affines[0])}, but "
        f"{_describe(grid.affines[0])}; expected the same pixels in space; {ADVICE}"
    )


def _series(
    path: Path, mask: MaskVolume, info: VideoInfo, place: Placement, ref_frame: int | None, *, moves: bool
) -> LabelSeries:
    frames, (left, top, first) = _frames(path, mask.voxels, place), place.start
    size = (info.height, info.width)
    if mask.offset is not None:
        length = info.length if moves else len(frames)
        return LabelSeries(frames, size, length, (first, top, left))
    if moves and first and ref_frame is not None and first != ref_frame:
        raise UsageError(
            f"the mask {path} lies at frame {first} of the video {info.path}, but is given for frame {ref_frame}; "
            f"expected the mask of that frame; set ref_frame to {first}, or choose another mask."
        )
    return LabelSeries.of_frames(frames)


def _is_inside(place: Placement, mask: MaskVolume, info: VideoInfo) -> bool:
    """Whether a mask covers the frames, or, cut out by 3D Slicer, a part of them."""
    width, height, frames = (mask.size[axis] for axis in place.axes)
    left, top, first = place.start
    if not 0 <= first <= max(info.length - frames, 0):
        return False
    if mask.offset is None:
        whole = (left, top, width, height) == (0, 0, info.width, info.height)
        return whole and (first == 0 or frames == 1)
    return 0 <= left <= info.width - width and 0 <= top <= info.height - height


def _as_it_lies(path: Path, mask: MaskVolume, info: VideoInfo) -> LabelSeries:
    frames = _frames(path, mask.voxels, AS_IT_LIES)
    if mask.offset is None:
        return LabelSeries.of_frames(frames)
    left, top, first = mask.offset
    height, width = frames.shape[1:]
    if not (0 <= left <= info.width - width and 0 <= top <= info.height - height and 0 <= first < info.length):
        raise UsageError(
            f"the mask {path} is {width} x {height} from column {left} and row {top} on, but the video {info.path} is "
            f"{info.width} x {info.height} (width x height); expected a part of it; choose the mask of this video."
        )
    whole = first == 0 and len(frames) == 1
    return LabelSeries(frames, (info.height, info.width), 1 if whole else info.length, (first, top, left))


def _says_nothing(mask: MaskVolume, grid: VideoGrid, info: VideoInfo) -> bool:
    """Whether a mask or its video has a geometry that programs write which know none."""
    if any(map(_is_default, (*mask.affines, *grid.affines))):
        return True
    return info.kind == "dicom" and all(map(_is_spacing_only, mask.affines))


def _is_default(affine: np.ndarray) -> bool:
    plane = np.abs(affine[:3, :2])
    return bool(np.allclose(plane, np.eye(3)[:, :2]) and not affine[:2, 3].any())


def _is_spacing_only(affine: np.ndarray) -> bool:
    """As our own masks of a DICOM recording have it."""
    return bool(np.allclose(affine, np.diag(affine.diagonal())) and (affine.diagonal() > 0).all())


def _frames(path: Path, voxels: np.ndarray, place: Placement) -> np.ndarray:
    """(X, Y, Z, T) to (T, H, W)."""
    if voxels.shape[place.axes[2]] > 1 and voxels.shape[3] > 1:
        raise UsageError(
            f"{path} has {' x '.join(map(str, voxels.shape))} voxels; expected one slice over time, (x, y, time) or "
            "(x, y, 1, time); cut out one slice and open that."
        )
    return place.frames(voxels)


def _check_size(path: Path, mask: MaskVolume, info: VideoInfo) -> None:
    """Sizes tell more than places do."""
    width, height = mask.size[:2]
    if sorted((width, height)) != sorted((info.width, info.height)):
        raise UsageError(
            f"the mask {path} is {width} x {height}, but the video {info.path} is {info.width} x {info.height} "
            "(width x height); expected the same size; draw the mask on a frame of this video."
        )


def _describe(affine: np.ndarray) -> str:
    row, column = (np.linalg.norm(affine[:3, axis]) for axis in (1, 0))
    origin = ", ".join(f"{value:.4g}" for value in affine[:3, 3])
    along = " and ".join(_direction(affine[:3, axis]) for axis in (0, 1))
    return f"its first pixel is at ({origin}) mm (RAS), pixels are {column:.4g} x {row:.4g} mm along {along}"


def _direction(column: np.ndarray) -> str:
    unit = column / (np.linalg.norm(column) or 1.0)
    return "(" + ", ".join(f"{value:.3g}" for value in unit + 0.0) + ")"
