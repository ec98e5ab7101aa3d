# SPDX-License-Identifier: Apache-2.0
import torch

from monai_i2v.adaptation.reference_views import random_view


def test_mask_moves_with_the_frame(disc):
    frames, masks = disc
    for seed in range(5):
        frame, mask = random_view(frames[:1], masks[:1], torch.Generator().manual_seed(seed))
        bright = frame[:, :1] > 0.45
        overlap = 2 * (bright & (mask > 0.5)).sum() / (bright.sum() + (mask > 0.5).sum())
        assert overlap > 0.85
        assert not torch.equal(mask, masks[:1])


def test_same_seed_same_view(disc):
    frames, masks = disc
    first, second = (random_view(frames[:1], masks[:1], torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
