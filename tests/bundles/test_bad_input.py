# SPDX-License-Identifier: Apache-2.0
"""Bad input gives one sentence, status 1, no traceback, and leaves the output directory as it was (DESIGN.md 5)."""

import json
import os

import av
import nibabel as nib
import numpy as np
import pytest
import torch
from bundle_command import assert_explained
from PIL import Image

NOISE = np.random.default_rng(0).integers(0, 256, (64, 80), np.uint8)
LABELS = np.zeros((64, 80), np.uint8)
LABELS[20:40, 30:60] = 2
MANY = (np.arange(64 * 80) % 300).reshape(64, 80).astype(np.uint16)
CASE = {"video": "frames", "ref_mask": "mask.png"}
DAMAGED = ("damaged, cut off, or not what its name says", "again")
NOT_LABELS = ("expected whole numbers, 0 for background", "save it without interpolation")
UNWRITABLE = ("cannot be written", "choose a folder that you may write to and that has space")


# Each of these makes a function that takes the folder of the recording, puts something bad there, and returns the
# arguments that point to it.


def video(name: str, content: bytes):
    def make(folder):
        (folder / name).write_bytes(content)
        return {"video": folder / name}

    return make


def frames(**contents: bytes):
    def make(folder):
        (folder / "recording").mkdir()
        for stem, content in contents.items():
            (folder / f"recording/{stem}.png").write_bytes(content)
        return {"video": folder / "recording"}

    return make


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
        if name.endswith(".nii.gz"):
            nib.save(nib.Nifti1Image(pixels, np.eye(4)), path)
        else:
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


def frame_of_another_size(folder):
    Image.new("L", (40, 30)).save(folder / "frames/frame_2.png")
    return {}


def damaged_reference_frame(folder):
    os.truncate(folder / "frames/frame_0.png", 200)
    return {}


def empty_folder(key: str):
    def make(folder):
        (folder / "recording").mkdir()
        return {key: folder / "recording"}

    return make


VOLUME = LABELS.T[..., None]  # (X, Y, T)
FORM = '{"videos": [{"video": "a.mp4", "ref_mask": "a.png", "ref_frame": 0}]}'
NO_CUDA = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")

