# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from torch import nn

from monai_i2v.networks import TemporalAttentionUnit


@pytest.fixture
def unit():
    torch.manual_seed(0)
    return TemporalAttentionUnit(16, frames=4, scale=1.0)


def window(length=4):
    return torch.randn(2, length, 16, 9, 7, generator=torch.Generator().manual_seed(1))


def test_without_scale_it_is_the_identity_to_the_last_bit():
    assert torch.equal(TemporalAttentionUnit(16, frames=4)(window()), window())


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_short_window_is_filled_with_its_last_frame(unit, length):
    short = window()[:, :length]
    filled = torch.cat([short, short[:, -1:].expand(-1, 4 - length, -1, -1, -1)], dim=1)
    assert torch.equal(unit(short), unit(filled)[:, :length])


def test_a_long_window_is_refused():
    with pytest.raises(ValueError, match="window has 5 frames, but the unit was made for 4"):
        TemporalAttentionUnit(16, frames=4)(torch.zeros(1, 5, 16, 8, 8))


def test_every_frame_sees_every_other(unit):
    x = window().requires_grad_()
    for frame in range(4):
        (gradient,) = torch.autograd.grad(unit(x)[:, frame].sum(), x)
        assert (gradient.abs().amax(dim=(0, 2, 3, 4)) > 0).all()


def test_static_attention_reaches_as_far_as_a_21_px_kernel(unit):
    """5x5, then 7x7 with dilation 3: 2 + 9 px to each side."""
    x = torch.zeros(1, 64, 41, 41, requires_grad=True)
    (gradient,) = torch.autograd.grad(unit.static(x)[0, :, 20, 20].sum(), x)
    rows = gradient[0].abs().amax(dim=(0, 2)).nonzero().flatten()
    assert (rows.min().item(), rows.max().item()) == (20 - 11, 20 + 11)


def test_attention_by_hand(unit):
    """One channel, one frame, one pixel: every convolution is a product."""
    unit = TemporalAttentionUnit(1, frames=1, scale=2.0)
    for module in unit.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.zeros_(module.weight)
            module.weight.data[..., module.kernel_size[0] // 2, module.kernel_size[1] // 2] = 1
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    x = 0.5
    inner = x * 0.5 * (1 + math.erf(x / math.sqrt(2)))  # GELU
    attended = inner * (1 / (1 + math.exp(-inner))) * inner
    assert unit(torch.full((1, 1, 1, 1, 1), x)).item() == pytest.approx(x + 2 * attended, rel=1e-5)


def test_the_paper_size_has_the_paper_number_of_parameters():
    unit = TemporalAttentionUnit(256, frames=4)
    assert unit.dynamic[1].out_channels == 16
    assert sum(p.numel() for p in unit.parameters()) == pytest.approx(3.26e6, rel=0.01)
