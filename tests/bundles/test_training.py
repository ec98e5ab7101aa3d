# SPDX-License-Identifier: Apache-2.0
import json
import os
import re
import subprocess
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest
import torch
from bundle_command import torchrun_command
from ignite.engine import Events
from small_training import CONFIGS, MEMORY_CONFIGS, SMALL, losses_of, train, weights

from monai_i2v.phantoms import Phantom, save_phantom

both_networks = pytest.mark.parametrize("configs", [CONFIGS, MEMORY_CONFIGS], ids=["image", "memory"])


@both_networks
def test_a_training_that_was_killed_goes_on_as_if_it_had_not_been(configs, stills, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    flow = train(stills, whole, configs=configs)
    flow.initialize()
    assert flow.check_properties() == []
    flow.run()

    def kill():
        raise KeyboardInterrupt

    flow = train(stills, killed, configs=configs)
    flow.initialize()
    flow.trainer.add_event_handler(Events.EPOCH_STARTED(once=2), kill)
    with pytest.raises(KeyboardInterrupt):
        flow.run()
    flow = train(stills, killed, configs=configs)
    flow.initialize()
    flow.run()
    first, second = weights(whole), weights(killed)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert (killed / "model.pt").exists()


def test_only_the_named_stages_learn(stills, tmp_path):
    flow = train(stills, tmp_path, max_epochs=1)
    flow.initialize()
    before = {key: value.clone() for key, value in flow.network_def.state_dict().items()}
    flow.run()
    after = flow.network_def.state_dict()
    changed = {key.split(".")[0] for key in before if not torch.equal(before[key], after[key])}
    assert changed == {"fusion", "enhance", "head", "prior"}


def test_finetuning_starts_from_a_checkpoint_and_trains_the_encoder(stills, tmp_path):
    flow = train(stills, tmp_path / "a", max_epochs=1)
    flow.initialize()
    flow.run()
    start = torch.load(tmp_path / "a/model.pt", weights_only=True)
    flow = train(stills, tmp_path / "b", "finetune.json", start_from=str(tmp_path / "a/model.pt"), max_epochs=1)
    flow.initialize()
    flow.run()
    tuned = weights(tmp_path / "b")
    state = start.get("model", start)
    assert not torch.equal(state["encoder.features.0.0.weight"], tuned["encoder.features.0.0.weight"])
    assert (state["encoder.features.0.0.weight"] - tuned["encoder.features.0.0.weight"]).abs().max() < 1e-3


@pytest.fixture(scope="module")
def stage_0(stills, tmp_path_factory):
    """A folder with a memory network that was trained on stills, and with labelled clips to go on with."""
    folder = tmp_path_factory.mktemp("stage_0")
    save_phantom(Phantom(length=5, size=(48, 48), objects=2), folder / "clips/beating/0")
    flow = train(stills, folder, configs=MEMORY_CONFIGS, max_epochs=1)
    flow.initialize()
    flow.run()
    return folder


def test_labelled_clips_join_the_stills(stills, stage_0, tmp_path):
    flow = train(
        stills,
        tmp_path,
        "train_clips.json",
        configs=MEMORY_CONFIGS,
        start_from=str(stage_0 / "model.pt"),
        clips_dir=str(stage_0 / "clips"),
        max_epochs=1,
    )
    flow.initialize()
    sets = {item["set"] for item in flow.parser.get_parsed_content("train::datalist")}
    assert sets == {"echo", "beating"}
    flow.run()
    start, tuned = weights(stage_0), weights(tmp_path)
    change = [(start[key] - tuned[key]).abs().max() for key in start]
    assert 0 < max(change) < 1e-2


def test_classes_are_learned_by_what_follows_encoder_and_keys_and_averaged_with_the_start(stills, stage_0, tmp_path):
    flow = train(
        stills,
        tmp_path,
        "train_clips.json",
        "train_classes.json",
        configs=MEMORY_CONFIGS,
        start_from=str(stage_0 / "model.pt"),
        clips_dir=str(stage_0 / "clips"),
        max_epochs=1,
        share=0.25,
        **{"sampling::set_weights": {"beating": 2}},
    )
    flow.initialize()
    flow.run()
    start, last = weights(stage_0), weights(tmp_path)
    average = torch.load(tmp_path / "average.pt", weights_only=True)
    changed = {key.split(".")[0] for key in start if not torch.equal(start[key], last[key])}
    assert changed == {"mask_encoder", "fuse_value", "decoder"}
    for key in start:
        between = start[key] + 0.25 * (last[key] - start[key])
        torch.testing.assert_close(average[key].float(), between.float(), atol=1e-3, rtol=1e-3)


@pytest.fixture(scope="module", params=[CONFIGS, MEMORY_CONFIGS], ids=["image", "memory"])
def tracked(request, stills, tmp_path_factory):
    """The configs of a network, and the folder of an epoch of its training that TensorBoard watched."""
    folder = tmp_path_factory.mktemp("tracked")
    flow = train(stills, folder, "tensorboard.json", configs=request.param, max_epochs=1)
    flow.initialize()
    flow.run()
    return request.param, folder


def test_evaluate_tells_the_dice_of_the_held_out_sets(tracked, stills):
    configs, folder = tracked
    flow = train(stills, folder, "evaluate.json", configs=configs, checkpoint=str(folder / "model.pt"))
    flow.initialize()
    flow.run()
    assert 0 <= flow.parser.get_parsed_content("validate::evaluator").state.metrics["dice"] <= 1


def test_tensorboard_gets_the_loss_of_every_step_and_the_dice_of_every_validation(tracked):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
    files = (tracked[1] / "tensorboard").iterdir()
    events = [event for file in files for event in loader.EventFileLoader(str(file)).Load()]
    told = [(event.step, value) for event in events for value in event.summary.value]
    assert [step for step, value in told if value.tag == "train_loss"] == [1, 2]
    dices = [(step, value.tensor.float_val[0]) for step, value in told if value.tag == "dice"]
    assert [step for step, _ in dices] == [1]
    assert 0 <= dices[0][1] <= 1


@both_networks
def test_mlflow_gets_the_loss_of_every_step_and_the_dice(configs, stills, tmp_path, monkeypatch):
    client = MagicMock(
        **{"search_runs.return_value": [], "get_experiment_by_name.return_value.lifecycle_stage": "active"}
    )
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setattr(mlflow, "MlflowClient", lambda tracking_uri: client)
    flow = train(stills, tmp_path, "mlflow.json", configs=configs, max_epochs=1, tracking_uri="http://localhost:1")
    flow.initialize()
    flow.run()
    told = [metric for call in client.log_batch.call_args_list for metric in call.kwargs["metrics"]]
    assert [metric.step for metric in told if metric.key == "train_loss"] == [1, 2]
    assert [0 <= metric.value <= 1 for metric in told if metric.key == "dice"] == [True]


def torchrun(*arguments):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "SLURM_JOB_ID": "1", "SLURM_LOCALID": "0"}  # as in a batch job
    done = subprocess.run(
        torchrun_command(*map(str, arguments)),
        capture_output=True,
        text=True,
        timeout=240,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout + done.stderr


def test_two_processes_train_together(stills, tmp_path):
    options = {
        "config_file": [str(CONFIGS / name) for name in ("train.json", "multi_gpu_train.json")],
        "meta_file": CONFIGS / "metadata.json",
        "logging_file": CONFIGS / "logging.conf",
        "bundle_root": CONFIGS.parent,
        "dataset_dir": stills,
        "ckpt_dir": tmp_path,
        **{key: value for key, value in SMALL.items() if key != "device"},
    }
    told = torchrun(
        "-m", "monai.bundle", "run", *(text for key, value in options.items() for text in (f"--{key}", value))
    )
    assert re.search(r"dice: \d\.\d+", told)
    assert (tmp_path / "resume.pt").exists()
    assert (tmp_path / "model.pt").exists()


@pytest.fixture(scope="module")
def two_processes(stills, tmp_path_factory):
    """What two processes wrote that trained both networks."""
    folder = tmp_path_factory.mktemp("together")
    torchrun(Path(__file__).with_name("small_training.py"), stills, folder)
    return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}


@both_networks
def test_two_processes_learn_what_one_learns_from_the_same_batches(configs, stills, two_processes, tmp_path):
    alone = losses_of(stills, tmp_path, configs=configs)
    parts = [two_processes[f"{configs.parent.name}_{rank}"] for rank in range(2)]
    together = np.mean([part["losses"] for part in parts], axis=0)
    assert len(alone) == 3
    assert together == pytest.approx(alone, abs=1e-5)
    assert max(abs(np.diff(alone))) > 1e-3  # it learns
    assert [part["local_rank"] for part in parts] == [0, 1]  # whatever Slurm says


@pytest.mark.parametrize(("configs", "overlay"), [(CONFIGS, "finetune.json"), (MEMORY_CONFIGS, "train_clips.json")])
def test_several_processes_also_start_from_a_checkpoint(configs, overlay, stills, tmp_path):
    flow = train(stills, tmp_path, overlay, "multi_gpu_train.json", configs=configs)
    assert "load_checkpoint(@network_def, @start_from)" in flow.parser["network"]
    assert "DistributedDataParallel(@network," in flow.parser["train::trainer::network"]
