# SPDX-License-Identifier: Apache-2.0
"""Mixed precision for any inferer, on CPUs too (MONAI's engines autocast on CUDA only)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from monai.inferers import Inferer, SimpleInferer
from torch import Tensor

from monai_i2v.errors import UsageError
from monai_i2v.options import read_switch

__all__ = ["AutocastInferer"]


class AutocastInferer(Inferer):
    """Run an inferer under autocast and return float32: a tensor, or a named tuple of tensors.

    Args:
        inferer: what to run.
        dtype: ``"bfloat16"`` or ``"float16"``; a CPU gains where it has bfloat16 instructions. A training in float16
            needs a scaled loss: give its MONAI trainer ``amp=inferer.scales_loss, amp_kwargs={"enabled": False}``.
        enabled: False runs the inferer unchanged.

    Raises:
        UsageError: When a network is trained in float16 on a CPU, where MONAI's trainers scale no loss.

    Example::

        >>> import torch
        >>> from monai_i2v.inferers import AutocastInferer
        >>> AutocastInferer()(torch.ones(1, 4), torch.nn.Linear(4, 2)).dtype
        torch.float32
    """

    def __init__(self, inferer: Inferer | None = None, *, dtype: str = "bfloat16", enabled: bool | str = True) -> None:
        self.inferer = SimpleInferer() if inferer is None else inferer
        self.dtype, self.enabled = getattr(torch, dtype), read_switch("amp", enabled)

    @property
    def scales_loss(self) -> bool:
        """Whether a training needs a `GradScaler`: gradients are too small for float16."""
        return self.enabled and self.dtype is torch.float16

    def __call__(self, inputs: Tensor, network: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self.scales_loss and inputs.device.type == "cpu" and torch.is_grad_enabled():
            raise UsageError(
                "amp_dtype is 'float16' and the device a CPU, on which it is not trained in; use 'bfloat16', or CUDA."
            )
        with torch.autocast(inputs.device.type, self.dtype, enabled=self.enabled):
            return _as_float(self.inferer(inputs, network, *args, **kwargs))


def _as_float(output: Any) -> Any:
    """Float32 for a tensor, or for each of a named tuple."""
    return output.float() if isinstance(output, Tensor) else type(output)(*map(_as_float, output))
