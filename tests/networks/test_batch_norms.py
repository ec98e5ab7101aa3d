# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch

from monai_i2v.networks import (
    MobileNetV2Encoder,
    ResNetEncoder,
    batch_norms_of,
    calibrate_batch_norms,
    collect_statistics,
    optimize_for_inference,
)


def images(count=3):
    return torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=[MobileNetV2Encoder, lambda: ResNetEncoder(18)])
def encoder(request):
    torch.manual_seed(0)
    return request.param()


def statistics(encoder, batch):
    """Mean and variance of what each batch norm gets to see."""
    seen = []
    hooks = [
        norm.register_forward_pre_hook(
            lambda norm, inputs: seen.append(
                (inputs[0].mean(dim=(0, 2, 3)), inputs[0].var(dim=(0, 2, 3), correction=0))
            )
        )
        for norm in batch_norms_of(encoder)
    ]
    with torch.no_grad():
        encoder(batch)
    for hook in hooks:
        hook.remove()
    return seen


def test_calibration_changes_the_statistics_and_nothing_else(encoder):
    before = copy.deepcopy(encoder)
    calibrate_batch_norms(encoder, images().split(1))
    assert not torch.equal(batch_norms_of(encoder)[3].running_var, batch_norms_of(before)[3].running_var)
    with torch.no_grad():
        for ours, theirs in zip(encoder(images()).values(), before(images()).values(), strict=True):
            torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_calibrated_statistics_are_those_of_the_images(encoder):
    calibrate_batch_norms(encoder, images())  # images without a batch axis
    for norm, (mean, variance) in zip(batch_norms_of(encoder), statistics(encoder, images()), strict=True):
        torch.testing.assert_close(norm.running_mean, mean, atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(norm.running_var, variance, atol=1e-5, rtol=1e-3)


def test_collected_statistics_of_one_batch_normalize_it_as_in_training(encoder):
    expected = copy.deepcopy(encoder)
    for norm in batch_norms_of(expected):
        norm.train()
    with torch.no_grad():
        wanted = expected(images())[4]
        collect_statistics(encoder, [images()])
        # Running variances are unbiased, which shows where there are few places.
        torch.testing.assert_close(encoder(images())[4], wanted, atol=3e-2, rtol=1e-2)
    assert not any(norm.training for norm in batch_norms_of(encoder))


def test_collected_statistics_of_several_batches_are_averaged(encoder):
    first, *_ = statistics(encoder, images())
    apart = [statistics(encoder, image)[0][0] for image in images().split(1)]
    collect_statistics(encoder, images().split(1))
    torch.testing.assert_close(batch_norms_of(encoder)[0].running_mean, torch.stack(apart).mean(dim=0))
    torch.testing.assert_close(batch_norms_of(encoder)[0].running_mean, first[0], atol=1e-5, rtol=1e-4)


def test_folded_encoders_have_none():
    assert batch_norms_of(optimize_for_inference(MobileNetV2Encoder())) == []
