# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch
from torch import nn

from monai_i2v.networks import (
    MobileNetV2Encoder,
    ResNetEncoder,
    SlimMaskEncoder,
    TemporalContrastiveMemoryNet,
    optimize_for_inference,
)


def shuffle_norms(network):
    """Batch norms as training leaves them: no two channels alike."""
    torch.manual_seed(0)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for value, low, high in (
                (norm.weight, 0.5, 1.5),
                (norm.bias, -0.5, 0.5),
                (norm.running_mean, -0.5, 0.5),
                (norm.running_var, 0.5, 2.0),
            ):
                nn.init.uniform_(value, low, high)
    return network


@pytest.mark.parametrize("make", [MobileNetV2Encoder, lambda: ResNetEncoder(18), lambda: ResNetEncoder(50)])
def test_features_stay_and_no_batch_norm_is_left(make):
    encoder = shuffle_norms(make()).double()
    fast = optimize_for_inference(copy.deepcopy(encoder))
    assert not any(isinstance(module, nn.BatchNorm2d) for module in fast.modules())
    assert next(fast.parameters()).is_contiguous(memory_format=torch.channels_last)
    frame = torch.rand(1, 3, 64, 96, dtype=torch.float64)
    expected, found = encoder(frame), fast(frame)
    assert expected.keys() == found.keys()
    for stage, feature in expected.items():
        torch.testing.assert_close(found[stage], feature, rtol=1e-9, atol=1e-9)
        assert feature.std() > 0


def test_a_network_around_an_encoder_answers_the_same():
    torch.manual_seed(1)
    net = TemporalContrastiveMemoryNet(
        shuffle_norms(MobileNetV2Encoder(last_stage=16)),
        SlimMaskEncoder(16),
        key_channels=16,
        value_channels=32,
        widths=(32, 16, 16),
    )
    fast = optimize_for_inference(copy.deepcopy(net))
    assert not fast.training
    clip, masks = torch.rand(1, 3, 3, 48, 64), torch.zeros(1, 2, 48, 64)
    masks[:, 0, :20], masks[:, 1, 30:] = 1, 1
    torch.testing.assert_close(fast(clip, masks), net.eval()(clip, masks), rtol=1e-3, atol=1e-4)


def test_what_is_frozen_stays_frozen():
    encoder = optimize_for_inference(MobileNetV2Encoder(frozen=(4,)))
    assert not any(param.requires_grad for param in encoder.stages()[4].parameters())
    assert all(param.requires_grad for param in encoder.stages()[8].parameters())
