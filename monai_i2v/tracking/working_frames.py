# SPDX-License-Identifier: Apache-2.0
"""A video's frames as a network sees them: at its size, and the calibrated region alone when asked for.

Axes: `C` image channels, `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.media import FrameError, Video
from monai_i2v.media.video import StoredFrame
from monai_i2v.tracking.frame_upload import FrameUpload
from monai_i2v.tracking.working_size import DEFAULT_SIZE, MAX_RAISED, Size, object_widths, raised_size, tell_size

__all__ = ["MIN_SIDE", "WorkingFrames", "working_size"]

# Networks take any size from this one on, px.
MIN_SIDE = 16
# A frame whose sides differ more than this is not kept in proportion: its short side would need a huge long side.
MAX_ASPECT = 2.0


def working_size(height: int, width: int, size: int | None) -> tuple[int, int]:
    """Rows and columns that a network works on: the short side becomes `size`, in proportion; None keeps the frame's.

    Example::

        >>> from monai_i2v.tracking import working_size
        >>> working_size(480, 640, 256), working_size(480, 640, None), working_size(64, 1024, 256)
        ((256, 341), (480, 640), (256, 512))
    """
    if size is None:
        return max(height, MIN_SIDE), max(width, MIN_SIDE)
    scale = size / min(height, width)
    longest = round(size * MAX_ASPECT)
    return min(round(height * scale), longest), min(round(width * scale), longest)


class WorkingFrames(Sequence[Tensor]):
    """Frames (1, C, h, w), decoded and resized when asked for.

    A frame that cannot be decoded is replaced by the nearest one before it (or after it, at the start), and noted.

    Args:
        video: the video, or a sequence of frames (C, H, W) in [0, 1].
        size: short side of the frames, px; None keeps the video's size, ``"auto"`` takes 256 or what `fit` finds.
        device: where the frames go.
        crop: cut out the calibrated region of the video (`VideoInfo.region`); what is restored is 0 around it.

    Raises:
        UsageError: When the video has no calibrated region to cut out.
    """

    def __init__(
        self,
        video: Video | Sequence[Tensor],
        size: Size,
        *,
        device: torch.device | str = "cpu",
        crop: bool = False,
    ) -> None:
        self.video, self.device = video, torch.device(device)
        height, width = (video.info.height, video.info.width) if isinstance(video, Video) else video[0].shape[-2:]
        self.video_size = (int(height), int(width))
        self.region = _region(video) if crop else (0, 0, *self.video_size)
        top, left, bottom, right = self.region
        self.seen_size = (bottom - top, right - left)
        self.short_side = DEFAULT_SIZE if size == "auto" else size
        self.may_raise = size == "auto"
        self.size = working_size(*self.seen_size, self.short_side)
        self.unreadable: dict[int, str] = {}
        self._last: tuple[int, StoredFrame | Tensor] | None = None

    def __len__(self) -> int:
        return len(self.video)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | list[Tensor]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        return self._resize(self._cut(self._sent(index)))

    def fit(self, masks: Tensor | np.ndarray, *, tell: bool = True) -> None:
        """See the video larger where objects are too small, and say so; with a size that was given, only say so.

        Call it before the network sees anything.

        Args:
            masks: (K, H, W), or (N, K, H, W) of N frames.
            tell: say so; False where it was said of the same video.
        """
        if self.short_side is None:
            return
        widths = object_widths(self._cut(torch.as_tensor(masks)).cpu().numpy())
        if self.may_raise:
            self.short_side = max(self.short_side, raised_size(widths, self.seen_size))
            self.size = working_size(*self.seen_size, self.short_side)
        if tell:
            tell_size(widths, self.seen_size, self.short_side, may_raise=self.may_raise)

    def fit_to(self, size: tuple[int, int]) -> None:
        """See the video as an earlier `fit` chose; another size than such a one changes nothing."""
        side = min(size)
        if DEFAULT_SIZE <= side <= MAX_RAISED and working_size(*self.seen_size, side) == size:
            self.short_side, self.size = side, size

    def original(self, index: int) -> Tensor:
        """Frame (C, H, W) at the video's own size.

        Raises:
            FrameError: When no frame of the video can be decoded.
        """
        stored = self._stored(index)
        return stored if isinstance(stored, Tensor) else stored.frame

    def check_annotated(self, index: int, name: str) -> None:
        """Check that an annotated frame is there, and can be read.

        Args:
            index: of the frame.
            name: what a person calls it.

        Raises:
            FrameError: When it cannot be decoded.
            UsageError: When the video does not have it.
        """
        if not 0 <= index < len(self):
            raise UsageError(f"{name} is {index}, expected 0 to {len(self) - 1}; the video has {len(self)} frames.")
        self.original(index)
        if index in self.unreadable:
            raise FrameError(self.unreadable[index])

    def resize_masks(self, masks: Tensor) -> Tensor:
        """Masks (K, H, W) as a network takes them: (1, K, h, w) in [0, 1], where the frames go.

        Raises:
            UsageError: When they reach out of the region that the network sees.
        """
        self.check_inside(masks)
        return self._resize(self._cut(masks).unsqueeze(0).to(self.device)).clamp(0, 1)

    def check_inside(self, masks: Tensor) -> None:
        """Check that masks (..., H, W) are drawn where the network sees them.

        Raises:
            UsageError: When they reach out of the calibrated region.
        """
        outside = int(masks.count_nonzero() - self._cut(masks).count_nonzero())
        if outside:
            top, left, bottom, right = self.region
            raise UsageError(
                f"{outside} pixels of the mask lie outside of the calibrated region (columns {left} to {right - 1}, "
                f"rows {top} to {bottom - 1}); expected none, as crop shows the network this region only; draw inside "
                "of it, or leave crop out."
            )

    def restore(self, prob: Tensor) -> Tensor:
        """Probabilities (B, K, h, w) to the video's size, (B, K, H, W)."""
        if prob.shape[-2:] != self.seen_size:
            prob = F.interpolate(prob, self.seen_size, mode="bilinear", align_corners=False)
        if self.seen_size == self.video_size:
            return prob
        top, left, bottom, right = self.region
        return F.pad(prob, (left, self.video_size[1] - right, top, self.video_size[0] - bottom))

    def _resize(self, frame: Tensor) -> Tensor:
        """Frames or masks (B, C, ...) to the network's size, (B, C, h, w)."""
        if frame.shape[-2:] == self.size:
            return frame
        return F.interpolate(frame, self.size, mode="bilinear", align_corners=False, antialias=True)

    def _cut(self, frame: Tensor) -> Tensor:
        top, left, bottom, right = self.region
        return frame[..., top:bottom, left:right]

    def _sent(self, index: int) -> Tensor:
        """Frame (1, C, H, W) of the video's size, where the frames go."""
        if self.device.type == "cpu":
            return self.original(index).unsqueeze(0)
        stored = self._stored(index)
        ready = stored.prepared if isinstance(stored, StoredFrame) else None
        upload: FrameUpload = ready or FrameUpload(stored, self.device)
        return upload.arrived()

    def _stored(self, index: int) -> StoredFrame | Tensor:
        if self._last is None or self._last[0] != index:
            self._last = (index, self._decode(index))
        return self._last[1]

    def _decode(self, index: int) -> StoredFrame | Tensor:
        first_error: FrameError | None = None
        for nearest in (*range(index, -1, -1), *range(index + 1, len(self))):
            if nearest in self.unreadable:
                continue
            try:
                return self.video.stored(nearest) if isinstance(self.video, Video) else self.video[nearest]
            except FrameError as error:
                self.unreadable[nearest] = str(error)
                first_error = first_error or error
        raise first_error or FrameError(next(iter(self.unreadable.values())))


def _region(video: Video | Sequence[Tensor]) -> tuple[int, int, int, int]:
    if not isinstance(video, Video) or video.info.region is None:
        name = video.info.path if isinstance(video, Video) else "a sequence of frames"
        raise UsageError(
            f"{name} has no calibrated ultrasound region; expected a DICOM recording with one, as crop is set; leave "
            "crop out, or cut the recording yourself."
        )
    return video.info.region
