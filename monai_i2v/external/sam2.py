# SPDX-License-Identifier: Apache-2.0
"""SAM 2.1 (Ravi et al., ICLR 2025) and MedSAM2 (Ma et al., 2025) frame by frame, by the package ``sam2``.

Axes: `N` objects that the reference shows, `H W` pixels of the frame, `S` side of what the network sees, px.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from monai_i2v.compute import device_of
from monai_i2v.external.external_segmenter import ExternalSegmenter, hard_masks, imagenet_normalized
from monai_i2v.networks.aggregation import occurring_classes, soft_aggregate

__all__ = ["Sam2Engine", "Sam2Segmenter"]

logger = logging.getLogger(__name__)

# A stream has no end: the predictor scales the age of what it remembers by the video's length, where that is below 16.
ENDLESS = 1 << 30


@dataclass
class Sam2Engine:
    """A video in the predictor."""

    state: dict[str, Any]  # the predictor's
    present: Tensor  # (1, 1 + N, 1, 1), see `occurring_classes`
    frames: int = 1


class Sam2Segmenter(ExternalSegmenter[Sam2Engine]):
    """SAM 2's video predictor, whose frames come one at a time; what it can no longer see of the past is dropped.

    Frames are squeezed into its square. Objects run one after another, and are merged by `soft_aggregate`.

    Args:
        predictor: a ``SAM2VideoPredictor``.
        source: see `ExternalSegmenter`.
    """

    def __init__(self, predictor: Any, *, source: str = "unknown") -> None:
        super().__init__(predictor, size=predictor.image_size, frame_size=None, source=source)
        self._empty: dict[str, Any] | None = None

    def begin(self, frame: Tensor, masks: Tensor) -> Sam2Engine:
        state = self._new_state(frame)
        for number, mask in enumerate(hard_masks(masks), start=1):
            self._tell_if_lost(mask, number)
            self.network.add_new_mask(state, frame_idx=0, obj_id=number, mask=mask)  # type: ignore[operator]
        engine = Sam2Engine(state, occurring_classes(masks.unsqueeze(0)))
        self._propagate(engine, 0)  # encodes the masks into the memory
        return engine

    def look(self, frame: Tensor, engine: Sam2Engine) -> Tensor:
        now = engine.frames
        engine.state["images"] = {now: self._see(frame)}
        logits = self._propagate(engine, now)  # (N, 1, H, W)
        engine.frames += 1
        self._forget(engine.state, now - self._reach)
        return soft_aggregate(logits.transpose(0, 1), engine.present)[0]

    def _new_state(self, frame: Tensor) -> dict[str, Any]:
        if self._empty is None:  # it takes only a folder of JPEG files; one tiny picture gives all that a version needs
            with TemporaryDirectory() as folder:
                Image.new("RGB", (8, 8)).save(Path(folder, "0.jpg"))
                self._empty = self.network.init_state(folder)  # type: ignore[operator]
            del self._empty["images"], self._empty["cached_features"]
        device = device_of(self)
        seen = {"images": {0: self._see(frame)}, "cached_features": {}, "num_frames": ENDLESS}
        size = {"video_height": frame.shape[-2], "video_width": frame.shape[-1]}
        return {**copy.deepcopy(self._empty), **seen, **size, "device": device, "storage_device": device}

    def _see(self, frame: Tensor) -> Tensor:
        """A frame (3, H, W) as (3, S, S)."""
        if frame.shape[-2:] != (self.size, self.size):
            square = F.interpolate(frame[None], (self.size, self.size), mode="bicubic", antialias=True)
            frame = square[0].clamp(0, 1)
        return imagenet_normalized(frame)

    def _tell_if_lost(self, mask: Tensor, number: int) -> None:
        seen = F.interpolate(mask[None, None].float(), (self.size, self.size), mode="bilinear", antialias=True)
        if not (seen >= 0.5).any():
            logger.warning("Object %d is too small to be seen at %d x %d px.", number, self.size, self.size)

    def _propagate(self, engine: Sam2Engine, frame: int) -> Tensor:
        _, _, logits = next(self.network.propagate_in_video(engine.state, frame, 0))  # type: ignore[operator]
        found: Tensor = logits
        return found

    @property
    def _reach(self) -> int:
        """Frames that the predictor looks back."""
        net: Any = self.network
        return max(net.max_obj_ptrs_in_encoder, net.num_maskmem * net.memory_temporal_stride_for_eval)

    @staticmethod
    def _forget(state: dict[str, Any], frame: int) -> None:
        for outputs in state["output_dict_per_obj"].values():
            outputs["non_cond_frame_outputs"].pop(frame, None)
        for tracked in state["frames_tracked_per_obj"].values():
            tracked.pop(frame, None)
