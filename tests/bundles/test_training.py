# SPDX-License-Identifier: Apache-2.0
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from bundle_command import BUNDLES
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from PIL import Image

from monai_i2v.data import Phantom, save_phantom

CONFIGS = BUNDLES / "one_shot_image_segmentation/configs"
MEMORY_CONFIGS = BUNDLES / "temporal_contrastive_memory_video_segmentation/configs"
COMMON = {
    "train_sets": ["echo"],
    "val_sets": ["scope"],
    "image_size": 32,
    "max_epochs": 2,
    "steps_per_epoch": 2,
    "batch_size": 2,
    "num_workers": 0,
    "val_interval": 1,
    "amp": False,
    "device": "cpu",
}
SMALL = {**COMMON, "val_episodes": 2, "network_def::width": 16}
SMALL_MEMORY = {**COMMON, "val_clips": 2, "network_def::widths": [16, 16, 16], "network_def::value_channels": 16}
both_networks = pytest.mark.parametrize("configs", [CONFIGS, MEMORY_CONFIGS], ids=["image", "memory"])


@pytest.fixture(scope="module")
def stills(tmp_path_factory):
    """Two sets of six labelled stills."""
    root = tmp_path_factory.mktemp("stills")
    for name, look in (("echo", "ultrasound"), ("scope", "endoscope")):
        phantom = Phantom(look, length=6, size=(48, 48))
        for kind in ("images", "masks"):
            (root / name / kind).mkdir(parents=True)
        for index in range(6):
            Image.fromarray(phantom.read(index).squeeze()).save(root / name / f"images/{index}.png")
            Image.fromarray(phantom.label_map(index).astype(np.uint8)).save(root / name / f"masks/{index}.png")
    return root


def small(configs):
    return SMALL if configs == CONFIGS else SMALL_MEMORY


def train(stills, folder, *overlays, configs=CONFIGS, **overrides):
    files = [str(configs / name) for name in ("train.json", *overlays)]
    return ConfigWorkflow(
        files,
        meta_file=str(configs / "metadata.json"),
        logging_file=str(configs / "logging.conf"),
        workflow_type="train",
        bundle_root=str(configs.parent),
        dataset_dir=str(stills),
        ckpt_dir=str(folder),
        **{**small(configs), **overrides},
    )


def weights(folder, name="resume.pt"):
    return torch.load(folder / name, weights_only=True)["network"]


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


def test_labelled_clips_join_the_stills(stills, tmp_path):
    save_phantom(Phantom(length=5, size=(48, 48), objects=2), tmp_path / "clips/beating/0")
    flow = train(stills, tmp_path / "a", configs=MEMORY_CONFIGS, max_epochs=1)
    flow.initialize()
    flow.run()
    flow = train(
        stills,
        tmp_path / "b",
        "train_clips.json",
        configs=MEMORY_CONFIGS,
        start_from=str(tmp_path / "a/model.pt"),
        clips_dir=str(tmp_path / "clips"),
        max_epochs=1,
    )
    flow.initialize()
    sets = {item["set"] for item in flow.parser.get_parsed_content("train::datalist")}
    assert sets == {"echo", "beating"}
    flow.run()
    start, tuned = weights(tmp_path / "a"), weights(tmp_path / "b")
    change = [(start[key] - tuned[key]).abs().max() for key in start]
    assert 0 < max(change) < 1e-2


@both_networks
def test_evaluate_tells_the_dice_of_the_held_out_sets(configs, stills, tmp_path):
    flow = train(stills, tmp_path, configs=configs, max_epochs=1)
    flow.initialize()
    flow.run()
    flow = train(stills, tmp_path, "evaluate.json", configs=configs, checkpoint=str(tmp_path / "model.pt"))
    flow.initialize()
    flow.run()
    assert 0 <= flow.parser.get_parsed_content("validate::evaluator").state.metrics["dice"] <= 1


@both_networks
def test_two_processes_train_together(configs, stills, tmp_path):
    overrides = [item for key, value in small(configs).items() if key != "device" for item in (f"--{key}", str(value))]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--master_port=29517"]
    command += [
        "-m",
        "monai.bundle",
        "run",
        "--config_file",
        f"{[str(configs / n) for n in ('train.json', 'multi_gpu_train.json')]}",
    ]
    command += ["--meta_file", str(configs / "metadata.json"), "--logging_file", str(configs / "logging.conf")]
    command += ["--bundle_root", str(configs.parent), "--dataset_dir", str(stills), "--ckpt_dir", str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command + overrides, capture_output=True, text=True, timeout=240, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert re.search(r"dice: \d\.\d+", done.stdout + done.stderr)
    assert (tmp_path / "resume.pt").exists()
    assert (tmp_path / "model.pt").exists()
