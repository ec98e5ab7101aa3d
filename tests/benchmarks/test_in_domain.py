# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from written_clip import write_clip

from monai_i2v.phantoms import Phantom


def test_weights_learn_from_all_clips_but_those_that_they_are_measured_on(
    load_benchmark: Callable[[str], ModuleType],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = load_benchmark("in_domain")
    for seed in range(2):
        write_clip(Phantom("endoscope", seed=seed, length=4, size=(32, 32)), tmp_path / f"clips/polyp_{seed}")
    trained = []
    run = subprocess.run

    def train(command: list[str], *, check: bool) -> None:
        """Once in truth."""
        folder = Path(command[command.index("--ckpt_dir") + 1])
        lists = json.loads((folder / "clips.json").read_text())
        trained.append({part: [item["set"] for item in items] for part, items in lists.items()})
        if len(trained) == 1:
            run(command, check=check)
        else:
            shutil.copy(folder.with_name("0") / "model.pt", folder)

    monkeypatch.setattr(subprocess, "run", train)
    words = ["--data", str(tmp_path / "clips"), "--output", str(tmp_path / "out"), "--folds", "2", "--steps", "1"]
    for _ in range(2):  # the second time from the files
        script.main([*words, "--set", "image_size=32", "num_workers=0", "val_clips=4"])
        rows = [line.split(" | ")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
        assert rows[-3:] == ["| copy", "| shipped", "| shipped in domain"]
    assert [one["validation"] for one in trained] == [["polyp_0"], ["polyp_1"]]
    assert all(set(one["training"]).isdisjoint(one["validation"]) for one in trained)
    measured = json.loads((tmp_path / "out" / "polyp.json").read_text())
    assert set(measured["shipped in domain"]) == {"polyp_0", "polyp_1"}
    # After one step the weights are others.
    assert measured["shipped in domain"]["polyp_0"]["objects"] != measured["shipped"]["polyp_0"]["objects"]
