# SPDX-License-Identifier: Apache-2.0
import json
import subprocess
from pathlib import Path

import torch

from monai_i2v.networks.vos import LIGHT_FORMS, light_network


def test_all_trackers_are_trained_with_the_same_budget_from_one_list_of_stills(load_benchmark, tmp_path, monkeypatch):
    script, started = load_benchmark("vos_training"), []

    def start(command, check):
        options = dict(zip(command[4::2], command[5::2], strict=True))
        started.append(options)
        torch.save({}, Path(options["--ckpt_dir"]) / "model.pt")

    monkeypatch.setattr(subprocess, "run", start)
    (tmp_path / "stills.json").write_text("{}")
    words = ["--data", str(tmp_path), "--weights", "w.npz", "--output", str(tmp_path), "--epochs", "3"]
    script.main([*words, "--set", "image_size=192"])
    assert [options["--method"] for options in started] == list(LIGHT_FORMS)
    common = ("--max_epochs", "--steps_per_epoch", "--seed", "--image_size", "--datalist", "--encoder_weights")
    assert {tuple(options[name] for name in common) for options in started} == {
        ("3", "250", "0", "192", str(tmp_path / "stills.json"), "w.npz")
    }
    assert all("vos_train.json" in options["--config_file"] for options in started)
    told = json.loads((tmp_path / "cutie/training.json").read_text())
    assert (told["epochs"], len(told["model_sha256"])) == (3, 64)
    script.main([*words, "--methods", "aot,rde"])
    assert len(started) == len(LIGHT_FORMS)


def test_the_video_table_has_a_row_for_each_tracker_that_is_measured_when_it_is_trained(
    load_benchmark, tmp_path, monkeypatch
):
    grid, tables = load_benchmark("grid"), load_benchmark("tables")
    table = grid.TABLES["video"]
    assert {run.name for _, run in table.rows} >= {table.baseline, *(f"vos_{method}" for method in LIGHT_FORMS)}
    monkeypatch.setattr(grid, "TRAINED_TRACKERS", tmp_path)
    run = grid._tracker("aot")
    assert not run.is_trained
    (tmp_path / "aot").mkdir()
    torch.save({"model": light_network("aot").state_dict()}, tmp_path / "aot/model.pt")
    assert run.is_trained
    bundle = tables.Bundle(tables.BUNDLES / run.bundle, size=64, seed=0, device="cpu", **run.changes)
    assert type(bundle.network).__name__ == "AOT"
    facts = bundle.facts()
    assert (facts["network_def"]["method"], len(facts["checkpoint_sha256"])) == ("aot", 64)


def test_costs_of_a_training_step_are_measured(load_benchmark, tmp_path, monkeypatch, capsys):
    script, shared = load_benchmark("vos_cost"), load_benchmark("training_cost")
    monkeypatch.setattr(shared, "in_fresh_process", lambda function, *args: function(*args))
    output = tmp_path / "cost.json"
    words = ["--output", str(output), "--methods", "joint", "--size", "32", "--steps", "1"]
    script.main([*words, "--clips", "1"])
    content = json.loads(output.read_text())
    assert (content["size"], content["clips"]) == (32, 1)
    assert 0.5 < content["rows"][0]["trainable_million"] < 1
    assert content["rows"][0]["lines"] < 200
    assert "| joint |" in capsys.readouterr().out
