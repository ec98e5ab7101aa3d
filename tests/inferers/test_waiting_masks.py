# SPDX-License-Identifier: Apache-2.0
import errno
import os

import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.inferers import waiting_masks
from monai_i2v.inferers.waiting_masks import WaitingMasks


def noise(index):
    return torch.rand(1, 2, 8, 8, generator=torch.Generator().manual_seed(index))


@pytest.mark.parametrize("memory", [1 << 20, 600])  # all in memory, or most on disk
def test_masks_come_back_last_first(memory, monkeypatch):
    monkeypatch.setattr(waiting_masks, "MEMORY", memory)
    waiting = WaitingMasks()
    for index in range(9, 0, -1):
        waiting.push(index, noise(index))
    assert bool(waiting.file.name) == (memory == 600)
    for index in range(1, 10):
        found, prob = waiting.pop()
        assert found == index
        assert torch.equal(prob, noise(index).half().float())
    assert len(waiting) == 0
    assert waiting.file.tell() == 0


def test_a_full_disk_is_one_sentence(monkeypatch):
    waiting = WaitingMasks()

    def fail(content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(waiting.file, "write", fail)
    with pytest.raises(UsageError, match=r"cannot be kept in .* \(No space left on device\); .* set TMPDIR"):
        waiting.push(3, noise(3))
