# SPDX-License-Identifier: Apache-2.0
"""A config that tells what its options are, run as MONAI's command runs it."""

from __future__ import annotations

import json
import sys
from typing import Any

import fire
import monai.bundle
import pytest

from monai_i2v.options.command_line import COMMAND

CONFIG = {
    "imports": ["$import json", "$import monai_i2v"],
    "bundle_root": ".",
    "video": None,
    "ref_mask": None,
    "output_dir": "$@bundle_root + '/output'",
    "chamber": None,
    "ref_frame": 0,
    "anonymize": False,
    "sets": ["a", "b"],
    "network_def": {"_target_": "monai.networks.nets.BasicUNet", "spatial_dims": 2},
    "train": {"epochs": 3},
    "initialize": ["$monai_i2v.options.check_options()"],
    "run": [
        "$print(json.dumps([@video, @ref_mask, @output_dir, @chamber, @ref_frame]))",
        "$print(json.dumps([@anonymize, @sets, @train::epochs]), @network_def if @train::epochs < 0 else '')",
    ],
}


@pytest.fixture
def config_file(tmp_path):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/tell.json").write_text(json.dumps(CONFIG))
    (tmp_path / "configs/metadata.json").write_text("{}")
    return str(tmp_path / "configs/tell.json")


@pytest.fixture
def run(config_file, monkeypatch, capsys):
    """The command ``python -m monai.bundle run`` in this process; what it tells, by option."""

    def run(*arguments: str, files: tuple[str, ...] = (), **given: Any) -> dict[str, Any]:
        line = ["run", "--config_file", str([config_file, *files]), *arguments]
        if given:
            monai.bundle.run(config_file=[config_file, *files], **given)
        else:
            monkeypatch.setattr(sys, "argv", [str(COMMAND), *line])
            fire.Fire({"run": monai.bundle.run}, command=line)
        told, others = map(json.loads, filter(None, capsys.readouterr().out.strip().split("\n")[-2:]))
        names = ("video", "ref_mask", "output_dir", "chamber", "ref_frame", "anonymize", "sets", "epochs")
        return dict(zip(names, [*told, *others], strict=True))

    return run
