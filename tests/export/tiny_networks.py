# SPDX-License-Identifier: Apache-2.0
"""Networks with next to no layers: an export takes time by the layer."""

import torch
from torch import nn

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import (
    Encoder,
    MatchingKey,
    OneShotNet,
    PriorMask,
    SlimMaskEncoder,
    TemporalContrastiveMemoryNet,
)

CHANNELS = 8


class TinyEncoder(Encoder):
    """A convolution per stage."""

    def __init__(self, strides):
        super().__init__(dict.fromkeys(strides, CHANNELS))
        ways = zip((3, *[CHANNELS] * 3), strides.values(), strict=False)
        self.layers = nn.ModuleList(nn.Conv2d(way, CHANNELS, 3, stride, padding=1) for way, stride in ways)

    def stages(self):
        return dict(zip(self.channels, self.layers, strict=True))


def image_net(seed=0):
    torch.manual_seed(seed)
    prior = PriorMask(masking="features", key=MatchingKey(dict.fromkeys((8, 16, 32), CHANNELS), width=4))
    encoder = TinyEncoder({4: 4, 8: 2, 16: 1, 32: 1})
    return OneShotNet(encoder, width=8, prior=prior, token="map", layers=1).eval()


def memory_net(**settings):
    torch.manual_seed(0)
    encoder = TinyEncoder({4: 4, 8: 2, 16: 2})
    policy = MemoryPolicy(**{"mem_every": 2, "max_mem_frames": 3, **settings.pop("memory", {})})
    return TemporalContrastiveMemoryNet(
        encoder,
        SlimMaskEncoder(4),
        key_channels=4,
        value_channels=8,
        widths=(8, 4, 4),
        policy=policy,
        **settings,
    ).eval()
