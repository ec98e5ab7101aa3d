# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest
import torch

from monai_i2v.transforms.clip_light import relight


def sides(frames=3):
    """A clip (T, 3, 8, 8) that is dark on the left, bright on the right and has a color."""
    clip = torch.tensor([0.2, 0.8]).repeat_interleave(4).expand(frames, 3, 8, 8)
    return clip * torch.tensor([1.0, 0.9, 0.8]).view(3, 1, 1)


def lit(seed, strength=1.0):
    return relight(sides(), strength, np.random.RandomState(seed))


def test_no_strength_changes_nothing():
    assert all((lit(seed, strength=0.0) - sides()).abs().max() < 1e-6 for seed in range(20))


def test_intensities_stay_in_their_range():
    clips = torch.stack([relight(torch.rand(3, 3, 8, 8), 3.0, np.random.RandomState(seed)) for seed in range(50)])
    assert clips.min() == 0
    assert clips.max() == 1


def test_the_seed_decides():
    assert torch.equal(lit(0), lit(0))
    assert (lit(0) - lit(1)).abs().mean() > 0.01


def test_stronger_light_changes_more():
    weak, usual = (
        np.mean([(lit(seed, strength) - sides()).abs().mean() for seed in range(200)]) for strength in (0.1, 1.0)
    )
    assert 0 < weak < 0.2 * usual


def test_frames_differ_in_brightness_less_than_clips_do():
    brightness = torch.stack([lit(seed).mean(dim=(1, 2, 3)) for seed in range(200)])  # (clips, T)
    within, between = brightness.std(dim=1).mean(), brightness.mean(dim=1).std()
    assert 0.01 < within < between


def test_a_tenth_of_the_clips_is_a_negative_in_all_frames():
    right = torch.stack([(lit(seed)[..., 4:] - lit(seed)[..., :4]).mean(dim=(1, 2, 3)) for seed in range(500)])
    negative = right < 0  # (clips, T)
    assert negative.all(dim=1).eq(negative.any(dim=1)).all()
    assert negative[:, 0].float().mean().item() == pytest.approx(0.1, abs=0.04)


def test_frames_keep_their_own_content():
    clip = torch.tensor([0.8, 0.8, 0.2]).view(3, 1, 1, 1).expand(3, 3, 8, 8)
    for seed in range(100):
        first, second, last = relight(clip, 1.0, np.random.RandomState(seed)).mean(dim=(1, 2, 3)).tolist()
        assert abs(first - second) < min(abs(first - last), abs(second - last))


def test_a_fifth_of_the_clips_has_an_unsharp_last_frame():
    steps = torch.stack([lit(seed).diff(dim=-1).abs().mean(dim=(1, 2)) for seed in range(500)])  # (clips, T, 7)
    sharp = steps[..., 3] > 0.6 * steps.sum(dim=-1)  # most of the change lies between two columns, as it did
    unsharp = sharp[:, :2].all(dim=1) & ~sharp[:, 2]
    assert unsharp.float().mean().item() == pytest.approx(0.2, abs=0.05)
    assert (sharp[:, 2] & ~sharp[:, 0]).float().mean() < 0.03
