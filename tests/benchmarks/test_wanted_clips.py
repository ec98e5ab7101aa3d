# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

from monai_i2v.errors import UsageError


@pytest.fixture
def wanted(clips: ModuleType) -> Callable[..., list[str]]:
    """Names of the clips that a command line asks for."""

    def names(*words: str) -> list[str]:
        parser = ArgumentParser()
        clips.add_clip_arguments(parser, phantoms=1)
        return [clip.name for clip in clips.wanted_clips(parser.parse_args(words))]

    return names


@pytest.fixture
def data(tmp_path: Path) -> str:
    """A folder of four clips of a frame each."""
    picture = Image.fromarray(np.eye(16, dtype=np.uint8))
    for name in ("eye_b", "eye_a", "heart_1_1", "heart_1_2"):
        for kind in ("frames", "masks"):
            (tmp_path / name / kind).mkdir(parents=True)
            picture.save(tmp_path / name / kind / "00000.png")
    return str(tmp_path)


def test_limit_takes_the_first_clips_of_each_family(wanted: Callable[..., list[str]], data: str) -> None:
    chosen = wanted("--data", data, "--phantoms", "2", "--limit", "1")
    assert chosen == ["eye_a", "heart_1_1", "phantom-endoscope_0", "phantom-ultrasound_0"]


def test_clips_are_chosen_by_the_start_of_their_names(wanted: Callable[..., list[str]], data: str) -> None:
    assert wanted("--data", data, "--clips", "heart_1_2") == ["heart_1_2"]
    with pytest.raises(UsageError, match="clips is 'lung', expected the start of one of: eye_a, eye_b, heart_1_1"):
        wanted("--data", data, "--clips", "lung")


def test_without_a_folder_there_are_phantoms(wanted: Callable[..., list[str]]) -> None:
    assert wanted() == ["phantom-endoscope_0", "phantom-ultrasound_0"]


def test_phantoms_know_the_truth_of_all_frames(clips: ModuleType) -> None:
    ultrasound, _ = clips.make_phantoms(1)
    truth = ultrasound.read_truth()
    assert ultrasound.family == "phantom-ultrasound"
    assert list(truth) == list(range(20))
    assert truth[3].equal(torch.from_numpy(ultrasound.video.label_map(3).astype(np.int32)))


def test_controls_are_what_they_are_called(clips: ModuleType) -> None:
    still, flicker, fast = clips.make_controls(1)
    assert [clip.name for clip in (still, flicker, fast)] == ["control-still_0", "control-flicker_0", "control-fast_0"]
    assert all(len(clip.video) == len(clip.read_truth()) == 20 for clip in (still, flicker, fast))
    assert still.video[0].equal(still.video[19])
    assert still.read_truth()[19].equal(still.read_truth()[0])
    assert flicker.video[2].std() != flicker.video[1].std()
    assert flicker.read_truth()[1].equal(torch.from_numpy(flicker.label_map(1).astype("int32")))
    changes = [(clip.read_truth()[1] != clip.read_truth()[0]).float().mean().item() for clip in (still, flicker, fast)]
    assert changes[0] == 0 < changes[1] < changes[2]
