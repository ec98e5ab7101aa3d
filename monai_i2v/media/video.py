# SPDX-License-Identifier: Apache-2.0
"""What every video source gives: facts, and frames one at a time."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from monai_i2v.errors import UsageError

__all__ = ["FRAME_TIMES", "FrameError", "SourceFrame", "StoredFrame", "Video", "VideoInfo", "scale"]


FRAME_TIMES = (1e-5, 3600.0)  # s; from ultrafast ultrasound to a picture per hour, all else is a slip
BYTES = np.arange(256, dtype=np.uint8)
HUGE = 1e37  # intensities whose differences may be more than float32 can hold


class FrameError(UsageError):
    """One frame cannot be decoded, while others of the same video may be fine.

    Its text stands in the results, so it names a file without its folder.
    """


class SourceFrame(NamedTuple):
    """Where DICOM keeps a frame."""

    path: Path
    instance: str  # SOP Instance UID
    number: int  # in the file, from 1


@dataclass(frozen=True)
class VideoInfo:
    """Facts about a video.

    Args:
        path: file or folder that it was opened from.
        kind: ``"movie"`` (MP4, AVI ...), ``"dicom"``, ``"volume"`` (NIfTI, MHD, NRRD), ``"frames"`` (stills),
            ``"array"`` (NPY, NPZ) or ``"phantom"``.
        length: number of frames.
        height: rows, px.
        width: columns, px.
        frame_time: mean seconds from one frame to the next, None when the source does not tell, or tells no positive
            number.
        spacing: mm per pixel, (row, column), None when the source does not tell, or tells no positive numbers.
        region: calibrated 2D region of an ultrasound picture, rows and columns (top, left, bottom, right) of which the
            last two are the first outside; None when the source does not tell.
        sources: of each frame of a DICOM recording, where it is kept; () for others.
        frame_times: seconds of each frame where the source tells them one by one (they are counted from the first, and
            `frame_time` becomes their mean step); () where frames follow each other evenly, or do not rise in time.

    Example::

        >>> from monai_i2v.media.video import VideoInfo
        >>> info = VideoInfo("a.mkv", "movie", 3, 48, 64, frame_times=(1.0, 1.04, 3.0))
        >>> info.frame_time, info.time_of(2), info.duration
        (1.0, 2.0, 3.0)
    """

    path: str
    kind: str
    length: int
    height: int
    width: int
    frame_time: float | None = None
    spacing: tuple[float, float] | None = None
    region: tuple[int, int, int, int] | None = None
    sources: tuple[SourceFrame, ...] = field(default=(), repr=False)
    frame_times: tuple[float, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        times = _from_first(self.frame_times) if len(self.frame_times) == self.length > 1 else ()
        object.__setattr__(self, "frame_times", times)
        if times:
            object.__setattr__(self, "frame_time", times[-1] / (len(times) - 1))
        if self.frame_time is not None and not 0 < self.frame_time < math.inf:
            object.__setattr__(self, "frame_time", None)
        if self.spacing is not None and not all(0 < side < math.inf for side in self.spacing):
            object.__setattr__(self, "spacing", None)

    def time_of(self, index: int) -> float | None:
        """Seconds from the first frame to a frame, None when the source does not tell."""
        if self.frame_times:
            return self.frame_times[index]
        return None if self.frame_time is None else index * self.frame_time

    @property
    def duration(self) -> float | None:
        """Seconds from the first frame to the end of the last, which is taken to last as long as the mean."""
        last = self.time_of(self.length - 1)
        return None if last is None or self.frame_time is None else last + self.frame_time


def scale(frame: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Scale intensities of any shape so that a window becomes [0, 1], clip the others, and take NaN for 0; float32.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.video import scale
        >>> scale(np.array([-3.0, 5.0, 99.0, np.nan]), (0, 20)).tolist()
        [0.0, 0.25, 1.0, 0.0]
    """
    if frame.dtype == np.uint8 and frame.size > BYTES.size:
        return scale(BYTES, window)[frame]
    black, white = window
    kind = np.float64 if max(abs(black), abs(white)) > HUGE else np.float32
    shades = (frame.astype(kind) - black) / (white - black)
    return np.nan_to_num(np.clip(shades, 0.0, 1.0), nan=0.0).astype(np.float32, copy=False)


