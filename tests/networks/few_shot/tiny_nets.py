# SPDX-License-Identifier: Apache-2.0
"""All few-shot networks on an encoder that is so small that tests take seconds."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn

from monai_i2v.networks import OneShotNet
from monai_i2v.networks.encoder import STAGES, Encoder
from monai_i2v.networks.few_shot import AFA, DCAMA, DCP, DRA, SCCAN, SSP, VAT, HSNet, PANet, PATNet, RestNet

WIDTHS = {4: 8, 8: 8, 16: 16, 32: 16}
SIDES = {32: 2, 16: 4, 8: 8}


class TinyEncoder(Encoder):
    """Two convolutions per stage, frozen; the stem is a pooling to half the resolution."""

    def __init__(self, output_stride=32):
        super().__init__(WIDTHS)
        layers, channels = {}, 3
        for stage, width in WIDTHS.items():
            shrinks = stage <= output_stride
            layers[str(stage)] = nn.Sequential(_block(channels, width, 2 if shrinks else 1), _block(width, width, 1))
            channels = width
        layers["4"] = nn.Sequential(nn.AvgPool2d(2), *layers["4"])
        self.layers = nn.ModuleDict(layers)
        self.freeze(STAGES)
        self.train()  # batch norms are born in training mode

    def stages(self):
        return {stage: self.layers[str(stage)] for stage in STAGES}


def _block(channels, width, stride):
    conv = nn.Conv2d(channels, width, 3, stride, 1)
    nn.init.orthogonal_(conv.weight)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.LeakyReLU(0.3))


BUILDERS = {
    "one_shot": partial(OneShotNet, width=16, dropout=0.0),
    "panet": partial(PANet, width=16),
    "ssp": partial(SSP, width=16),
    "dcp": partial(DCP, width=16, dropout=0.0),
    "afa": partial(AFA, widths=(16, 16, 16, 16)),
    "hsnet": partial(HSNet, widths=(8, 8, 16), support_side=64),
    "patnet": partial(PATNet, widths=(8, 8, 16), support_side=64),
    "restnet": partial(RestNet, widths=(8, 8, 16), support_side=64),
    "vat": partial(VAT, sides=SIDES, support_sides=SIDES, width=16, window=2, depths={32: 2, 16: 1, 8: 1}),
    "dcama": partial(DCAMA, heads=4, mixed=16, dropout=0.0),
    "sccan": partial(SCCAN, width=16, side=8, window=4, heads=2, blocks=2, dropout=0.0),
    "dra": lambda encoder: DRA(SSP(encoder, width=16)),
}
COARSE = {"afa", "hsnet", "patnet", "restnet", "vat", "dcama"}


def make_net(method):
    """An untrained network, in evaluation mode."""
    torch.manual_seed(0)
    return BUILDERS[method](TinyEncoder(32 if method in COARSE else 8)).eval()


def two_tones(count=8, size=64, seed=0):
    """Episodes of a bright square of whole cells on dark noise: images (B, 3, H, W) and masks (B, 1, H, W), twice."""
    generator = torch.Generator().manual_seed(seed)
    drawn = []
    for _ in range(2):
        images, masks = 0.3 * torch.rand(count, 3, size, size, generator=generator), torch.zeros(count, 1, size, size)
        for index in range(count):
            row, column = (8 * torch.randint(1, size // 8 - 4, (2,), generator=generator)).tolist()
            masks[index, :, row : row + 32, column : column + 32] = 1
        drawn += [images + 0.6 * masks, masks]
    return drawn
