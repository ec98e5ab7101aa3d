# SPDX-License-Identifier: Apache-2.0
"""Frames for the screen, decoded by the code that segments: what is shown is what the network sees.

Axes: `H W` pixels of the video, `C` image channels.
"""

from __future__ import annotations

import io
import threading
from collections import OrderedDict

import numpy as np
from PIL import Image

from monai_i2v.media import Video

__all__ = ["FramePictures"]

KEPT = 32  # frames
FAST = 1  # level of compression; a loopback connection is faster than a better one


class FramePictures:
    """PNGs of frames, and frames as they are stored; may be asked from several threads.

    Args:
        video: opened for this alone.

    Example::

        >>> from monai_i2v.app.frame_pictures import FramePictures
        >>> from monai_i2v.phantoms import Phantom
        >>> pictures = FramePictures(Phantom(length=2, size=(48, 64)))
        >>> pictures.png(1)[:4], pictures.stored(1)[1:]
        (b'\\x89PNG', ('uint8', 1))
    """

    def __init__(self, video: Video) -> None:
        self.video = video
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, bytes] = OrderedDict()

    def png(self, index: int) -> bytes:
        """The frame as in ``video[index]``, in 8 bit.

        Raises:
            FrameError: When it cannot be decoded.
        """
        with self._lock:
            if index not in self._kept:
                self._kept[index] = _png(self._picture(index))
                if len(self._kept) > KEPT:
                    self._kept.popitem(last=False)
            return self._kept[index]

    def picture(self, index: int) -> np.ndarray:
        """The same, not compressed: (H, W, 3), uint8."""
        with self._lock:
            return self._picture(index)

    def stored(self, index: int) -> tuple[bytes, str, int]:
        """The frame's intensities, little-endian (H, W, C), their type, and C.

        Raises:
            FrameError: When it cannot be decoded.
        """
        with self._lock:
            frame = self.video.read(index)
        kind = "float32" if frame.dtype.kind == "f" or frame.dtype.itemsize > 2 else frame.dtype.newbyteorder("=").name
        return frame.astype(np.dtype(kind).newbyteorder("<")).tobytes(), kind, frame.shape[2]

    def _picture(self, index: int) -> np.ndarray:
        return self.video[index].mul(255).round().byte().permute(1, 2, 0).numpy()


def _png(picture: np.ndarray) -> bytes:
    """Of (H, W, 3); in gray when it is gray."""
    gray = (picture[..., :1] == picture).all()
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture[..., 0] if gray else picture)).save(file, "PNG", compress_level=FAST)
    return file.getvalue()