def _from_first(times: Sequence[float]) -> tuple[float, ...]:
    """Times counted from the first of them; () unless they are finite and rise."""
    is_rising = all(before < after < math.inf for before, after in pairwise(times))
    return tuple(float(time - times[0]) for time in times) if is_rising and math.isfinite(times[0]) else ()


class StoredFrame:
    """A frame as its source stores it, often in a twelfth of the bytes that are to be seen.

    Args:
        pixels: (H, W, C), C = 1 or 3: uint8 with `shades`, else float32 as they are to be seen.
        shades: what each of the 256 numbers is to be seen as (256,), float32 in [0, 1].

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.video import StoredFrame
        >>> StoredFrame(np.full((2, 2, 1), 255, np.uint8), np.linspace(0, 1, 256, dtype=np.float32)).frame.shape
        torch.Size([3, 2, 2])
    """

    def __init__(self, pixels: np.ndarray, shades: np.ndarray | None = None) -> None:
        self.pixels, self.shades = pixels, shades
        self.prepared: Any = None  # what a `ReadAhead` was told to make of it

    @cached_property
    def frame(self) -> Tensor:
        """(3, H, W), float32 in [0, 1]; gray is not copied."""
        seen = self.pixels if self.shades is None else self.shades[self.pixels]
        return torch.from_numpy(np.ascontiguousarray(seen.transpose(2, 0, 1))).expand(3, -1, -1)


class Video(ABC):
    """Frames of one recording, decoded when asked for; reading them in order is fast for every source.

    A subclass implements `read`, and `display` where one window is not enough. `video[i]` is what the networks take: a
    float tensor (3, H, W) in [0, 1], gray replicated to three channels, the source's intensities scaled linearly from
    `window`.

    Args:
        info: facts about the video.
        window: two different intensities of the source, shown as 0 and 1; values outside are clipped. The first is
            the higher one where the source stores its pictures inverted (DICOM MONOCHROME1).
    """

    def __init__(self, info: VideoInfo, window: tuple[float, float] = (0.0, 255.0)) -> None:
        self.info = info
        self.window = window

    @abstractmethod
    def read(self, index: int) -> np.ndarray:
        """Frame `index` as the source stores it: (H, W, C), C = 1 (gray) or 3 (RGB), any numeric type.

        Raises:
            FrameError: When this one frame cannot be decoded.
        """

    def show(self, index: int) -> np.ndarray:
        """Frame `index` as it is to be seen: (H, W, C) float32 in [0, 1].

        Raises:
            FrameError: When this one frame cannot be decoded.
        """
        return self.display(index, self.read(index))

    def display(self, index: int, pixels: np.ndarray) -> np.ndarray:
        """How intensities of frame `index`, in any shape, are to be seen, each by itself: float32 in [0, 1]."""
        return scale(pixels, self.window)

    def stored(self, index: int) -> StoredFrame:
        """Frame `index` as it is stored, and how it is to be seen; see `__getitem__` for what it raises."""
        if not 0 <= index < len(self):
            raise IndexError(
                f"frame {index} was asked for, but the video has {len(self)} frames (0 to {len(self) - 1})."
            )
        pixels = self.read(index)
        if pixels.dtype == np.uint8:
            return StoredFrame(pixels, self.display(index, BYTES))
        return StoredFrame(self.display(index, pixels))

    def close(self) -> None:  # noqa: B027 - most sources hold nothing open
        """Release files. A closed video is not read again."""

    def __len__(self) -> int:
        return self.info.length

    def __getitem__(self, index: int) -> Tensor:
        return self.stored(index).frame

    def __iter__(self) -> Iterator[Tensor]:
        return (self[index] for index in range(len(self)))

    def __enter__(self) -> Video:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