BAD = {
    # What is wrong with the recording:
    "no file": (where(video="recording.mp4"), ["recording.mp4 does not exist", "expected a file", "check the name"]),
    "suffix": (video("recording.txt", b"text"), ["the suffix '.txt'", "expected one of .mp4", ".dcm", "convert it"]),
    "zero bytes": (video("recording.mp4", b""), ["recording.mp4 is empty (0 bytes)", "expected a recording", "again"]),
    "cut off": (movie(30, 0.3, movflags="faststart"), ["recording.mp4 is cut off after", "a complete file", "copy it"]),
    "cut off, index at end": (movie(30, 0.3), ["recording.mp4 cannot be opened as a movie", *DAMAGED]),
    "no frames": (movie(0), ["recording.mp4 has no video stream", "cut off", "choose another file"]),
    "no movie": (video("recording.mp4", NOISE.tobytes()), ["recording.mp4 cannot be opened as a movie", *DAMAGED]),
    "no DICOM": (video("recording.dcm", NOISE.tobytes()), ["recording.dcm cannot be read as DICOM", *DAMAGED]),
    "no NIfTI": (video("recording.nii.gz", NOISE.tobytes()), ["recording.nii.gz cannot be read as NIfTI", *DAMAGED]),
    "no NRRD": (video("recording.nrrd", NOISE.tobytes()), ["recording.nrrd cannot be read", "damaged", "again"]),
    "no PNG": (frames(a=NOISE.tobytes(), b=b""), ["recording holds no picture", "expected PNG, JPG", "again"]),
    "empty folder": (empty_folder("video"), ["recording is a folder without frames", "expected pictures", "choose"]),
    "empty glob": (where(video="frames/*.jpg"), ["*.jpg fits no picture", "expected some of .png", "the pattern"]),
    "sizes": (frame_of_another_size, ["frame_0.png is 80 x 64 and frame_2.png is 40 x 30", "one size", "crop"]),
    "damaged reference": (
        damaged_reference_frame,
        ["frame 0 (frame_0.png) cannot be", "undamaged", "replace the file"],
    ),
    # What is wrong with the mask:
    "no mask file": (where(ref_mask="no.png"), ["no.png does not exist", "expected a file", "check the name"]),
    "mask size": (mask("b.png", LABELS[:32]), ["b.png is 80 x 32, but", "80 x 64", "the same size", "draw the mask"]),
    "mask empty": (mask("b.png", 0 * LABELS), ["b.png is empty (all 0)", "at least one object", "draw one"]),
    "mask of 300 values": (mask("b.png", MANY), ["b.png has 299 labels", "expected at most 64", "photo", "lossless"]),
    "mask is a JPEG": (mask("b.jpg", NOISE), ["b.jpg has the suffix '.jpg'", "expected one of .png", "save it as one"]),
    "mask in color": (mask("b.png", np.dstack([NOISE, LABELS, LABELS])), ["b.png stores colors", "indexed", "save"]),
    "mask negative": (mask("b.nii.gz", -VOLUME.astype(np.int16)), ["has the value -2", "expected 0 to", "renumber"]),
    "mask float": (mask("b.nii.gz", VOLUME * np.float32(0.2)), ["b.nii.gz has the value 0.4", *NOT_LABELS]),
    "mask NaN": (mask("b.nii.gz", np.where(VOLUME, np.float32("nan"), 0)), ["has the value nan", *NOT_LABELS]),
    "long mask": (mask("b.nii.gz", VOLUME.repeat(6, 2)), ["b.nii.gz has 6 frames", "has 4", "expected 1 or 4", "cut"]),
    "mask damaged": (lambda folder: {"ref_mask": video("b.png", b"junk")(folder)["video"]}, ["b.png cannot", *DAMAGED]),
    "no masks in folder": (empty_folder("ref_mask"), ["holds no pictures", "expected one per frame", "choose the"]),
    "ref_frame too large": (given(ref_frame=4), ["ref_frame is 4", "4 frames (0 to 3)", "choose one of these"]),
    "ref_frame negative": (given(ref_frame=-1), ["ref_frame is -1", "4 frames (0 to 3)", "choose one of these"]),
    "ref_frame text": (given(ref_frame="first"), ["ref_frame is 'first'", "expected a whole number", "give the index"]),
    "ref_frame float": (given(ref_frame=1.5), ["ref_frame is 1.5", "expected a whole number", "give the index"]),
    "mask is DICOM": (dicom_mask, ["b.dcm cannot be read as a DICOM segmentation", "damaged", "export it again"]),
    # What is wrong with the output:
    "output is a file": (where(output_dir="mask.png"), ["mask.png", UNWRITABLE[0], "exists", UNWRITABLE[1]]),
    "output below a file": (where(output_dir="mask.png/out"), ["mask.png/out", UNWRITABLE[0], "Not a", UNWRITABLE[1]]),
    "output is the input": (where(output_dir="."), ["frames exists and is no earlier result", "a free name", "choose"]),
    # What is wrong with the checkpoint:
    "no checkpoint": (where(checkpoint="no.pt"), ["no.pt cannot be read (No such file", "expected a state", "give an"]),
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
    "size 0": (given(size=0), ["size is 0", "expected a whole number from 16 (px)", "use 256"]),
    "dtype": (given(dtype="half"), ["dtype is 'half'", "expected one of float32, bfloat16", "use 'float32'"]),
    "crop": (given(crop="on"), ["crop is 'on'", "expected true or false", "use one of these"]),
    "crop without region": (
        given(crop=True),
        ["frames has no calibrated ultrasound region", "expected a DICOM", "leave"],
    ),
    "anonymize": (given(anonymize=1), ["anonymize is 1", "expected true or false", "use one of these"]),
    "size text": (given(size="big"), ["size is 'big'", "expected a whole number from 16 (px)", "use 256"]),
    "seed": (given(seed="x"), ["seed is 'x'", "expected a whole number", "use 0"]),
    "max_seconds": (given(max_seconds=0.5), ["max_seconds is 0.5", "expected a whole number from 1", "use 60"]),
    "chamber": (
        given(chamber=[1, 2]),
        ["chamber is 2", "no label of the mask", "expected one of 1, 7", "leave it out"],
    ),
    "chamber text": (given(chamber="LV"), ["chamber is 'LV'", "no label of the mask", "expected one of 1, 7"]),
    # What is wrong with the list:
    "both": (where(datalist="list.json"), ["both video and datalist are given", "expected one", "leave one out"]),
    "mask and list": (datalist([CASE], ref_mask="m.png"), ["both ref_mask and datalist", "expected one", "leave"]),
    "neither": (
        given(video=None, ref_mask=None),
        ["video is missing", "expected --video PATH", "--datalist FILE.json"],
    ),
    "no mask": (given(ref_mask=None), ["ref_mask is missing", "expected --video PATH with --ref_mask PATH"]),
    "no list file": (
        lambda folder: {"video": None, "ref_mask": None, "datalist": folder / "no.json"},
        ["no.json cannot be read (No such file", "give an existing JSON file"],
    ),
    "no JSON": (datalist("a.mp4"), ["list.json is not JSON (Expecting value", "expected " + FORM]),
    "no videos": (datalist([]), ["list.json lists no videos", "expected " + FORM]),
    "no mask in list": (
        datalist([{"video": "a.mp4"}]),
        ["entry 0 of", "{'video': 'a.mp4'}", "expected the form " + FORM],
    ),
    "null in list": (datalist([{**CASE, "video": None}]), ["entry 0 of", "'video': None", "expected the form " + FORM]),
    "name escapes": (datalist([{**CASE, "name": "../x"}]), ["'../x' in", "no plain folder name", "give another"]),
    "name is hidden": (datalist([{**CASE, "name": ".x"}]), ["'.x' in", "no plain folder name", "give another"]),
    "same names": (datalist([CASE, CASE]), ["2 videos of", "are called 'frames'", 'give each its own "name"']),
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
