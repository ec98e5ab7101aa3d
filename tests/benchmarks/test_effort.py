# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from monai_i2v.phantoms import Phantom


def test_frames_are_counted_until_a_goal_is_reached(load_benchmark: Callable[[str], ModuleType]) -> None:
    effort = load_benchmark("effort")
    assert [effort.frames_to([0.7, 0.86, 0.95], goal) for goal in (0.5, 0.85, 0.9, 0.99)] == [1, 2, 3, 4]


def test_the_middle_of_the_longest_stretch_is_drawn(load_benchmark: Callable[[str], ModuleType]) -> None:
    effort = load_benchmark("effort")
    assert effort.middle(range(20), range(1, 20), [0]) == 10
    assert effort.middle(range(20), range(1, 20), [0, 14]) == 7


def test_every_drawn_frame_is_counted_and_printed(
    load_benchmark: Callable[[str], ModuleType],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    effort = load_benchmark("effort")
    phantom = Phantom("ultrasound", seed=0, length=4, size=(48, 64), objects=2)
    clip = effort.Clip("phantom-ultrasound_0", list(phantom), phantom.label_map)
    monkeypatch.setattr(effort, "find_clips", lambda folder: [])
    monkeypatch.setattr(effort, "make_phantoms", lambda count: [clip])
    output = tmp_path / "effort.json"
    effort.main(["--data", str(tmp_path), "--output", str(output), "--families", "phantom", "--ways", "middle"])
    (curve,) = json.loads(output.read_text())["phantom"]["middle"].values()
    assert len(curve) == 4  # all frames are drawn then
    assert curve[-1] == pytest.approx(1.0)
    assert "| phantom (1) | middle |" in capsys.readouterr().out
