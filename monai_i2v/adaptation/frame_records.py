# SPDX-License-Identifier: Apache-2.0
"""What backbone and teacher say about each frame, computed once and reused over passes."""

from __future__ import annotations

import torch
from torch import Tensor

from monai_i2v.adaptation.adaptation_step import FrameRecord
from monai_i2v.networks import OneShotNet
from monai_i2v.networks.one_shot_net import AnnotatedFeatures
from monai_i2v.tracking import AnnotatedVideo

__all__ = ["FrameRecords"]

# Room for about 250 frames of one object at 256 x 256 px; what does not fit is computed again.
MAX_BYTES = 512 << 20


class FrameRecords:
    """Records of one video's frames.

    Args:
        teacher: the image network.
        video: the video.
        device: where the networks are.
        max_bytes: memory to spend on records.
    """

    def __init__(
        self, teacher: OneShotNet, video: AnnotatedVideo, device: torch.device, *, max_bytes: int = MAX_BYTES
    ) -> None:
        self.teacher, self.video, self.device, self.room = teacher, video, device, max_bytes
        self.masks = video.masks.to(device)
        self.annotated: AnnotatedFeatures = teacher.encode_annotated(self.frame(video.ref_frame), self.masks)
        self.support = teacher.project_support(self.annotated)
        self.kept: dict[int, FrameRecord] = {}

    def frame(self, index: int) -> Tensor:
        """Frame (1, C, H, W) on the device."""
        return self.video.frames[index].to(self.device)

    @torch.no_grad()
    def __getitem__(self, index: int) -> FrameRecord:
        if index in self.kept:
            return self.kept[index]
        features = self.teacher.encode_frame(self.frame(index))
        embedded = self.teacher.embed(features, self.support)
        record = FrameRecord(features, embedded, self.teacher.head(embedded))
        if _size(record) <= self.room:
            self.room -= _size(record)
            self.kept[index] = record
        return record

    def forget(self, index: int) -> None:
        """Make room: a frame will not be asked for again."""
        record = self.kept.pop(index, None)
        self.room += 0 if record is None else _size(record)


def _size(record: FrameRecord) -> int:
    """Bytes."""
    return sum(tensor.nbytes for tensor in (*record.features.values(), record.teacher_features, record.teacher_logits))
