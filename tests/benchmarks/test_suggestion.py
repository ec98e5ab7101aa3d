# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


def test_the_ways_to_choose_a_second_frame_are_compared(
    load_benchmark: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = load_benchmark("suggestion")
    output = tmp_path / "out.json"
    script.main(["--output", str(output), "--phantoms", "1", "--size", "96", "--clips", "phantom-ultra"])
    (scores,) = json.loads(output.read_text()).values()
    assert list(scores) == ["none", "suggested", "middle", "random"]
    assert all(0 < value < 1 for value in scores.values())
    assert scores["middle"] != scores["none"]
    assert "phantom-ultrasound (1)" in capsys.readouterr().out
