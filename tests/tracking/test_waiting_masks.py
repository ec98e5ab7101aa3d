# SPDX-License-Identifier: Apache-2.0
import torch

from monai_i2v.tracking.waiting_masks import WaitingMasks


def noise(index):
    return torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(index))


def test_masks_come_back_last_first_in_half_precision():
    waiting = WaitingMasks()
    for index in range(9, 0, -1):
        waiting.push(index, noise(index))
    assert len(waiting) == 9
    for index in range(1, 10):
        found, prob = waiting.pop()
        assert found == index
        assert torch.equal(prob, noise(index).half().float())
    assert len(waiting) == 0
    assert waiting.file.append(b"") == 0  # nothing is left in the file
