# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def soak(load_benchmark: Callable[[str], ModuleType]) -> ModuleType:
    return load_benchmark("soak")


@pytest.fixture
def here(soak: ModuleType, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, without processes of its own."""
    monkeypatch.setattr(soak, "in_fresh_process", lambda function, *args: function(*args))
    return soak


def test_every_way_reads_all_frames_and_tells_the_memory(
    here: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here.main(["--frames", "8", "--side", "32", "--output", str(tmp_path)])
    curves = json.loads((tmp_path / "soak.json").read_text())["curves"]
    read = {way: [frames for frames, _ in samples] for way, samples in curves.items()}
    assert read == {"live": [*range(1, 9)], "stream": [*range(1, 9)], "middle": [*range(1, 13)]}
    assert all(mib > 50 for samples in curves.values() for _, mib in samples)
    assert (tmp_path / "soak.png").stat().st_size > 1000
    *_, live, stream, middle = capsys.readouterr().out.splitlines()
    assert [line[: line.index("8") + 1] for line in (live, stream, middle)] == [
        "| live | 8",
        "| stream | 8",
        "| middle | 8",
    ]


def test_growth_is_told_per_ten_thousand_frames_after_the_warm_up(soak: ModuleType) -> None:
    samples = [
        soak.Sample(frames, 900.0 if frames < 1000 else 100 + frames / 5000) for frames in range(100, 10001, 100)
    ]
    assert soak.growth(samples) == pytest.approx(2)
    assert soak.growth([soak.Sample(frames, 100.0) for frames in (10, 50, 100)]) == pytest.approx(0, abs=1e-6)


def test_frames_are_a_function_of_their_number_and_show_the_disc(soak: ModuleType) -> None:
    count: list[None] = []
    video = soak.Wanderer(1000, 64, lambda: count.append(None))
    frame, inside = video.read(999)[..., 0], video.label_map(999) == 1
    assert np.array_equal(frame, video.read(999)[..., 0])
    assert frame[inside].min() >= 150 > 90 > frame[~inside].max()
    assert inside.sum() == pytest.approx(np.pi * (64 / 5) ** 2, rel=0.05)
    assert len(count) == 2
