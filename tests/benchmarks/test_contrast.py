# SPDX-License-Identifier: Apache-2.0
import json

import numpy as np
import pytest
from PIL import Image
from written_clip import write_clip

from monai_i2v.phantoms import Phantom


@pytest.fixture
def script(load_benchmark, monkeypatch):
    script = load_benchmark("contrast")
    monkeypatch.setattr(script, "in_fresh_process", lambda function, *args: function(*args))
    return script


@pytest.fixture
def datalist(tmp_path):
    """Phantoms as labelled stills."""
    items = []
    for number in range(3):
        phantom = Phantom("endoscope", length=1, size=(64, 64), seed=number)
        Image.fromarray(phantom.read(0)).save(tmp_path / f"{number}.jpg")
        Image.fromarray(phantom.label_map(0)).save(tmp_path / f"{number}.png")
        items.append({"image": f"{number}.jpg", "label": f"{number}.png"})
    (tmp_path / "stills.json").write_text(json.dumps({"training": items[:2], "validation": items[2:]}))
    return tmp_path / "stills.json"


def test_it_trains_with_and_without_the_contrast_and_goes_on_where_it_stopped(script, datalist, tmp_path, capsys):
    output = tmp_path / "scores.json"
    short = ("--steps", "1", "--size", "32", "--val_clips", "2", "--threads", "1")
    command = ["--datalist", str(datalist), "--output", str(output), *short]
    script.main([*command, "--seeds", "0"])
    rows = json.loads(output.read_text())["rows"]
    assert [(row["seed"], row["contrast_weight"]) for row in rows] == [(0, 0.05), (0, 0.0)]
    assert all(0 <= row["synthetic"] <= 100 for row in rows)
    script.main([*command, "--seeds", "0,1"])
    again = json.loads(output.read_text())["rows"]
    assert again[:2] == rows
    assert [(row["seed"], row["contrast_weight"]) for row in again[2:]] == [(1, 0.05), (1, 0.0)]
    means = [np.mean([row["synthetic"] for row in again if row["contrast_weight"] == weight]) for weight in (0.05, 0)]
    table = capsys.readouterr().out.splitlines()[-2:]
    assert [float(line.split("|")[3].split("±")[0]) for line in table] == pytest.approx(means, abs=0.06)
    with pytest.raises(SystemExit, match="was made with"):
        script.main([*command[:-6], "--steps", "2", "--size", "32"])


def test_clips_are_scored_as_well(script, datalist, tmp_path):
    write_clip(Phantom("endoscope", length=3, size=(64, 64)), tmp_path / "clips" / "colon_0")
    output = tmp_path / "scores.json"
    short = ("--steps", "1", "--size", "32", "--val_clips", "2", "--threads", "1", "--seeds", "0")
    script.main(["--datalist", str(datalist), "--data", str(tmp_path / "clips"), "--output", str(output), *short])
    rows = json.loads(output.read_text())["rows"]
    assert all(0 <= row["colon"] <= 100 for row in rows)
