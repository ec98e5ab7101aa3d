# SPDX-License-Identifier: Apache-2.0
import sys

import numpy as np
import pytest
from PIL import Image

from monai_i2v.data import find_clips

NAMES = ("SC-HF-I-07-IM-0001-0007", "SC-HF-I-07-IM-0001-0020", "SC-HF-I-07-IM-0001-0027", "SC-N-02-IM-0001-0168",
         "SC-N-02-IM-0001-0180", "SC-HYP-01-IM-0001-0021", "SC-HYP-01-IM-0001-0040")  # fmt: skip


@pytest.fixture
def make(load_benchmark, monkeypatch, tmp_path):
    """Run the script on a few stills, each full of its own number."""
    stills = tmp_path / "stills/cardiac_mri"
    for folder in ("images", "masks"):
        (stills / folder).mkdir(parents=True)
    for number, name in enumerate(NAMES):
        picture = Image.fromarray(np.full((16, 16), number + 1, dtype=np.uint8))
        picture.save(stills / f"images/{name}.jpg")
        picture.save(stills / f"masks/{name}.png")

    def run(*options):
        given = ("--data", str(stills.parent), "--output", str(tmp_path / "clips"), *options)
        monkeypatch.setattr(sys, "argv", ["training_clips.py", *given])
        load_benchmark("training_clips").main()
        return tmp_path / "clips"

    return run


def test_slices_with_two_phases_become_clips_and_patients_held_out_do_not(make):
    clips = find_clips(make("--phantoms", "1"))
    assert [(clip["set"], clip["classes"]) for clip in clips] == [
        ("pairs_hf", [1]),
        ("pairs_hyp", [6]),
        ("phantom_endoscope", [1, 2, 3]),
        ("phantom_ultrasound", [1, 2, 3]),
    ]


def test_held_out_patients_are_written_when_asked_for(make):
    clips = find_clips(make("--names", "SC-N-", "--phantoms", "0"))
    assert [(clip["set"], clip["classes"]) for clip in clips] == [("pairs_n", [4])]
