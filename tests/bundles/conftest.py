# SPDX-License-Identifier: Apache-2.0
"""The bundles, small stand-ins for their weights, and a short recording to run them on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser
from PIL import Image

from monai_i2v.data import Phantom

BUNDLES = Path(__file__).parents[2] / "bundles"
VIDEO_BUNDLES = ["one_shot_image_segmentation", "test_time_training_video_segmentation"]


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    """Random weights of the bundles' network: the tests do not depend on the shipped ones."""
    parser = ConfigParser()
    parser.read_config(str(BUNDLES / VIDEO_BUNDLES[0] / "configs/inference.json"))
    torch.manual_seed(0)
    network = parser.get_parsed_content("network_def")
    path = tmp_path_factory.mktemp("weights") / "model.pt"
    torch.save({"model": network.half().state_dict()}, path)
    return path


@pytest.fixture
def recording(tmp_path):
    """Four frames of a phantom as PNGs in `frames`, and the mask of the first, `mask.png`, with labels 1 and 7."""
    phantom = Phantom(length=4, size=(64, 80), objects=2)
    (tmp_path / "frames").mkdir()
    for index in range(4):
        Image.fromarray(phantom.read(index).squeeze()).save(tmp_path / f"frames/frame_{index}.png")
    label_map = phantom.label_map(0).copy()
    label_map[label_map == 2] = 7
    Image.fromarray(label_map.astype(np.uint8)).save(tmp_path / "mask.png")
    return tmp_path
