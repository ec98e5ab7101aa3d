# SPDX-License-Identifier: Apache-2.0
"""The light forms that are trained to be compared: every method on the same small encoder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from monai_i2v.errors import UsageError
from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks.mask_encoder import SlimMaskEncoder
from monai_i2v.networks.matching_net import MatchingNet
from monai_i2v.networks.mobilenet_encoder import MobileNetV2Encoder
from monai_i2v.networks.temporal_contrastive_memory_net import TemporalContrastiveMemoryNet
from monai_i2v.networks.vos.afb_urr import AFBURR
from monai_i2v.networks.vos.aot import AOT
from monai_i2v.networks.vos.cutie import Cutie
from monai_i2v.networks.vos.deaot import DeAOT
from monai_i2v.networks.vos.joint import JOINT
from monai_i2v.networks.vos.rde import RDE
from monai_i2v.networks.vos.rpcm import RPCM
from monai_i2v.networks.vos.stcn import STCN
from monai_i2v.networks.vos.xmem import XMem

__all__ = ["LIGHT_FORMS", "light_network"]

HALF = (0.5, 0.5, 0.5)  # mean and standard deviation that the encoder's weights expect

# What those that have a bank remember, and read of it.
BANK = MemoryPolicy(mem_every=5, max_mem_frames=30, top_k=30)
FOLDED = MemoryPolicy(mem_every=3, top_k=30)


def _tcmn(encoder: MobileNetV2Encoder) -> TemporalContrastiveMemoryNet:
    """As the bundle trains it."""
    mask_encoder, widths = SlimMaskEncoder(64), (128, 64, 32)
    return TemporalContrastiveMemoryNet(encoder, mask_encoder, value_channels=128, widths=widths, policy=BANK)


LIGHT_FORMS: dict[str, Callable[[MobileNetV2Encoder], MatchingNet[Any]]] = {
    "tcmn": _tcmn,
    "afb_urr": AFBURR,
    "stcn": partial(STCN, policy=BANK),
    "aot": AOT,
    "joint": JOINT,
    "deaot": DeAOT,
    "rpcm": RPCM,
    "rde": partial(RDE, policy=FOLDED),
    "xmem": partial(XMem, policy=BANK),
    "cutie": partial(Cutie, blocks=1, policy=BANK),
}
"""In the order of TCMN's table."""


def light_network(method: str, weights: str | Path | None = None) -> MatchingNet[Any]:
    """A method's network on the small encoder, of which stage 4 is frozen.

    Args:
        method: one of `LIGHT_FORMS`.
        weights: see `MobileNetV2Encoder`.

    Raises:
        UsageError: When there is no such method, or `weights` cannot be read.

    Example::

        >>> from monai_i2v.networks.vos import light_network
        >>> type(light_network("stcn")).__name__
        'STCN'
    """
    if method not in LIGHT_FORMS:
        raise UsageError(f"method is {method!r}, expected one of {', '.join(LIGHT_FORMS)}; use 'stcn'.")
    encoder = MobileNetV2Encoder(weights, last_stage=16, frozen=(4,), mean=HALF, std=HALF)
    return LIGHT_FORMS[method](encoder)
