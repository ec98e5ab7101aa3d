# SPDX-License-Identifier: Apache-2.0
"""Decoded frames that may be asked for again, as many as a fixed memory holds."""

from __future__ import annotations

from av.video.frame import VideoFrame

__all__ = ["RecentFrames"]

# A group of pictures of 250 frames is then decoded at most ten times to be read backward, from 480 x 360 px (once or
# twice) to 1920 x 1080 px, which takes at most three times as long as forward: decoding is the smaller part of reading.
MEMORY = 96 << 20  # bytes
MIN_FRAMES = 24  # of those so large that fewer fit


class RecentFrames:
    """The latest decoded frames, as the decoder gave them (4:2:0 mostly), by time stamp.

    Args:
        memory: bytes to hold.
        min_frames: how many to hold when these bytes are too few for them.

    Example::

        >>> import av
        >>> from monai_i2v.media.recent_frames import RecentFrames
        >>> frames = RecentFrames(memory=3 * 1536, min_frames=1)
        >>> for stamp in range(5):
        ...     frames.add(stamp, av.VideoFrame(32, 32, "yuv420p"))
        >>> len(frames), frames.get(1), frames.get(2).width
        (3, None, 32)
    """

    def __init__(self, memory: int = MEMORY, min_frames: int = MIN_FRAMES) -> None:
        self.memory, self.min_frames = memory, min_frames
        self._frames: dict[float, VideoFrame] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def get(self, stamp: float) -> VideoFrame | None:
        """The frame of a time stamp, if it is still there."""
        return self._frames.get(stamp)

    def add(self, stamp: float, frame: VideoFrame) -> None:
        """Hold a frame, for which those held longest make room."""
        self._frames.pop(stamp, None)
        self._frames[stamp] = frame
        size = sum(plane.buffer_size for plane in frame.planes)
        for old in list(self._frames)[: -max(self.min_frames, self.memory // size)]:
            del self._frames[old]
