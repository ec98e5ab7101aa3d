# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

from monai_i2v.networks import MobileNetV2Encoder, OneShotNet
from monai_i2v.propagation import propagate


@pytest.fixture
def script(load_benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, in this process."""
    script = load_benchmark("propagation")
    monkeypatch.setattr(script, "in_fresh_process", lambda function, *args: function(*args))
    return script


@pytest.fixture
def stcn(script: ModuleType) -> torch.nn.Module:
    torch.manual_seed(0)
    return script.PlainSTCN().eval()


def test_the_script_prints_a_line_per_case_and_writes_them(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setitem(script.NETWORKS, "image", lambda: OneShotNet(MobileNetV2Encoder(output_stride=8), width=32))
    output = tmp_path / "out.json"
    words = ["--networks", "tcmn,image,stcn", "--sizes", "32x48", "--objects", "1,2", "--frames", "8", "--repeats", "1"]
    script.main([*words, "--threads", str(torch.get_num_threads()), "--device", "cpu", "--output", str(output)])
    lines = [line.split(" | ") for line in capsys.readouterr().out.splitlines()[-6:]]
    assert [line[:3] for line in lines] == [
        [f"| {network}", "32x48", objects] for objects in "12" for network in ("tcmn", "image", "stcn")
    ]
    rows = json.loads(output.read_text())["rows"]
    assert [row["ratio"] for row in rows if row["network"] == "stcn"] == [1, 1]
    assert all(row["peak_mib"] > 100 for row in rows)  # of a process that has loaded PyTorch


@pytest.mark.parametrize("name", ["tcmn", "tcmn_paper", "image", "memory", "stcn"])
def test_all_networks_can_run_their_encoders_in_bfloat16(script: ModuleType, name: str) -> None:
    case = script.Case(name, (32, 32), 1)
    assert script.run(case, script.Setting(frames=4, threads=torch.get_num_threads(), device="cpu", bf16=True)).seconds


@torch.no_grad()
def test_the_yardstick_is_a_video_segmenter(stcn: torch.nn.Module) -> None:
    masks = torch.zeros(1, 2, 40, 50)
    masks[:, 0, :20], masks[:, 1, 20:] = 1, 1
    state = stcn.start(torch.rand(1, 3, 40, 50), masks)
    lengths = []
    for frame in torch.rand(7, 1, 3, 40, 50):
        prob, state = stcn.step(frame, state)
        lengths.append(state.keys.shape[2] // (3 * 4))
    assert prob.shape == (1, 2, 40, 50)
    assert prob.sum(dim=1).max() <= 1 + 1e-6
    assert lengths == [1, 1, 1, 1, 2, 2, 2]  # the reference, and every fifth frame
    assert state.values.shape == (2, 512, 2 * 3 * 4)


@torch.no_grad()
def test_the_yardsticks_objects_do_not_mix(script: ModuleType, stcn: torch.nn.Module) -> None:
    frames = torch.rand(2, 1, 3, 32, 32)
    masks = torch.zeros(1, 2, 32, 32)
    masks[:, 0, :16], masks[:, 1, 16:] = 1, 1
    both, swapped = (list(propagate(stcn, frames, order))[1] for order in (masks, masks.flip(1)))
    torch.testing.assert_close(both, swapped.flip(1), atol=1e-4, rtol=0)


def test_unknown_networks_are_answered_with_the_choices(script: ModuleType, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        script.main(["--networks", "tcmn,foo"])
    assert "no network 'foo'; choose from tcmn, shipped, shipped_compiled, shipped_onnx" in capsys.readouterr().err


def test_a_video_must_be_longer_than_the_warm_up(script: ModuleType, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        script.main(["--frames", "3"])
    assert "--frames is 3, expected 4 or more" in capsys.readouterr().err
