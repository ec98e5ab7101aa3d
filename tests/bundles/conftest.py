# SPDX-License-Identifier: Apache-2.0
"""The bundles, small stand-ins for their weights, and a short recording to run them on."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import monai.bundle
import numpy as np
import pytest
import torch
from bundle_command import BUNDLES, VIDEO_BUNDLES, Answer, bundle_arguments, snapshot
from monai.bundle import ConfigParser
from PIL import Image

from monai_i2v.phantoms import Phantom, save_phantom
from monai_i2v.report import time_curve


@pytest.fixture(autouse=True)
def coarse_curves(monkeypatch):
    """A run of a few frames takes much of its time to draw curves."""
    monkeypatch.setattr(time_curve, "DPI", 30)


@pytest.fixture(scope="session")
def checkpoints(tmp_path_factory):
    """Random weights of each bundle's network: the tests do not depend on the shipped ones."""
    paths = {}
    for name in VIDEO_BUNDLES:
        parser = ConfigParser()
        parser.read_config(str(BUNDLES / name / "configs/inference.json"))
        torch.manual_seed(0)
        network = parser.get_parsed_content("network_def")
        paths[name] = tmp_path_factory.mktemp("weights") / "model.pt"
        torch.save({"model": network.half().state_dict()}, paths[name])
    return paths


@pytest.fixture(scope="session")
def checkpoint(checkpoints):
    """Random weights of the image network."""
    return checkpoints[VIDEO_BUNDLES[0]]


def lay_recording(folder: Path) -> Path:
    """Four frames of a phantom as PNGs in `frames`, and the mask of the first, `mask.png`, with labels 1 and 7."""
    phantom = Phantom(length=4, size=(64, 80), objects=2)
    (folder / "frames").mkdir()
    for index in range(4):
        Image.fromarray(phantom.read(index).squeeze()).save(folder / f"frames/frame_{index}.png")
    label_map = phantom.label_map(0).copy()
    label_map[label_map == 2] = 7
    Image.fromarray(label_map.astype(np.uint8)).save(folder / "mask.png")
    return folder


@pytest.fixture
def recording(tmp_path):
    """See `lay_recording`."""
    return lay_recording(tmp_path)


@pytest.fixture(scope="module")
def module_recording(tmp_path_factory):
    """The same for all tests of a file, which do not change it."""
    return lay_recording(tmp_path_factory.mktemp("recording"))


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


@pytest.fixture
def run_bundle(checkpoint, capsys, monkeypatch):
    """The command ``python -m monai.bundle run`` without a process of its own, which takes seconds to start.

    What Python does with an uncaught exception is done here: it calls the hook, and ends with status 1. That this is
    the same as the real command is tested in `test_command`.
    """
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", root.handlers)
    monkeypatch.setattr(root, "level", root.level)

    def run(**overrides: Any) -> Answer:
        monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
        capsys.readouterr()
        status = 0
        try:
            monai.bundle.run(**bundle_arguments(**{"checkpoint": checkpoint, **overrides}))
        except Exception as error:
            assert sys.excepthook.__module__ == "monai_i2v.errors"
            sys.excepthook(type(error), error, error.__traceback__)
            status = 1
        return Answer(status, *capsys.readouterr())

    return run


@pytest.fixture
def start_command(checkpoint):
    """Start the real command in a process of its own; several may run at a time.

    It may run in another folder, and its files may have a limit (bytes).
    """

    def start(debug: str = "0", folder: Path | None = None, file_limit: int = -1, **overrides) -> subprocess.Popen:
        arguments = bundle_arguments(checkpoint=checkpoint, **overrides)
        options = [f"--{key}={value}" for key, value in arguments.items()]
        command = [sys.executable, "-m", "monai.bundle", "run", *options]
        environment = {**os.environ, "MONAI_I2V_DEBUG": debug, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command,
            env=environment,
            cwd=folder,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, -1)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    return start


@pytest.fixture(scope="session")
def good_results(checkpoint, tmp_path_factory):
    """The folder with the results of a good run."""
    folder = tmp_path_factory.mktemp("good")
    save_phantom(Phantom(length=2, size=(64, 80)), folder)
    given = {"video": folder / "video.mp4", "ref_mask": folder / "masks/00000.png", "output_dir": folder / "out"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "excepthook", sys.excepthook)
        patch.setattr(logging.getLogger(), "handlers", [])
        monai.bundle.run(**bundle_arguments(checkpoint=checkpoint, **given))
    return folder / "out/video"


@pytest.fixture
def run_badly(run_bundle, recording, good_results):
    """Run where earlier results lie under the same names, and see that nothing happened to them, nor beside them."""
    for name in ("frames", "recording"):
        shutil.copytree(good_results, recording / "out" / name)

    def run(**overrides: Any) -> Answer:
        given = {"video": recording / "frames", "ref_mask": recording / "mask.png", "output_dir": recording / "out"}
        before = snapshot(recording)
        answer = run_bundle(**{**given, **overrides})
        assert snapshot(recording) == before
        return answer

    return run
