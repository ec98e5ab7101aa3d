# SPDX-License-Identifier: Apache-2.0
"""Bad input gives one sentence, status 1, no traceback, and leaves the output directory as it was (DESIGN.md 5)."""

import json
import os

import av
import numpy as np
import pytest
import torch
from bundle_command import assert_explained
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 256, (64, 80), np.uint8)
LABELS = np.zeros((64, 80), np.uint8)
LABELS[20:40, 30:60] = 2
CASE = {"video": "frames", "ref_mask": "mask.png"}


# Each of these makes a function that takes the folder of the recording, puts something bad there, and returns the
# arguments that point to it.


def movie(length: int, keep: float = 1.0, **options: str):
    def make(folder):
        path = folder / "recording.mp4"
        with av.open(str(path), "w", options=options) as container:
            stream = container.add_stream("libx264", rate=25)
            stream.height, stream.width, stream.pix_fmt = 64, 80, "yuv420p"
            container.start_encoding()
            for index in range(length):
                picture = np.repeat(np.roll(NOISE, index)[..., None], 3, axis=2)
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            container.mux(stream.encode(None))
        os.truncate(path, int(keep * path.stat().st_size))
        return {"video": path}

    return make


def mask(name: str, pixels: np.ndarray):
    def make(folder):
        path = folder / name
        Image.fromarray(pixels).save(path)
        return {"ref_mask": path}

    return make


def dicom_mask(folder):
    (folder / "b.dcm").write_bytes(bytes(128) + b"DICM" + NOISE.tobytes())
    return {"ref_mask": folder / "b.dcm"}


def weights(content: object):
    def make(folder):
        path = folder / "other.pt"
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        return {"checkpoint": path}

    return make


def datalist(content: object, **overrides):
    def make(folder):
        text = content if isinstance(content, str) else json.dumps({"videos": content})
        (folder / "list.json").write_text(text)
        return {"video": None, "ref_mask": None, "datalist": folder / "list.json", **overrides}

    return make


def where(**names: str):
    return lambda folder: {key: folder / name for key, name in names.items()}


def given(**overrides):
    return lambda folder: overrides


NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")

BAD = {
    # One of each kind; `tests/faults` has the others:
    "no file": (where(video="recording.mp4"), ["recording.mp4 does not exist", "expected a file", "check the name"]),
    "cut off": (movie(30, 0.3, movflags="faststart"), ["recording.mp4 is cut off after", "a complete file", "copy it"]),
    "mask size": (mask("b.png", LABELS[:32]), ["b.png is 80 x 32, but", "80 x 64", "the same size", "draw the mask"]),
    "ref_frame too large": (given(ref_frame=4), ["ref_frame is 4", "4 frames (0 to 3)", "choose one of these"]),
    "mask is DICOM": (dicom_mask, ["b.dcm cannot be read as a DICOM segmentation", "damaged", "export it again"]),
    "output below a file": (where(output_dir="mask.png/out"), ["mask.png/out", "cannot be written", "Not a", "choose"]),
    "same names": (datalist([CASE, CASE]), ["2 videos of", "are called 'frames'", 'give each its own "name"']),
    # What is wrong with the checkpoint:
    "no checkpoint": (where(checkpoint="no.pt"), ["no.pt does not exist", "expected a file", "check the name"]),
    "other checkpoint": (weights({"a": torch.ones(1)}), ["other.pt is not of this network", "(OneShotNet", "give the"]),
    "tensor as checkpoint": (weights(torch.ones(1)), ["other.pt is not of this network", "(OneShotNet", "give the"]),
    "garbage checkpoint": (weights(NOISE.tobytes()), ["other.pt cannot be read", "expected a state dict", "give an"]),
    # What is wrong with a setting:
    "device": (given(device="cuda:99"), ["device is 'cuda:99'", "does not have", "use 'auto' or 'cpu'"]),
    "preset": (given(preset="fast"), ["preset is 'fast'", "expected one of memory_only, paper", "use 'anchored'"]),
    "scope": (
        given(scope="frame"),
        ["scope is 'frame'", "expected 'video', 'dataset', 'sliding' or 'stream'", "use 'video'"],
    ),
    "size 0": (given(size=0), ["size is 0", "expected a whole number from 16 to 4096", "use 256"]),
    "dtype": (given(dtype="half"), ["dtype is 'half'", "expected one of float32, bfloat16", "use 'float32'"]),
    "crop": (given(crop="on"), ["crop is 'on'", "expected true or false", "use one of these"]),
    "crop without region": (
        given(crop=True),
        ["frames has no calibrated ultrasound region", "expected a DICOM", "leave"],
    ),
    "anonymize": (given(anonymize=1), ["anonymize is 1", "expected true or false", "use one of these"]),
    "size text": (given(size="big"), ["size is 'big'", "expected a whole number from 16 to 4096", "use 256"]),
    "seed": (given(seed="x"), ["seed is 'x'", "expected a whole number", "use 0"]),
    "max_seconds": (given(max_seconds=0.5), ["max_seconds is 0.5", "expected a whole number from 1", "use 60"]),
    "chamber": (
        given(chamber=[1, 2]),
        ["chamber is 2", "no label of the mask", "expected one of 1, 7", "leave it out"],
    ),
    "chamber text": (given(chamber="LV"), ["chamber is 'LV'", "no label of the mask", "expected one of 1, 7"]),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_explained_and_leaves_nothing(name, run_badly, recording):
    make, parts = BAD[name]
    assert_explained(run_badly(**make(recording)), *parts)


@NO_CUDA
def test_cuda_without_cuda_is_explained(run_badly):
    assert_explained(run_badly(device="cuda"), "device is 'cuda'", "does not have", "use 'auto' or 'cpu'")


def test_one_bad_video_of_a_list_is_explained_and_costs_no_other(run_bundle, recording):
    videos = [{**CASE, "name": "first"}, {**CASE, "video": "no.mp4", "name": "second"}, {**CASE, "name": "third"}]
    answer = run_bundle(**datalist(videos)(recording), output_dir=recording / "out")
    assert_explained(answer, "no.mp4 does not exist", "expected a file", "(1 of 3 videos failed)")
    assert sorted(path.name for path in (recording / "out").iterdir()) == ["first", "summary.csv", "third"]
