# SPDX-License-Identifier: Apache-2.0
"""The networks as a tracking function of CVAT: masks that a person draws there are carried on, frame by frame.

``cvat-cli`` takes this module with ``--function-module``; see docs/other_tools.md.

Axes: `C` image channels, `H W` pixels of the video, `h w` pixels of the network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cvat_sdk.auto_annotation as cvataa
import numpy as np
import torch
from cvat_sdk.masks import decode_mask, encode_mask
from PIL.Image import Image
from torch import Tensor

from monai_i2v.app.bundle_parts import read_bundle
from monai_i2v.compute import device_of
from monai_i2v.files.bundle_folders import find_bundle
from monai_i2v.propagation import follow
from monai_i2v.tracking import WorkingFrames
from monai_i2v.tracking.working_size import Size

__all__ = ["MaskTracker", "create"]


class PreparedImage:
    """A frame, resized once for all shapes that a network sees at the same size.

    Args:
        pixels: (C, H, W) in [0, 1].
        device: where the network is.
    """

    def __init__(self, pixels: Tensor, device: torch.device) -> None:
        self.pixels, self.device = pixels, device
        self._seen: dict[Size, tuple[WorkingFrames, Tensor]] = {}

    def seen_at(self, size: Size) -> tuple[WorkingFrames, Tensor]:
        """The video of this frame alone, and the frame (1, C, h, w) as the network sees it."""
        if size not in self._seen:
            frames = WorkingFrames([self.pixels], size, device=self.device)
            self._seen[size] = frames, frames[0]
        return self._seen[size]


@dataclass
class Tracked:
    """One shape on its way."""

    state: Any
    size: int | None  # short side that the network sees, px


class MaskTracker:
    """Maps CVAT's ``init_tracking_state`` and ``track`` to a segmenter's ``start`` and the loop's next step.

    Args:
        network: any `VideoSegmenter`, in evaluation mode.
        size: short side of the frames that the network sees, px; None keeps the frame's, ``"auto"`` takes 256, or more
            for a shape that is too small for it.

    Example::

        >>> import cvat_sdk.auto_annotation as cvataa
        >>> import numpy as np
        >>> from cvat_sdk.masks import encode_mask
        >>> from PIL import Image
        >>> from monai_i2v.app.cvat_tracker import MaskTracker
        >>> class Still:
        ...     def start(self, frame, masks):
        ...         return masks
        ...     def step(self, frame, state):
        ...         return state, state
        >>> tracker = MaskTracker(Still(), size=None)
        >>> image = tracker.preprocess_image(None, Image.new("L", (40, 30)))
        >>> shape = cvataa.TrackableShape(type="mask", points=encode_mask(np.ones((30, 40), bool)))
        >>> tracker.track(None, image, tracker.init_tracking_state(None, image, shape)).points
        [0, 1200, 0, 0, 39, 29]
    """

    def __init__(self, network: Any, size: Size = "auto") -> None:
        self.network, self.size = network, size
        self.device = device_of(network)

    @property
    def spec(self) -> cvataa.TrackingFunctionSpec:
        """What can be tracked: masks."""
        return cvataa.TrackingFunctionSpec(supported_shape_types={"mask"})

    @torch.no_grad()
    def preprocess_image(self, context: cvataa.TrackingFunctionContext, image: Image) -> PreparedImage:
        """What does not depend on the shapes."""
        pixels = torch.from_numpy(np.asarray(image.convert("RGB")).copy()).permute(2, 0, 1) / 255
        return PreparedImage(pixels, self.device)

    @torch.no_grad()
    def init_tracking_state(
        self, context: cvataa.TrackingFunctionShapeContext, pp_image: PreparedImage, shape: cvataa.TrackableShape
    ) -> Tracked:
        """Begin at the frame where a person drew the shape."""
        height, width = pp_image.pixels.shape[-2:]
        masks = torch.from_numpy(decode_mask(shape.points, image_width=width, image_height=height)).float()[None]
        fitted = WorkingFrames([pp_image.pixels], self.size)
        fitted.fit(masks)
        frames, frame = pp_image.seen_at(fitted.short_side)
        return Tracked(self.network.start(frame, frames.resize_masks(masks)), fitted.short_side)

    @torch.no_grad()
    def track(
        self, context: cvataa.TrackingFunctionShapeContext, pp_image: PreparedImage, state: Tracked
    ) -> cvataa.TrackableShape | None:
        """The shape in the next frame; None when it is not there."""
        frames, frame = pp_image.seen_at(state.size)
        prob, state.state = next(follow(self.network, [frame], state.state))
        mask = (frames.restore(prob)[0, 0] > 0.5).cpu().numpy()
        return cvataa.TrackableShape(type="mask", points=encode_mask(mask)) if mask.any() else None


def create(bundle_root: str | None = None, device: str = "auto", size: Size = "auto") -> MaskTracker:
    """What CVAT's command calls, with the arguments after ``-p``.

    Args:
        bundle_root: folder of a bundle, or the name of one that comes along; the memory network's when None.
        device: ``"auto"``, ``"cpu"`` or ``"cuda"``.
        size: as of `MaskTracker`.

    Raises:
        UsageError: When the bundle or the device is not there, or there is no such size.
    """
    parts = read_bundle(find_bundle(bundle_root), {"device": device, "size": size})
    return MaskTracker(parts.network, parts.inferer.size)
