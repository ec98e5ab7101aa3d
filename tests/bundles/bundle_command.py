# SPDX-License-Identifier: Apache-2.0
"""The command ``python -m monai.bundle run``: its arguments, and what it answers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

BUNDLES = Path(__file__).parents[2] / "bundles"
VIDEO_BUNDLES = [
    "one_shot_image_segmentation",
    "test_time_training_video_segmentation",
    "temporal_contrastive_memory_video_segmentation",
    "consistency_relearning_video_segmentation",
]


class Answer(NamedTuple):
    """What a command gives: its exit status, and what it prints."""

    status: int
    stdout: str
    stderr: str

    @property
    def sentence(self) -> str:
        """The last line on the console."""
        return self.stderr.rstrip("\n").rpartition("\n")[2]


def bundle_arguments(**overrides: Any) -> dict[str, Any]:
    """Arguments of ``monai.bundle run`` for the video bundle, quick on a CPU."""
    bundle = BUNDLES / "test_time_training_video_segmentation"
    quick = {"device": "cpu", "size": 48, "preset": "memory_only"}
    chosen = {"config_file": bundle / "configs/inference.json", "bundle_root": bundle, **quick, **overrides}
    return {key: str(value) if isinstance(value, Path) else value for key, value in chosen.items()}


def finish(process: subprocess.Popen) -> Answer:
    stdout, stderr = process.communicate(timeout=120)
    return Answer(process.returncode, stdout, stderr)


def assert_explained(answer: Answer, *parts: str) -> None:
    """The command failed with one sentence that has these parts, in this order."""
    assert answer.status != 0
    assert "Traceback" not in answer.stdout + answer.stderr
    assert answer.stderr.count("monai_i2v: ") == 1
    assert re.match("monai_i2v: .*" + ".*".join(map(re.escape, parts)), answer.sentence), answer.sentence


def snapshot(folder: Path) -> dict[Path, bytes | None]:
    """All that is below a folder, and what the files hold."""
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def torchrun_command(*arguments: str) -> list[str]:
    """The command that starts two processes, on a port that is free."""
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2", *arguments]
