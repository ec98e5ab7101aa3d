# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.networks.few_shot import LIGHT_FORMS, light_network


@pytest.fixture
def script(load_benchmark, monkeypatch):
    """The script that trains all; what it starts is kept in `started`, and leaves a checkpoint."""
    script = load_benchmark("few_shot_training")
    script.started = []

    def start(command, check):
        options = dict(zip(command[4::2], command[5::2], strict=True))
        script.started.append(options)
        Path(options["--ckpt_dir"]).mkdir(parents=True, exist_ok=True)
        torch.save({}, Path(options["--ckpt_dir"]) / "model.pt")

    monkeypatch.setattr(subprocess, "run", start)
    return script


@pytest.fixture
def words(tmp_path):
    """A command line, and a list of stills that is there."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out/stills.json").write_text("{}")
    return ["--data", str(tmp_path), "--weights", "w.npz", "--output", str(tmp_path / "out"), "--epochs", "8"]


def test_a_training_that_fails_ends_all_in_one_sentence(script, words, monkeypatch):
    def fail(command, check):
        raise subprocess.CalledProcessError(3, command)

    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(UsageError, match=r"the training in .*panet ended with exit status 3"):
        script.main([*words, "--methods", "panet"])


def test_all_methods_are_trained_with_the_same_budget_and_adapters_on_top(script, words):
    script.main([*words, "--set", "val_episodes=4"])
    assert [options["--method"] for options in script.started] == list(LIGHT_FORMS)
    by_method = {options["--method"]: options for options in script.started}
    assert {options["--max_epochs"] for method, options in by_method.items() if method != "dra"} == {"8"}
    assert {(options["--seed"], options["--val_episodes"]) for options in script.started} == {("0", "4")}
    dra = by_method["dra"]
    assert dra["--max_epochs"] == "2"
    assert "few_shot_adapter.json" in dra["--config_file"]
    assert dra["--start_from"].endswith("ssp/model.pt")


def test_what_is_trained_is_not_trained_again_nor_mixed_with_another_budget(script, words, tmp_path):
    script.main([*words, "--methods", "panet"])
    told = json.loads((tmp_path / "out/panet/training.json").read_text())
    assert (told["method"], told["epochs"], len(told["model_sha256"])) == ("panet", 8, 64)
    script.main([*words, "--methods", "panet"])
    assert len(script.started) == 1
    with pytest.raises(UsageError, match="panet holds a training with another epochs, expected the same to go on"):
        script.main([*words, "--methods", "panet", "--epochs", "9"])


def test_stills_are_listed_once_as_the_bundle_chooses_them(script, load_benchmark, tmp_path):
    for name in ("mine", "held_out"):
        for kind in ("images", "masks"):
            (tmp_path / name / kind).mkdir(parents=True)
            Image.fromarray(np.ones((8, 8), np.uint8)).save(tmp_path / name / kind / "0.png")
    config = json.loads((script.CONFIGS / "train.json").read_text())
    (tmp_path / "train.json").write_text(json.dumps({**config, "train_sets": ["mine"], "val_sets": ["held_out"]}))
    load_benchmark("training_in_turn").list_stills(tmp_path, tmp_path / "train.json", tmp_path / "stills.json")
    found = json.loads((tmp_path / "stills.json").read_text())
    assert [item["set"] for item in found["training"] + found["validation"]] == ["mine", "held_out"]
    assert all(Path(item["image"]).exists() for item in found["training"])


def test_the_table_has_a_row_for_each_method_that_is_measured_when_it_is_trained(load_benchmark, tmp_path, monkeypatch):
    grid, tables = load_benchmark("grid"), load_benchmark("tables")
    rows = [run for _, run in grid.TABLES["methods"].rows]
    assert {run.name for run in rows} >= {f"few_shot_{method}" for method in LIGHT_FORMS}
    run = next(run for run in rows if run.name == "few_shot_panet")
    monkeypatch.setattr(grid, "TRAINED", tmp_path)
    trained = grid._few_shot("panet")
    assert not trained.is_trained
    assert grid.IMAGE_NET.is_trained
    (tmp_path / "panet").mkdir()
    torch.save({"model": light_network("panet").state_dict()}, tmp_path / "panet/model.pt")
    assert trained.is_trained
    bundle = tables.Bundle(tables.BUNDLES / run.bundle, size=64, seed=0, device="cpu", **trained.changes)
    assert type(bundle.network).__name__ == "PANet"
    assert bundle.facts()["network_def"]["method"] == "panet"


def test_costs_are_measured_and_kept(load_benchmark, tmp_path, monkeypatch, capsys):
    script = load_benchmark("few_shot_cost")
    shared = load_benchmark("training_cost")
    monkeypatch.setattr(shared, "in_fresh_process", lambda function, *args: function(*args))
    words = ["--output", str(tmp_path / "cost.json"), "--methods", "panet", "--size", "32", "--steps", "1"]
    script.main([*words, "--episodes", "1"])
    row = json.loads((tmp_path / "cost.json").read_text())["rows"][0]
    assert row["trainable_million"] == 0.04
    assert 0 < row["code_lines"] < row["lines"] < 200
    monkeypatch.setattr(script, "measure", None)
    script.main([*words, "--episodes", "1"])
    assert capsys.readouterr().out.count("| panet |") == 2


def test_lines_of_code_are_those_that_say_something_to_the_machine(load_benchmark):
    count = load_benchmark("training_cost").count_code
    assert count('"""About."""\n\n# why\nx = 1\n\n\ndef f():\n    """What\n    it is."""\n    return x\n') == 3
