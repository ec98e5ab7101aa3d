# SPDX-License-Identifier: Apache-2.0
"""A moving disc, and small networks, for all tests."""

from __future__ import annotations

import functools
import os

import pytest
import torch
from monai.bundle.config_item import ComponentLocator
from torch import Tensor

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import (
    MatchingKey,
    MobileNetV2Encoder,
    OneShotNet,
    PriorMask,
    SlimMaskEncoder,
    TemporalContrastiveMemoryNet,
)

# Small tensors gain nothing from several threads, and lose minutes by them when all cores are busy.
torch.set_num_threads(1)

KEY_CHANNELS = {8: 32, 16: 96, 32: 320}


def moving_disc(length: int = 6, size: tuple[int, int] = (64, 80), seed: int = 0) -> tuple[Tensor, Tensor]:
    """A bright disc that moves 2 px per frame over noise: frames (T, 3, H, W) in [0, 1], masks (T, 1, H, W)."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(size[0]), torch.arange(size[1]), indexing="ij")
    center = torch.arange(length).view(-1, 1, 1) * 2.0
    inside = (rows - 30.0) ** 2 + (columns - 24.0 - center) ** 2 < 14.0**2  # (T, H, W)
    noise = 0.1 * torch.rand(length, 3, *size, generator=generator)
    color = torch.tensor([0.8, 0.5, 0.2]).view(1, 3, 1, 1)
    return noise + color * inside.unsqueeze(1), inside.unsqueeze(1).float()


pytest_plugins = ["written_media"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Notebooks come first: what is left at the end is short, and no worker waits long for another."""
    items.sort(key=lambda item: "test_notebooks" not in item.nodeid)


@pytest.fixture(scope="session", autouse=True)
def commands_without_coverage():
    """Coverage of commands and kernels costs time, and writes one file too many for a disk that is full."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("COVERAGE")]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_look_through_monai():
    """For every config MONAI looks through all of its modules for classes; they stay the same in a process."""
    look = functools.cache(functools.partial(ComponentLocator._find_classes_or_functions, ComponentLocator()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ComponentLocator, "_find_classes_or_functions", lambda self, names: look(tuple(names)))
        yield


@pytest.fixture
def disc() -> tuple[Tensor, Tensor]:
    return moving_disc()


@pytest.fixture
def image_net() -> OneShotNet:
    """A small, untrained image network with a learned matching key, in evaluation mode."""
    torch.manual_seed(0)
    prior = PriorMask(masking="features", key=MatchingKey(KEY_CHANNELS, width=16))
    return OneShotNet(MobileNetV2Encoder(output_stride=8), width=32, prior=prior, token="map").eval()


@pytest.fixture
def memory_net() -> TemporalContrastiveMemoryNet:
    """A small, untrained memory network that remembers every second frame, in evaluation mode."""
    torch.manual_seed(0)
    return TemporalContrastiveMemoryNet(
        MobileNetV2Encoder(last_stage=16),
        SlimMaskEncoder(32),
        value_channels=64,
        widths=(64, 32, 16),
        policy=MemoryPolicy(mem_every=2, max_mem_frames=3),
    ).eval()
