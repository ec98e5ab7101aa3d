# SPDX-License-Identifier: Apache-2.0
import json
import math

import pytest

TINY = {"sizes": ((32, 48),), "objects": (1, 3), "frames": 2, "clip": 2, "side": 32, "steps": 2}


@pytest.fixture
def script(load_benchmark, monkeypatch):
    script = load_benchmark("gpu")
    monkeypatch.setattr(script, "SMALL", TINY)
    return script


def test_a_rehearsal_on_the_cpu_measures_and_writes_what_it_printed(script, tmp_path, capsys):
    output = tmp_path / "gpu.json"
    script.main(["--device", "cpu", "--checks", "speed", "waits", "--output", str(output)])
    rows = json.loads(output.read_text())["rows"]
    lines = capsys.readouterr().out.splitlines()[-len(rows) :]
    assert [line.split(" | ")[1] for line in lines] == [row["what"] for row in rows]
    speeds = {row["what"]: row["value"] for row in rows if row["unit"] == "frames per s"}
    assert speeds.keys() == {"32 x 48, 1 objects", "32 x 48, 3 objects"}
    assert min(speeds.values()) > 0
    read = next(row["value"] for row in rows if row["unit"] == "numbers read")
    assert read >= 1  # whether the memory takes the frame


def test_the_four_bundles_are_compared_with_themselves(script):
    setting = script.Setting(script.select_device("cpu"), **TINY)
    rows = list(script.equality(setting))
    assert {row.what for row in rows} == {script.IMAGE, script.MEMORY, script.TEST_TIME, script.RELEARNING}
    assert all(row.ok for row in rows if row.unit == "Dice")
    assert all(row.value == 0 for row in rows if row.unit.startswith("largest"))


def test_trainings_take_steps_as_the_bundles_set_them_up(script):
    setting = script.Setting(script.select_device("cpu"), **TINY)
    rows = list(script.train(script.MEMORY, "bfloat16", setting, {}, ()))
    assert rows[0].ok
    assert 0 < rows[0].value < 2


def test_a_check_that_fails_and_time_that_is_up_are_rows_that_failed(script, monkeypatch):
    def broken(setting):
        yield script.Row("broken", "first", 1.0, "", ok=True)
        raise RuntimeError("no such kernel")

    monkeypatch.setitem(script.CHECKS, "broken", broken)
    rows = list(script.rows_of(None, ["broken"], 60))
    assert [(row.what, row.ok) for row in rows] == [("first", True), ("RuntimeError: no such kernel", False)]
    (late,) = script.rows_of(None, ["broken"], 0)
    assert late.ok is False
    assert math.isnan(late.value)
    with pytest.raises(SystemExit, match="1 of 1 rows failed"):
        script.main(["--device", "cpu", "--checks", "broken", "--seconds", "0"])
