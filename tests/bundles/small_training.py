# SPDX-License-Identifier: Apache-2.0
"""Small trainings of both networks; as a script, one that writes its losses, which torchrun may start."""

import json
import sys
from pathlib import Path

import ignite.distributed as idist
import torch
from bundle_command import BUNDLES
from ignite.engine import Events
from monai.bundle import ConfigWorkflow
from torch import nn

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


def small(configs):
    return SMALL if configs == CONFIGS else SMALL_MEMORY


def train(stills, folder, *overlays, configs=CONFIGS, **overrides):
    return workflow(stills, folder, *overlays, configs=configs, **{**small(configs), **overrides})


def train_method(stills, folder, method, *overlays, configs, **overrides):
    """A training of a light form, ready to run."""
    given = {"stills_dir": str(stills / "cache"), "method": method, **COMMON, **overrides}
    flow = workflow(stills, folder, *overlays, configs=configs, **given)
    flow.initialize()
    return flow


def workflow(stills, folder, *overlays, configs, **options):
    return ConfigWorkflow(
        [str(configs / name) for name in ("train.json", *overlays)],
        meta_file=str(configs / "metadata.json"),
        logging_file=str(configs / "logging.conf"),
        workflow_type="train",
        bundle_root=str(configs.parent),
        dataset_dir=str(stills),
        ckpt_dir=str(folder),
        **options,
    )


def weights(folder, name="resume.pt"):
    return torch.load(folder / name, weights_only=True)["network"]


def losses_of(stills, folder, *overlays, configs):
    """Loss of each of the first three iterations, without dropout, which every process would draw for itself."""
    given = {"batch_size": 4, "steps_per_epoch": 3, "max_epochs": 40, "learning_rate": 0.01}
    given["device"] = "$torch.device('cpu')"
    flow = train(stills, folder, *overlays, configs=configs, **given)
    flow.initialize()
    for module in flow.network_def.modules():
        if isinstance(module, nn.Dropout2d):
            module.p = 0.0
    losses = []

    def record(engine):
        output = engine.state.output
        losses.append(torch.as_tensor((output[0] if isinstance(output, list) else output)["loss"]).item())

    flow.trainer.add_event_handler(Events.ITERATION_COMPLETED, record)
    flow.trainer.state.max_epochs = 1  # of 40: the loss is still that of all pixels
    flow.run()
    return losses


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    for name in (CONFIGS, MEMORY_CONFIGS):
        told = {"losses": losses_of(source, target / name.parent.name, "multi_gpu_train.json", configs=name)}
        told["local_rank"] = idist.get_local_rank()
        (target / f"{name.parent.name}_{idist.get_rank()}.json").write_text(json.dumps(told))
    idist.finalize()
