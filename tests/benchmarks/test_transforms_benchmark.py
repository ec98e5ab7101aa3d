# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from PIL import Image


def test_each_transform_gets_a_line_with_the_ratio_of_its_times(
    load_benchmark: Callable[[str], ModuleType], capsys: pytest.CaptureFixture
) -> None:
    script = load_benchmark("transforms")
    script.main(["--frames", "2", "--size", "48", "--repeats", "1", "--threads", str(torch.get_num_threads())])
    lines = capsys.readouterr().out.splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")][1:]
    assert [row[0] for row in rows] == [*script.ULTRASOUND, *script.ENDOSCOPE]
    assert all(float(row[3]) == pytest.approx(float(row[2]) / float(row[1]), rel=0.3, abs=0.1) for row in rows)


def test_gallery_draws_both_pictures_small(load_benchmark: Callable[[str], ModuleType], tmp_path: Path) -> None:
    load_benchmark("transform_gallery").main(["--output", str(tmp_path)])
    pictures = sorted(tmp_path.iterdir())
    assert [path.name for path in pictures] == ["transforms_endoscopy.png", "transforms_ultrasound.png"]
    assert sum(path.stat().st_size for path in pictures) < 400_000
    for path in pictures:
        with Image.open(path) as picture:
            assert picture.size == (960, 408)
