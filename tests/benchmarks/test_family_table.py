# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from monai_i2v.phantoms import Phantom


def test_no_clip_is_in_both_halves_of_a_family(load_benchmark: Callable[[str], ModuleType]) -> None:
    families = load_benchmark("families")
    for halves in families.FAMILIES.values():
        chosen, reported = halves["choose"], halves["report"]
        assert not any(one.startswith(other) or other.startswith(one) for one in chosen for other in reported)
    assert "phantom-ultrasound_5" in families.FAMILIES["phantom"]["report"]


def test_candidates_are_measured_on_one_half_and_kept(
    load_benchmark: Callable[[str], ModuleType],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = load_benchmark("family_table")
    phantom = Phantom("ultrasound", seed=0, length=3, size=(48, 64), objects=2)
    clip = script.Clip("phantom-ultrasound_0", list(phantom), phantom.label_map)
    monkeypatch.setattr(script, "find_clips", lambda folder: [])
    monkeypatch.setattr(script, "make_phantoms", lambda count: [clip])
    candidates = tmp_path / "candidates.json"
    candidates.write_text(json.dumps({"shipped": {"size": 64}, "drawn only": {"size": 64, "max_mem_frames": 1}}))
    words = ["--data", str(tmp_path), "--candidates", str(candidates), "--output", str(tmp_path / "out")]
    for _ in range(2):  # the second time from the file
        script.main([*words, "--families", "phantom"])
        lines = capsys.readouterr().out.splitlines()
        rows = [
            line.split(" | ")[0] for line in lines if line.startswith("| ") and "%" not in line and "---" not in line
        ]
        assert rows[:4] == ["| copy", "| image", "| shipped", "| drawn only"]
    (measured,) = json.loads((tmp_path / "out" / "choose.json").read_text())["shipped"].values()
    assert [len(numbers["dice"]) for numbers in measured["objects"].values()] == [2, 2]


def test_a_clip_runs_backward_from_its_last_mask(load_benchmark: Callable[[str], ModuleType]) -> None:
    clips = load_benchmark("clips")
    frames = [torch.full((3, 4, 4), float(index)) for index in range(6)]
    drawn = {index: np.full((4, 4), index + 1) for index in (0, 2, 4)}
    clip = clips.backward(clips.Clip("polyp_1", frames, drawn.get))
    assert clip.name == "polyp_1_backward"
    assert [int(frame[0, 0, 0]) for frame in clip.video] == [4, 3, 2, 1, 0]
    assert {index: int(labels[0, 0]) for index, labels in clip.read_truth().items()} == {0: 5, 2: 3, 4: 1}


def test_both_directions_of_a_clip_count_as_one(load_benchmark: Callable[[str], ModuleType], tmp_path: Path) -> None:
    table = load_benchmark("family_table").Table(tmp_path, "choose")
    for clip, dice in {"cine_1": 0.5, "cine_1_backward": 0.7, "cine_2": 0.8}.items():
        table.add("ours", clip, measured(dice))
    assert table.clip_scores("ours", "cine", "dice") == pytest.approx({"cine_1": 0.6, "cine_2": 0.8})


def measured(*dice: float, sure: float = 0.9) -> dict:
    return {"seconds": 0.1, "objects": {"1": {"dice": list(dice), "sure": [sure] * len(dice), "empty": []}}}


def test_families_weigh_alike_and_regret_is_the_worst_family_s(
    load_benchmark: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    table = load_benchmark("family_table").Table(tmp_path, "choose")
    for candidate, scores in {"image": (0.5, 0.6), "ours": (0.9, 0.4), "other": (0.7, 0.6)}.items():
        table.add(candidate, "cine_1", measured(scores[0]))
        table.add(candidate, "cine_2", measured(scores[0], scores[0]))
        table.add(candidate, "polyp_1", measured(scores[1]))
    families = ["cine", "polyp"]
    assert table.mean("ours", families) == pytest.approx(0.65)
    assert table.regret("ours", families) == pytest.approx(0.2)
    assert table.regret("other", families) == pytest.approx(0.0)
    assert table.difference("ours", "image", families) == pytest.approx((0.1, 0.1, 0.1))
    assert np.isnan(table.auroc("other", "cine"))  # nothing is wrong by less than 0.7


def test_a_morph_begins_and_ends_a_beat_with_the_same_picture(load_benchmark: Callable[[str], ModuleType]) -> None:
    hearts = load_benchmark("beating_hearts")
    y, x = torch.meshgrid(torch.linspace(-1, 1, 48), torch.linspace(-1, 1, 48), indexing="ij")
    first, second = ((x**2 + y**2 < radius**2).float().expand(3, -1, -1) for radius in (0.6, 0.4))
    frames = hearts.morph(first, second, seed=0)
    areas = torch.tensor([(frame[0] > 0.5).float().mean() for frame in frames])
    assert len(frames) == hearts.LENGTH
    assert (frames[0] - frames[hearts.DIASTOLE]).abs().max() < 0.15  # noise
    assert areas[hearts.SYSTOLE] < areas[hearts.SYSTOLE // 2] < areas[0]
