# SPDX-License-Identifier: Apache-2.0
import numpy as np
import torch

from monai_i2v.adaptation.reference_views import random_view


def test_mask_moves_with_the_frame(disc):
    frames, masks = disc
    for seed in range(5):
        frame, mask = random_view(frames[:1], masks[:1], np.random.RandomState(seed))
        bright = frame[:, :1] > 0.45
        overlap = 2 * (bright & (mask > 0.5)).sum() / (bright.sum() + (mask > 0.5).sum())
        assert overlap > 0.85
        assert not torch.equal(mask, masks[:1])


def test_same_seed_same_view(disc):
    frames, masks = disc
    first, second = (random_view(frames[:1], masks[:1], np.random.RandomState(7)) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])


def test_what_comes_into_view_belongs_to_what_was_at_the_border(disc):
    frames, masks = disc
    everything = torch.cat([masks[:1], 1 - masks[:1]], dim=1)
    for seed in range(5):
        _, moved = random_view(frames[:1], everything, np.random.RandomState(seed))
        torch.testing.assert_close(moved.sum(dim=1), torch.ones(1, 64, 80))


def test_a_frame_without_objects_is_moved_all_the_same(disc):
    frames, masks = disc
    view, empty = random_view(frames[:1], torch.zeros_like(masks[:1]), np.random.RandomState(0))
    assert not torch.equal(view, frames[:1])
    assert (empty == 0).all()
