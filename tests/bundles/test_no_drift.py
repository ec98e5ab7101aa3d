# SPDX-License-Identifier: Apache-2.0
"""What the shipped memory network does where nothing happens."""

from pathlib import Path

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from monai_i2v.metrics import dice
from monai_i2v.phantoms import Phantom
from monai_i2v.propagation import propagate
from monai_i2v.transforms import labels_to_masks

BUNDLE = Path(__file__).parents[2] / "bundles" / "temporal_contrastive_memory_video_segmentation"
FRAMES = 25


@pytest.mark.parametrize("look", ["ultrasound", "endoscope"])
def test_masks_of_a_clip_whose_frames_are_all_alike_do_not_drift(look):
    parser = ConfigParser()
    parser.read_config(BUNDLE / "configs" / "inference.json")
    parser.update({"bundle_root": str(BUNDLE)})
    net = parser.get_parsed_content("network")
    phantom = Phantom(look, seed=1, length=2, size=(128, 128), objects=2)
    masks = labels_to_masks(torch.from_numpy(phantom.label_map(0).astype(np.int32)), [1, 2])
    with torch.no_grad():
        probs = list(propagate(net, [phantom[0].unsqueeze(0)] * FRAMES, masks.unsqueeze(0)))
    first, last = (dice(prob[0] > 0.5, masks > 0.5).mean().item() for prob in (probs[1], probs[-1]))
    assert first > 0.93
    assert last == pytest.approx(first, abs=1e-3)
