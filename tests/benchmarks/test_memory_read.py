# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch


@pytest.fixture
def script(load_benchmark: Callable[[str], ModuleType], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with two cases that take no time."""
    script = load_benchmark("memory_read")
    few = script.Case((4, 5), 10, key_channels=8, top_k=3, value_channels=16)
    share = script.Case((4, 5), 10, key_channels=8, top_fraction=0.2, value_channels=16)
    monkeypatch.setattr(script, "CASES", {"few": few, "share": share})
    monkeypatch.setattr(script, "PEAK_SIDE", 64)
    monkeypatch.setattr(script, "PEAK_BYTES", 1 << 12)
    return script


def test_the_script_prints_a_line_per_case_and_writes_them(
    script: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    output = tmp_path / "out.json"
    threads = str(torch.get_num_threads())
    script.main(["--cases", "few,share", "--threads", threads, "--repeats", "1", "--output", str(output)])
    *_, few, share = capsys.readouterr().out.splitlines()
    assert few.startswith("| few | 20 x 200, 8, 3 | ")
    assert share.startswith("| share | 20 x 200, 8, 40 | ")
    rows = json.loads(output.read_text())["rows"]
    assert [row["case"] for row in rows] == ["few", "share"]
    assert all(row["difference"] < 1e-5 for row in rows)  # both compute the same
    assert all(row["ratio"] == pytest.approx(row["plain_ms"] / row["ours_ms"]) for row in rows)


def test_temporaries_are_what_is_held_at_the_worst_moment(script: ModuleType) -> None:
    def two_steps() -> torch.Tensor:
        first = torch.zeros(100_000)
        second = first + 1
        del first
        return second * 2  # beside it, `second`: 4 bytes each

    assert script.temporary_bytes(two_steps) == pytest.approx(400_000, abs=100)  # scalars are tensors too


def test_bound_counts_products_and_bytes(script: ModuleType) -> None:
    case = script.CASES["few"]  # 20 queries, 200 cells, 8 key channels, 3 kept, 16 value channels
    products = 2 * 20 * 200 * 8 + 2 * 20 * 3 * 16
    assert script.bound(case, script.Peak(flops=1.0, bytes=float("inf"))) == products
    moved = 4 * (8 * (20 + 200) + 16 * 20 + 16 * 20 * 3)
    assert script.bound(case, script.Peak(flops=float("inf"), bytes=1.0)) == moved


def test_unknown_cases_are_answered_with_the_choices(script: ModuleType, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        script.main(["--cases", "few,S9"])
    assert "no case 'S9'; choose from few, share" in capsys.readouterr().err
