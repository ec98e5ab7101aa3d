# SPDX-License-Identifier: Apache-2.0
"""All trackers on an encoder that is so small that tests take seconds."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import SlimMaskEncoder, TemporalContrastiveMemoryNet
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.vos import AFBURR, AOT, JOINT, RDE, RPCM, STCN, Cutie, DeAOT, XMem

WIDTHS = {4: 8, 8: 8, 16: 16}
POLICY = MemoryPolicy(mem_every=2, max_mem_frames=3)
BANK = {"key_channels": 8, "value_channels": 16, "widths": (16, 8, 8), "policy": POLICY}


class TinyEncoder(Encoder):
    """One convolution per stage; the first is frozen."""

    def __init__(self):
        super().__init__(WIDTHS)
        steps = zip((3, 8, 8), WIDTHS.items(), (4, 2, 2), strict=True)
        self.layers = nn.ModuleDict(
            {str(stage): _shrink(before, width, side) for before, (stage, width), side in steps}
        )
        self.freeze((4,))

    def stages(self):
        return {stage: self.layers[str(stage)] for stage in WIDTHS}


def _shrink(channels, width, side):
    conv = nn.Conv2d(channels, width, side, side)
    nn.init.orthogonal_(conv.weight.flatten(1), gain=2.0)
    return nn.Sequential(conv, nn.LeakyReLU(0.3))


def _drawn():
    return SlimMaskEncoder(16, in_channels=5)


BUILDERS = {
    "tcmn": lambda encoder: TemporalContrastiveMemoryNet(encoder, SlimMaskEncoder(16), **BANK),
    "afb_urr": partial(AFBURR, key_channels=8, value_channels=8, widths=(16, 8, 8)),
    "stcn": lambda encoder, **settings: STCN(encoder, _drawn(), **{**BANK, **settings}),
    "aot": partial(AOT, channels=32, window=3, widths=(16, 8, 8)),
    "joint": partial(JOINT, channels=8, codes=4, width=8, most=2),
    "deaot": partial(DeAOT, channels=16, window=3, widths=(16, 8, 8)),
    "rpcm": partial(RPCM, channels=16, most=3),
    "rde": partial(RDE, **{**BANK, "policy": MemoryPolicy(mem_every=3)}),
    "xmem": lambda encoder: XMem(encoder, _drawn(), sensory_channels=8, **BANK),
    "cutie": lambda encoder, **settings: Cutie(encoder, _drawn(), sensory_channels=8, **BANK, **settings),
}


def make_tracker(method, **settings):
    """An untrained network, in evaluation mode."""
    torch.manual_seed(0)
    return BUILDERS[method](TinyEncoder(), **settings).eval()


def noise(frames=4, videos=1, size=(64, 64), seed=0):
    """(B, T, 3, H, W)."""
    return torch.rand(videos, frames, 3, *size, generator=torch.Generator().manual_seed(seed))


def halves(videos=1, size=(64, 64)):
    """Two objects, left and right, with a gap between them: (B, 2, H, W)."""
    masks = torch.zeros(videos, 2, *size)
    masks[:, 0, 8:, : size[1] // 2 - 8], masks[:, 1, :, size[1] // 2 + 8 :] = 1, 1
    return masks


def moving_ellipse(length=3, size=64):
    """An ellipse that drifts over noise: clip (1, T, 3, H, W), masks (1, T, 1, H, W)."""
    rows, columns = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    t = torch.arange(length).view(-1, 1, 1)
    inside = ((rows - 26.0 - 4 * t) / 14) ** 2 + ((columns - 22.0 - 8 * t) / 18) ** 2 < 1  # (T, H, W)
    color = torch.tensor([0.6, 0.4, 0.2]).view(3, 1, 1)
    return 0.2 * noise(length, size=(size, size)) + color * inside.unsqueeze(1), inside[None, :, None].float()
