# SPDX-License-Identifier: Apache-2.0
"""A frame on its way to the device where a network sees it.

Axes: `C` image channels, `H W` pixels of the video.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from monai_i2v.compute import Upload
from monai_i2v.media.video import StoredFrame

__all__ = ["FrameUpload"]


class FrameUpload:
    """Sends a frame as it is stored, and makes on the device what is to be seen: the same to the last bit.

    A movie needs 3 bytes per pixel so, and gray 1, instead of 12.

    Args:
        frame: as it is stored, or (C, H, W) in [0, 1].
        device: where it goes.

    Example::

        >>> import torch
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.tracking.frame_upload import FrameUpload
        >>> FrameUpload(Phantom(size=(32, 48)).stored(0), torch.device("cpu")).arrived().shape
        torch.Size([1, 3, 32, 48])
    """

    def __init__(self, frame: StoredFrame | Tensor, device: torch.device) -> None:
        self._is_stored = isinstance(frame, StoredFrame)
        if isinstance(frame, StoredFrame):
            arrays = [frame.pixels] if frame.shades is None else [frame.pixels, frame.shades]
            tensors = [torch.from_numpy(np.require(array, requirements=["C", "W"])) for array in arrays]
            self._channels = 3
        else:
            tensors = [frame[:1] if frame.stride(0) == 0 else frame]  # gray is one channel
            self._channels = frame.shape[0]
        self._upload = Upload(device, *tensors)

    def arrived(self) -> Tensor:
        """(1, C, H, W) in [0, 1]; no host waits for it."""
        pixels, *shades = self._upload.arrived()
        seen = shades[0][pixels.int()] if shades else pixels
        if self._is_stored:
            seen = seen.permute(2, 0, 1)
        return seen.expand(self._channels, -1, -1).unsqueeze(0)
