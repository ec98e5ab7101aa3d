# SPDX-License-Identifier: Apache-2.0
"""The batch scripts, with stand-ins for Slurm's commands that write down what they are asked."""

import ast
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from monai.bundle import ConfigParser
from torch.distributed.run import parse_args

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "train.sbatch": ["one_shot_image_segmentation", "stills", "weights", "--batch_size", "32"],
    "segment.sbatch": ["temporal_contrastive_memory_video_segmentation", "list.json", "out", "--preset", "anchored"],
}
NOT_IN_CONFIGS = {"config_file", "meta_file", "logging_file"}


@pytest.fixture
def slurm(tmp_path):
    """Start a script as Slurm would; `srun` writes its arguments to `srun` and then lasts some seconds."""
    (tmp_path / "bin").mkdir()
    commands = {
        "srun": f'printf "%s\\n" "$@" > {tmp_path}/partial; mv {tmp_path}/partial {tmp_path}/srun; exec sleep "$LASTS"',
        "scontrol": f'echo "$@" >> {tmp_path}/scontrol; echo node1; echo node2',
    }
    for name, text in commands.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    job = {"SLURM_JOB_ID": "7", "SLURM_NNODES": "2", "SLURM_JOB_NODELIST": "node[1-2]", "SLURM_GPUS_ON_NODE": "4"}

    def start(script, lasts):
        path = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
        environment = {**os.environ, **job, "SLURM_CPUS_PER_TASK": "16", "PATH": path, "LASTS": str(lasts)}
        command = ["bash", str(ROOT / "tutorials/slurm" / script), *SCRIPTS[script]]
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    return start


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_command_is_one_that_torchrun_and_the_bundle_know(script, slurm, tmp_path):
    assert slurm(script, 0).wait(30) == 0
    _, torchrun, *arguments = (tmp_path / "srun").read_text().splitlines()
    assert torchrun == "torchrun"
    parsed = parse_args(arguments)
    assert (parsed.nnodes, parsed.nproc_per_node, parsed.rdzv_endpoint) == ("2", "4", "node1:29500")
    assert (parsed.training_script, parsed.training_script_args[0]) == ("monai.bundle", "run")
    options = dict(zip(parsed.training_script_args[1::2], parsed.training_script_args[2::2], strict=True))
    files = options["--config_file"]
    config = ConfigParser.load_config_files(
        [ROOT / file for file in (ast.literal_eval(files) if files.startswith("[") else [files])]
    )
    assert {option.removeprefix("--") for option in options} <= {*config, *NOT_IN_CONFIGS}
    assert all((ROOT / options[f"--{name}"]).exists() for name in ("meta_file", "logging_file", "bundle_root"))


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_job_whose_time_is_nearly_up_goes_back_into_the_queue(script, slurm, tmp_path):
    job = slurm(script, 5)
    while not (tmp_path / "srun").exists():
        time.sleep(0.01)
    job.send_signal(signal.SIGUSR1)
    assert job.wait(10) != 0
    assert (tmp_path / "scontrol").read_text().splitlines()[-1] == "requeue 7"


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_directive_stands_before_the_first_command(script):
    lines = (ROOT / "tutorials/slurm" / script).read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    directives = [number for number, line in enumerate(lines) if line.startswith("#SBATCH")]
    assert len(directives) == 9
    assert max(directives) < first
