# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from monai_i2v.networks import MaskDecoder, ResidualBlock

CHANNELS = {4: 6, 8: 10, 16: 14}
VALUE = 12


@pytest.fixture
def decoder():
    torch.manual_seed(0)
    return MaskDecoder(CHANNELS, VALUE, widths=(16, 12, 8)).eval()


def inputs(objects=3, videos=2, size=(48, 32)):
    """Read-out (B, K, V, h, w) and features (B, F, h, w) by stage."""
    random = torch.Generator().manual_seed(1)
    h, w = size
    readout = torch.randn(videos, objects, VALUE, h // 16, w // 16, generator=random)
    features = {s: torch.randn(videos, c, h // s, w // s, generator=random) for s, c in CHANNELS.items()}
    return readout, features


def side_by_side(decoder):
    """One convolution over read-out and frame features, with the weights of the two."""
    readout, frame = decoder.from_readout, decoder.from_frame["16"]
    conv = nn.Conv2d(VALUE + CHANNELS[16], 16, 3, padding=1)
    conv.weight.data = torch.cat([readout.weight, frame.weight], dim=1)
    conv.bias.data = readout.bias + frame.bias
    return conv


def test_it_is_one_convolution_side_by_side_and_two_refinements_for_each_object(decoder):
    readout, features = inputs()
    logits = decoder(readout, features)
    conv = side_by_side(decoder)
    for k in range(3):
        x = decoder.blocks["16"](conv(torch.cat([readout[:, k], features[16]], dim=1)))
        for stage in ("8", "4"):
            x = F.interpolate(decoder.narrow[stage](x), scale_factor=2, mode="bilinear")
            x = decoder.blocks[stage](x + decoder.from_frame[stage](features[int(stage)]))
        expected = F.interpolate(decoder.classify(x), scale_factor=4, mode="bilinear")  # (B, 1, H, W)
        torch.testing.assert_close(logits[:, k : k + 1], expected, atol=1e-5, rtol=0)


def test_objects_and_videos_do_not_see_each_other(decoder):
    readout, features = inputs()
    logits = decoder(readout, features)
    torch.testing.assert_close(decoder(readout.flip(1), features), logits.flip(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(decoder(readout[:, :1], features), logits[:, :1], atol=1e-5, rtol=0)
    second = {stage: feature[1:] for stage, feature in features.items()}
    torch.testing.assert_close(decoder(readout[1:], second), logits[1:], atol=1e-5, rtol=0)


@pytest.mark.parametrize("stage", [4, 8, 16])
def test_every_stage_of_the_frame_is_used(decoder, stage):
    readout, features = inputs()
    without = {**features, stage: torch.zeros_like(features[stage])}
    assert (decoder(readout, features) - decoder(readout, without)).abs().mean() > 1e-3


def test_logits_have_the_size_of_the_frame(decoder):
    assert decoder(*inputs(objects=2, size=(48, 80))).shape == (2, 2, 48, 80)


def test_every_parameter_learns(decoder):
    decoder(*inputs()).square().sum().backward()
    assert [name for name, parameter in decoder.named_parameters() if not parameter.grad.abs().any()] == []


def test_a_residual_block_without_weights_is_its_shortcut():
    x = torch.randn(1, 8, 5, 5, generator=torch.Generator().manual_seed(0))
    for width, shortcut in ((8, nn.Identity()), (12, None)):
        block = ResidualBlock(8, width)
        nn.init.zeros_(block.conv[-1].weight)
        expected = (shortcut or block.shortcut)(x).relu()
        torch.testing.assert_close(block(x), expected)


@pytest.mark.parametrize(("channels", "groups"), [(4, 1), (12, 3), (16, 4), (36, 3), (64, 8), (512, 8)])
def test_group_norm_has_at_most_eight_groups_of_at_least_four_channels(channels, groups):
    norms = [module for module in ResidualBlock(8, channels).modules() if isinstance(module, nn.GroupNorm)]
    assert [norm.num_groups for norm in norms] == [groups, groups]
