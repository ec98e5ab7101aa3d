# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch
from torch import nn

from monai_i2v.errors import UsageError
from monai_i2v.networks import MobileNetV2Encoder, ResNetEncoder


def test_resnet_has_torchvisions_keys():
    keys = ResNetEncoder(50).state_dict().keys()
    assert len(keys) == 318  # torchvision's 320 without the classifier
    assert {
        "conv1.weight",
        "bn1.running_var",
        "layer1.0.downsample.1.weight",
        "layer4.2.conv3.weight",
    } <= keys
    assert len(ResNetEncoder(18).state_dict()) == 120


def plain_bottleneck(x, state, prefix, stride):
    """ResNet's bottleneck written out with functional calls, from torchvision's key names."""

    def conv_norm(x, conv, norm, **kwargs):
        x = nn.functional.conv2d(x, state[f"{prefix}.{conv}.weight"], **kwargs)
        stats = [state[f"{prefix}.{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
        return nn.functional.batch_norm(x, *stats)

    out = conv_norm(x, "conv1", "bn1").relu()
    out = conv_norm(out, "conv2", "bn2", stride=stride, padding=1).relu()
    out = conv_norm(out, "conv3", "bn3")
    if f"{prefix}.downsample.0.weight" in state:
        x = conv_norm(x, "downsample.0", "downsample.1", stride=stride)
    return (out + x).relu()


def test_resnet_computes_what_torchvisions_does():
    torch.manual_seed(0)
    encoder = ResNetEncoder(50, mean=(0, 0, 0), std=(1, 1, 1))
    for norm in (module for module in encoder.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.running_mean.normal_(std=0.1)
        norm.running_var.uniform_(0.5, 1.5)
    state, frame = encoder.state_dict(), torch.rand(1, 3, 64, 48)
    x = nn.functional.conv2d(frame, state["conv1.weight"], stride=2, padding=3)
    stats = [state[f"bn1.{name}"] for name in ("running_mean", "running_var", "weight", "bias")]
    x = nn.functional.max_pool2d(nn.functional.batch_norm(x, *stats).relu(), 3, stride=2, padding=1)
    for block in range(3):
        x = plain_bottleneck(x, state, f"layer1.{block}", 1)
    features = encoder.eval()(frame)
    torch.testing.assert_close(features[4], x, rtol=0, atol=1e-5)
    x = plain_bottleneck(x, state, "layer2.0", 2)
    for block in range(1, 4):
        x = plain_bottleneck(x, state, f"layer2.{block}", 1)
    torch.testing.assert_close(features[8], x, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [MobileNetV2Encoder, lambda **options: ResNetEncoder(18, **options), lambda **o: ResNetEncoder(50, **o)],
)
@pytest.mark.parametrize(("output_stride", "strides"), [(32, (4, 8, 16, 32)), (8, (4, 8, 8, 8))])
def test_feature_grids_have_the_stride_they_say(make, output_stride, strides):
    encoder = make(output_stride=output_stride)
    features = encoder(torch.rand(1, 3, 96, 64))
    assert [tuple(feature.shape[-2:]) for feature in features.values()] == [(96 // s, 64 // s) for s in strides]
    assert [feature.shape[1] for feature in features.values()] == list(encoder.channels.values())


def test_dilation_reaches_as_far_as_the_stride_did():
    encoder = MobileNetV2Encoder(output_stride=8)
    dilations = {m.dilation for m in encoder.stages()[32].modules() if isinstance(m, nn.Conv2d) and m.groups > 1}
    assert dilations == {(4, 4)}


@pytest.mark.parametrize("encoder", [MobileNetV2Encoder(frozen=(4, 8, 16)), ResNetEncoder(18, frozen=(4, 8, 16))])
def test_frozen_stages_get_no_gradient_and_norms_never_train(encoder):
    assert not any(module.training for module in encoder.modules() if isinstance(module, nn.BatchNorm2d))
    encoder.train()
    assert not any(module.training for module in encoder.modules() if isinstance(module, nn.BatchNorm2d))
    encoder(torch.rand(1, 3, 64, 64))[32].sum().backward()
    stages = encoder.stages()
    assert all(parameter.grad is None for stage in (4, 8, 16) for parameter in stages[stage].parameters())
    assert all(parameter.grad is not None for parameter in stages[32].parameters())


def test_unknown_stage_names_the_choices():
    with pytest.raises(ValueError, match=r"stage must be one of \(4, 8, 16, 32\), got 2"):
        MobileNetV2Encoder(frozen=(2,))


def test_weights_load_from_pth_and_npz_without_the_classifier(tmp_path):
    torch.manual_seed(1)
    state = MobileNetV2Encoder().state_dict()
    full = {**state, "classifier.1.weight": torch.zeros(2, 2), "features.18.0.weight": torch.zeros(2)}
    torch.save(full, tmp_path / "weights.pth")
    np.savez(tmp_path / "weights.npz", **{key: value.numpy() for key, value in full.items()})
    for name in ("weights.pth", "weights.npz"):
        loaded = MobileNetV2Encoder(tmp_path / name).state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in state.items())


def test_weights_of_another_network_or_no_file_say_what_to_do(tmp_path):
    torch.save({"a": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(UsageError, match="does not hold the weights of a MobileNetV2Encoder"):
        MobileNetV2Encoder(tmp_path / "other.pth")
    with pytest.raises(UsageError, match="cannot be read"):
        MobileNetV2Encoder(tmp_path / "missing.pth")


def test_without_network_the_error_says_which_file_to_put_where(monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    with pytest.raises(UsageError, match=r"put it into .*checkpoints as resnet50-0676ba61.pth"):
        ResNetEncoder(50, "imagenet")


MAKERS = [MobileNetV2Encoder, lambda *args, **options: ResNetEncoder(18, *args, **options)]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("output_stride", [8, 32])
@pytest.mark.parametrize("last_stage", [4, 8, 16, 32])
def test_an_encoder_that_ends_early_has_the_same_features_until_there(make, output_stride, last_stage, tmp_path):
    torch.manual_seed(0)
    full = make(output_stride=output_stride)
    torch.save(full.state_dict(), tmp_path / "full.pth")
    part = make(tmp_path / "full.pth", output_stride=output_stride, last_stage=last_stage)
    frame = torch.rand(1, 3, 64, 48)
    expected = {stage: feature for stage, feature in full(frame).items() if stage <= last_stage}
    features = part(frame)
    assert list(features) == list(expected) == list(part.channels)
    assert all(torch.equal(features[stage], expected[stage]) for stage in expected)
    assert max(part.channels) == last_stage


@pytest.mark.parametrize(("stage", "dilation"), [(8, 1), (16, 2), (32, 4)])
def test_resnets_stages_are_dilated_by_the_stride_they_lost(stage, dilation):
    for last_stage in (stage, 32):
        module = ResNetEncoder(18, output_stride=8, last_stage=last_stage).stages()[stage]
        wide = [m for m in module.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
        assert {conv.dilation for conv in wide} == {(dilation, dilation)}


@pytest.mark.parametrize(("make", "left_out"), [(MAKERS[0], "features.14."), (MAKERS[1], "layer4.")])
def test_stages_that_are_left_out_have_no_parameters(make, left_out):
    full, part = make().state_dict(), make(last_stage=16).state_dict()
    assert any(key.startswith(left_out) for key in full)
    assert not any(key.startswith(left_out) for key in part)
    assert set(part) < set(full)


@pytest.mark.parametrize("make", MAKERS)
def test_weights_of_the_full_network_must_hold_the_kept_stages(make, tmp_path):
    state = make().state_dict()
    kept = next(key for key in make(last_stage=8).state_dict() if key.endswith("weight"))
    torch.save({key: value for key, value in state.items() if key != kept}, tmp_path / "broken.pth")
    with pytest.raises(UsageError, match="does not hold the weights of a"):
        make(tmp_path / "broken.pth", last_stage=8)


@pytest.mark.parametrize("make", MAKERS)
def test_a_stage_that_is_not_there_is_refused(make):
    with pytest.raises(ValueError, match=r"last_stage must be one of \(4, 8, 16, 32\), got 12; use 32 for all"):
        make(last_stage=12)
    with pytest.raises(ValueError, match=r"stage must be one of \(4, 8, 16\), got 32"):
        make(last_stage=16, frozen=(32,))
