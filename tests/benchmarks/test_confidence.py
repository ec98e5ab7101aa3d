# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import torch

from monai_i2v.inferers import FrameResult, PropagationInferer


@pytest.fixture
def confidence(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("confidence")


def test_auroc_counts_pairs_in_the_right_order(confidence: ModuleType) -> None:
    judged = [
        confidence.Judged("a_1", index, 1, sure, dice)
        for index, (sure, dice) in enumerate([(0.9, 0.95), (0.6, 0.8), (0.7, 0.3), (0.1, 0.0)])
    ]
    assert confidence.auroc(judged) == pytest.approx(3 / 4)  # 0.6 is below 0.7
    assert confidence.auroc(judged[:2]) is None


def test_some_frames_of_a_spoiled_phantom_are_spoiled_and_its_truth_stays(
    confidence: ModuleType, clips: ModuleType
) -> None:
    phantom = clips.make_phantoms(1)[0]
    spoiled = confidence.spoil(phantom, seed=0)
    changed = [not a.equal(b) for a, b in zip(phantom.video, spoiled.video, strict=True)]
    assert not changed[0]
    assert 3 <= sum(changed) <= 15
    assert spoiled.read_truth()[5].equal(phantom.read_truth()[5])
    assert spoiled.family == "spoiled-ultrasound"


def test_figures_and_numbers_are_written(
    confidence: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    confidence.main(["--output", str(tmp_path), "--phantoms", "1", "--size", "96", "--clips", "phantom-ultra"])
    masks = json.loads((tmp_path / "confidence.json").read_text())["spoiled-ultrasound"]
    assert len(masks) == 2 * 19
    assert all(0 <= one["confidence"] <= 1 and 0 <= one["dice"] <= 1 for one in masks)
    assert (tmp_path / "confidence.png").stat().st_size > 1000
    assert "38 masks" in capsys.readouterr().out


def test_a_cycle_that_comes_back_to_the_given_masks_is_trusted(confidence: ModuleType) -> None:
    masks = torch.zeros(1, 2, 32, 32)
    masks[:, 0, :16], masks[:, 1, 16:] = 1, 1
    still = SimpleNamespace(start=lambda frame, masks: masks, step=lambda frame, state: (state, state))
    inferer = PropagationInferer(None)
    video = inferer.annotate([torch.zeros(3, 32, 32)] * 3, masks[0])
    bundle = SimpleNamespace(network=still)
    half = masks[0].clone()
    half[1, 24:] = 0
    found = FrameResult(2, torch.zeros(3, 32, 32), half, None)
    assert confidence.cycle_dice(bundle, video, found).tolist() == pytest.approx([1, 2 / 3])
