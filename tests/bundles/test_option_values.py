# SPDX-License-Identifier: Apache-2.0
"""Options of the bundles' commands: none that is unknown, none out of its range, and paths as they were typed."""

import json
import sys

import fire
import monai.bundle
import numpy as np
import pytest
from bundle_command import BUNDLES, VIDEO_BUNDLES, assert_explained
from monai.bundle import ConfigParser, ConfigWorkflow
from PIL import Image
from pydicom import dcmread
from pydicom.examples import get_path

from monai_i2v.errors import UsageError
from monai_i2v.options.command_line import COMMAND
from monai_i2v.options.training_options import KINDS
from monai_i2v.options.unknown_options import refuse_unknown_options

OVERLAYS = {
    "inference.json": ["evaluate_videos.json", "export.json"],
    "train.json": [
        "evaluate.json",
        "finetune.json",
        "train_clips.json",
        "mlflow.json",
        "tensorboard.json",
        "multi_gpu_train.json",
    ],
}
STAGES = ("train.json", "train_clips.json", "train_classes.json")
COMBINATIONS = [
    ("temporal_contrastive_memory_video_segmentation", *STAGES),
    ("temporal_contrastive_memory_video_segmentation", *STAGES, "multi_gpu_train.json"),
    *(
        (bundle, first, *over)
        for bundle in VIDEO_BUNDLES
        for first, overlays in OVERLAYS.items()
        for over in [(), *((name,) for name in overlays)]
        if all((BUNDLES / bundle / "configs" / name).exists() for name in (first, *over))
    ),
]


def merged(bundle, *names, **given):
    flow = ConfigWorkflow(
        [str(BUNDLES / bundle / "configs" / name) for name in names],
        logging_file=False,
        workflow_type="infer",
        bundle_root=str(BUNDLES / bundle),
        **given,
    )
    flow.parser.parse()
    return flow.parser.get()


@pytest.mark.parametrize("combination", COMBINATIONS, ids=" ".join)
def test_every_config_knows_its_own_options_and_no_other(combination):
    commands = ("initialize", "run", "finalize", "imports")
    refuse_unknown_options(merged(*combination), commands)
    with pytest.raises(UsageError, match=r"no option bundle_rot; .* did you mean bundle_root\?"):
        refuse_unknown_options(merged(*combination, bundle_rot=True), commands)
    assert any("check_options" in step for step in merged(*combination)["initialize"])


def test_a_misspelled_privacy_option_writes_nothing(run_badly, recording):
    assert_explained(run_badly(anonimize="true"), "no option anonimize", "expected one of", "did you mean anonymize?")


def test_the_right_one_keeps_the_name_of_the_patient_out(run_bundle, recording):
    file = dcmread(get_path("ybr_color"))
    file.PatientName = "Doe^Jane"
    frames = np.stack([np.asarray(Image.open(path)) for path in sorted((recording / "frames").iterdir())])
    file.set_pixel_data(frames, "MONOCHROME2", 8, generate_instance_uid=False)
    file.save_as(recording / "cine.dcm")
    given = {"video": recording / "cine.dcm", "ref_mask": recording / "mask.png", "output_dir": recording / "out"}
    assert run_bundle(**given, anonymize="true").status == 0
    assert b"Doe" not in (recording / "out/cine/masks.dcm").read_bytes()


def test_results_lie_where_the_command_line_says(recording, checkpoint, monkeypatch):
    monkeypatch.chdir(recording)
    (recording / "frames").rename(recording / "2024_12_01")
    (recording / "mask.png").rename(recording / "$1.10 #2.png")
    bundle = BUNDLES / VIDEO_BUNDLES[1]
    line = [
        *("run", "--config_file", f"{bundle}/configs/inference.json", "--bundle_root", str(bundle)),
        *("--preset", "memory_only", "--size", "48", "--device", "cpu", "--checkpoint", str(checkpoint)),
        *("--video", "2024_12_01", "--ref_mask", "$1.10 #2.png", "--output_dir", "1.10"),
    ]
    monkeypatch.setattr(sys, "argv", [str(COMMAND), *line])
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    fire.Fire({"run": monai.bundle.run}, command=line)
    assert [path.name for path in (recording / "1.10").iterdir() if path.is_dir()] == ["2024_12_01"]


STRANGE = [0, -1, "abc", 2.5, float("nan"), float("inf"), [], [1, "x"], 10**12, {}]


def settings(bundle):
    """Names of the options that are numbers, switches, words or lists of numbers."""
    parser = ConfigParser()
    parser.read_config(str(BUNDLES / bundle / "configs/inference.json"))
    words = ("max_seconds", "dtype", "preset", "device", "scope")
    return [
        name
        for name, value in parser.get().items()
        if isinstance(value, int | float)
        or name in words
        or (isinstance(value, list) and value and isinstance(value[0], float))
    ]


def build(bundle, recording, **given):
    """All objects of a run that an option goes to, but no run, and no network where it does not go to that."""
    flow = ConfigWorkflow(
        str(BUNDLES / bundle / "configs/inference.json"),
        logging_file=False,
        workflow_type="infer",
        bundle_root=str(BUNDLES / bundle),
        **{
            "device": "cpu",
            "checkpoint": str(recording / "mask.png"),  # nothing loads it; a small file has its checksum at once
            "video": str(recording / "frames"),
            "ref_mask": str(recording / "mask.png"),
            "output_dir": str(recording / "out"),
            "network": "$torch.nn.Identity()",
            **given,
        },
    )
    flow.initialize()
    if any(f'"@{name}"' in json.dumps(flow.parser["network_def"]) for name in given):
        flow.parser.get_parsed_content("network_def")
    flow.parser.get_parsed_content("evaluator")


def refusal(bundle, recording, **given):
    """The sentence with which a setting is refused, none when it is taken."""
    try:
        build(bundle, recording, **given)
    except RuntimeError as error:  # MONAI's, around ours
        return sentence(error)
    return None


@pytest.mark.parametrize("bundle", VIDEO_BUNDLES)
def test_a_setting_that_makes_no_sense_is_one_sentence(bundle, module_recording):
    for name in settings(bundle):
        told = [refusal(bundle, module_recording, **{name: value}) for value in STRANGE]
        refused = [value for value, text in zip(STRANGE, told, strict=True) if text is not None]
        assert [text for text in told if text and not text.startswith(f"{name} is ")] == []
        assert len(refused) >= 7, (name, refused)
        assert "abc" in refused


def sentence(error):
    while not isinstance(error, UsageError):
        assert error is not None
        error = error.__cause__
    return str(error)


TRAINING = [
    (bundle, name)
    for bundle in (VIDEO_BUNDLES[0], VIDEO_BUNDLES[2])
    for name in [*KINDS, "device"]
    if name in json.loads((BUNDLES / bundle / "configs/train.json").read_text())
]


@pytest.mark.parametrize(("bundle", "name"), TRAINING)
def test_a_setting_of_a_training_that_makes_no_sense_is_told_before_it_begins(bundle, name):
    right = {"num_workers": [0], "seed": [0], "same_image": [0], "held_out_names": [[]]}.get(name, [])
    for value in (value for value in STRANGE if value not in right):
        flow = ConfigWorkflow(
            str(BUNDLES / bundle / "configs/train.json"),
            logging_file=False,
            workflow_type="train",
            bundle_root=str(BUNDLES / bundle),
            **{name: value},
        )
        with pytest.raises(Exception, match=r".") as caught:
            flow.initialize()
        assert f"{name} is {value!r}" in sentence(caught.value)
