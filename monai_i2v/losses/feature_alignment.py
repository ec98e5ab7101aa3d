# SPDX-License-Identifier: Apache-2.0
"""Feature alignment: the student's features follow the teacher's (TTT paper, eqs. 4 and 6)."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["FeatureAlignmentLoss"]


class FeatureAlignmentLoss(nn.Module):
    """Kullback-Leibler divergence of the channel distributions (softmax over channels) of two feature maps.

    It is added to the total loss: the minus sign of the paper's eq. 6 would push the student away from the teacher.

    Args:
        direction: ``"teacher||student"`` (eq. 6, the usual direction of distillation) or ``"student||teacher"``
            (eq. 4).

    Example::

        >>> import torch
        >>> from monai_i2v.losses import FeatureAlignmentLoss
        >>> student, teacher = torch.tensor([[[[0.0]], [[0.0]]], [[[1.0]], [[0.0]]]]).split(1)
        >>> FeatureAlignmentLoss()(teacher, teacher).item()
        0.0
        >>> round(FeatureAlignmentLoss()(student, teacher).item(), 4)  # 0.7311 log(0.7311/0.5) + 0.2689 log(0.2689/0.5)
        0.1109
    """

    def __init__(self, direction: Literal["teacher||student", "student||teacher"] = "teacher||student") -> None:
        super().__init__()
        if direction not in ("teacher||student", "student||teacher"):
            raise ValueError(
                f"direction must be one of 'teacher||student', 'student||teacher', got {direction!r}; use the first."
            )
        self.direction = direction

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """
        Args:
            student: features (B, F, h, w).
            teacher: features (B, F, h, w); no gradient flows into them.

        Returns:
            Scalar: mean over images and positions.
        """
        student, teacher = student.log_softmax(dim=1), teacher.detach().log_softmax(dim=1)
        forward = self.direction == "teacher||student"
        of, to = (teacher, student) if forward else (student, teacher)
        return F.kl_div(to, of, reduction="none", log_target=True).sum(dim=1).mean()
