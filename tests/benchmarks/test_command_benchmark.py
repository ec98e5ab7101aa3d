# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from monai_i2v.media import open_video
from monai_i2v.phantoms import Phantom


@pytest.fixture
def script(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("command")


@pytest.fixture
def stopwatch(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("stopwatch")


@pytest.mark.parametrize(("name", "kind"), [("movie", "movie"), ("dicom", "dicom"), ("nifti", "volume")])
def test_each_case_is_a_recording_with_masks(script: ModuleType, tmp_path: Path, name: str, kind: str) -> None:
    case = script.CASES[name]
    file = case.write(Phantom(case.look, length=3, size=(48, 64)), tmp_path)
    with open_video(tmp_path / file) as video:
        assert (video.info.kind, len(video), video.info.height, video.info.width) == (kind, 3, 48, 64)
    assert (tmp_path / "masks/00000.png").exists()


def test_the_command_is_measured_beside_another_checkout(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(script.CASES, "movie", script.CASES["movie"]._replace(size=(48, 64)))
    output = tmp_path / "times.json"
    main = ["--cases", "movie", "--objects", "2", "--frames", "3", "--repeats", "1", "--threads", "1"]
    script.main([*main, "--output", str(output), "--keep", str(tmp_path / "kept")])
    (row,) = json.loads(output.read_text())["rows"]
    assert 0 < row["wall"]["imports"] < row["first_mask"] < row["total"]
    assert {"decoding", "network", "label maps", "masks", "overlay", "report"} <= set(row["wall"])
    assert row["peak_mib"] > 100
    assert (tmp_path / "kept/video.mp4_2/this/video/report.html").exists()
    assert "| movie | 2 | this |" in capsys.readouterr().out


def test_a_command_that_fails_is_told(script: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="the command failed"):
        script.run(script.HERE.parent, tmp_path / "missing.mp4", tmp_path / "out", threads=1)


def test_a_stage_has_its_own_time_without_that_of_the_stages_it_calls(stopwatch: ModuleType) -> None:
    times = stopwatch._Times()
    inner = times.timed("inner", lambda: time.sleep(0.05))
    outer = times.timed("outer", lambda: (inner(), time.sleep(0.02)))
    threads = [threading.Thread(target=outer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert times.wall["inner"] >= 0.1
    assert times.wall["outer"] >= 0.04
    assert times.wall["outer"] < times.wall["inner"]


def test_another_network_comes_from_a_script(stopwatch: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "peer.py").write_text("import torch\n\ndef make():\n    return torch.nn.Linear(1, 2)\n")
    network = stopwatch.build(f"{tmp_path / 'peer.py'}:make")
    assert (network.out_features, network.training) == (2, False)


def test_parts_that_another_checkout_does_not_have_are_left_out(
    stopwatch: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = (("monai_i2v.media.of_later", "Later.make"), ("monai_i2v.media.video", "Video.of_later"))
    monkeypatch.setattr(stopwatch, "STAGES", {"decoding": parts})
    monkeypatch.setattr(stopwatch.atexit, "register", lambda *args: None)
    monkeypatch.setenv(stopwatch.BEGIN, "0")
    stopwatch.watch()
