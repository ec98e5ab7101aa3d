# SPDX-License-Identifier: Apache-2.0
"""The light forms that are trained to be compared: every method on the small encoder, with its own optimizer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn
from torch.optim import SGD, Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, MultiStepLR, OneCycleLR, PolynomialLR

from monai_i2v.errors import UsageError
from monai_i2v.networks.encoder import OutputStride, stages_until
from monai_i2v.networks.few_shot.afa import AFA
from monai_i2v.networks.few_shot.dcama import DCAMA
from monai_i2v.networks.few_shot.dcp import DCP
from monai_i2v.networks.few_shot.dra import DRA
from monai_i2v.networks.few_shot.hsnet import HSNet
from monai_i2v.networks.few_shot.panet import PANet
from monai_i2v.networks.few_shot.patnet import PATNet
from monai_i2v.networks.few_shot.restnet import RestNet
from monai_i2v.networks.few_shot.sccan import SCCAN
from monai_i2v.networks.few_shot.ssp import SSP
from monai_i2v.networks.few_shot.vat import VAT
from monai_i2v.networks.few_shot_net import FewShotNet
from monai_i2v.networks.mobilenet_encoder import MobileNetV2Encoder
from monai_i2v.networks.one_shot_net import OneShotNet
from monai_i2v.networks.prior_mask import MatchingKey, PriorMask

__all__ = ["LIGHT_FORMS", "LightForm", "light_learning_rate", "light_network", "light_optimizer", "light_schedule"]

HALF = (0.5, 0.5, 0.5)  # mean and standard deviation that the shipped encoder expects
DROPOUT = 0.1  # the image network's, not its relatives' 0.5: training is short


def thirds(optimizer: Optimizer, steps: int) -> LRScheduler:
    """A tenth of the rate after each third of the training."""
    return MultiStepLR(optimizer, [steps // 3, 2 * steps // 3], gamma=0.1)


def polynomial(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Down to nothing, almost evenly."""
    return PolynomialLR(optimizer, total_iters=steps, power=0.9)


def constant(optimizer: Optimizer, steps: int) -> LRScheduler:
    """The same rate throughout."""
    return ConstantLR(optimizer, factor=1.0, total_iters=0)


def one_cycle(optimizer: Optimizer, steps: int) -> LRScheduler:
    """Up fast, down slowly, as the image network is trained."""
    return OneCycleLR(optimizer, max_lr=optimizer.param_groups[0]["lr"], total_steps=steps + 1, pct_start=0.05)


SGD_3 = partial(SGD, lr=1e-3, momentum=0.9, weight_decay=5e-4)
ADAM_3 = partial(Adam, lr=1e-3)


@dataclass(frozen=True)
class LightForm:
    """A method as it is trained here.

    Args:
        build: from an encoder to the network.
        optimizer: from parameters to the method's published optimizer.
        schedule: from that and the number of steps to the method's schedule, shrunk to them.
        output_stride: of the encoder.
        last_stage: of the encoder.
    """

    build: Callable[[MobileNetV2Encoder], FewShotNet[Any, Any]]
    optimizer: partial[Any]
    schedule: Callable[[Optimizer, int], LRScheduler]
    output_stride: OutputStride = 32
    last_stage: int = 32


def _image_network(encoder: MobileNetV2Encoder) -> OneShotNet:
    """As the bundle has it."""
    key = MatchingKey({stage: encoder.channels[stage] for stage in (8, 16, 32)})
    prior = PriorMask((32,), masking="features", key=key)
    return OneShotNet(encoder, width=128, prior=prior, token="map", dropout=DROPOUT)


LIGHT_FORMS: dict[str, LightForm] = {
    "one_shot": LightForm(_image_network, partial(AdamW, lr=5e-4, weight_decay=0.01), one_cycle, output_stride=8),
    "panet": LightForm(partial(PANet, width=128), SGD_3, thirds, output_stride=8),
    "ssp": LightForm(partial(SSP, width=128), SGD_3, thirds, output_stride=8, last_stage=16),
    "hsnet": LightForm(HSNet, ADAM_3, constant),
    "dcp": LightForm(
        partial(DCP, width=128, dropout=DROPOUT),
        partial(SGD, lr=1e-2, momentum=0.9, weight_decay=1e-4),
        polynomial,
        output_stride=8,
    ),
    "dcama": LightForm(
        partial(DCAMA, mixed=64, dropout=0.0),  # dropping attention costs six times as much on a CPU
        partial(SGD, lr=1e-3, momentum=0.9, nesterov=True, weight_decay=1e-4),
        constant,
    ),
    "afa": LightForm(partial(AFA, widths=(32, 64, 96, 128)), ADAM_3, constant),
    "patnet": LightForm(PATNet, ADAM_3, constant),
    "restnet": LightForm(RestNet, ADAM_3, constant),
    "sccan": LightForm(
        partial(SCCAN, width=128, side=32, blocks=4, dropout=DROPOUT),
        partial(AdamW, lr=5e-4, weight_decay=0.01),  # the paper has SGD for convolutions, AdamW for attention
        polynomial,
        output_stride=8,
    ),
    "dra": LightForm(
        lambda encoder: DRA(SSP(encoder, width=128)),
        SGD_3,
        constant,
        output_stride=8,
        last_stage=16,
    ),
    "vat": LightForm(
        partial(VAT, support_sides={32: 8, 16: 16, 8: 32}, width=32, depths={32: 2, 16: 1, 8: 1}),
        partial(AdamW, lr=5e-4, weight_decay=0.0),
        constant,
    ),
}


def light_network(method: str, weights: str | Path | None = None) -> FewShotNet[Any, Any]:
    """A method's network on the small encoder, which is frozen.

    Args:
        method: one of `LIGHT_FORMS`.
        weights: see `MobileNetV2Encoder`.

    Raises:
        UsageError: When there is no such method, or `weights` cannot be read.

    Example::

        >>> from monai_i2v.networks.few_shot import light_network
        >>> net = light_network("panet")
        >>> sum(param.numel() for param in net.parameters() if param.requires_grad)  # 320 x 128, and 128
        41088
    """
    form = _find(method)
    encoder = MobileNetV2Encoder(
        weights,
        output_stride=form.output_stride,
        last_stage=form.last_stage,
        frozen=stages_until(form.last_stage),
        mean=HALF,
        std=HALF,
    )
    return form.build(encoder)


def light_learning_rate(method: str) -> float:
    """The method's published learning rate."""
    rate: float = _find(method).optimizer.keywords["lr"]
    return rate


def light_optimizer(method: str, network: nn.Module, learning_rate: float | None = None) -> Optimizer:
    """The method's optimizer for what is trained of a network; at the method's rate if none is given."""
    rate = light_learning_rate(method) if learning_rate is None else learning_rate
    optimizer: Optimizer = _find(method).optimizer(
        [param for param in network.parameters() if param.requires_grad], lr=rate
    )
    return optimizer


def light_schedule(method: str, optimizer: Optimizer, steps: int) -> LRScheduler:
    """The method's schedule over so many steps."""
    return _find(method).schedule(optimizer, steps)


def _find(method: str) -> LightForm:
    if method not in LIGHT_FORMS:
        raise UsageError(f"method is {method!r}, expected one of {', '.join(LIGHT_FORMS)}; use 'panet'.")
    return LIGHT_FORMS[method]
