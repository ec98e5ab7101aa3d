# SPDX-License-Identifier: Apache-2.0
import logging
import shlex
import sys
import warnings

import pytest
import torch
from monai.bundle import ConfigParser

from monai_i2v.__main__ import main
from monai_i2v.commands.segment import read_arguments
from monai_i2v.errors import UsageError
from monai_i2v.files.bundle_folders import DEFAULT_BUNDLE, bundle_folders, find_bundle
from monai_i2v.phantoms import Phantom, save_phantom


@pytest.fixture
def weights(tmp_path):
    """Random weights of the memory network."""
    parser = ConfigParser()
    parser.read_config(str(find_bundle() / "configs/inference.json"))
    torch.manual_seed(0)
    torch.save(parser.get_parsed_content("network_def").state_dict(), tmp_path / "weights.pt")
    return tmp_path / "weights.pt"


@pytest.fixture
def as_if_alone(monkeypatch):
    """What a process of its own leaves behind goes with the test."""
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(sys, "argv", sys.argv)
    names = ("", "monai.bundle.scripts", "monai.bundle.workflows")
    for logger in map(logging.getLogger, names):
        for part in ("handlers", "level", "propagate"):
            monkeypatch.setattr(logger, part, getattr(logger, part))
    with warnings.catch_warnings():
        yield


def test_results_lie_beside_the_video_and_the_person_sees_a_command_a_bar_and_where_to_look(
    weights, tmp_path, capfd, as_if_alone
):
    save_phantom(Phantom(length=2, size=(64, 80)), tmp_path)
    movie, mask = tmp_path / "video.mp4", tmp_path / "masks/00000.png"
    with warnings.catch_warnings(record=True) as shown:
        main(["segment", str(movie), str(mask), "--size", "48", "--device=cpu", "--checkpoint", str(weights)])
    output = capfd.readouterr()
    command, *last = output.out.splitlines()
    results = tmp_path / "results/video"
    words = shlex.split(command)
    assert words[:4] == ["python", "-m", "monai.bundle", "run"]
    assert {f"--video={movie}", f"--ref_mask={mask}", "--size=48", "--device=cpu"} < set(words)
    assert last == [f"monai_i2v: the results are in {results}; look at {results / 'report.html'} first."]
    assert (results / "masks/00001.png").is_file()
    before_the_bar = output.err.partition("segmenting video")[0].strip().splitlines()
    assert all(line.startswith("An object is 14 px wide") for line in before_the_bar)  # what a person should know
    assert not [warning for warning in shown if "config_file" in str(warning.message)]


def test_a_mistake_is_one_sentence_before_anything_slow_begins():
    cases = {
        "the mask is missing": ["a.mp4"],
        "the video is missing": ["--size", "192"],
        "'c.png' is one word too many": ["a.mp4", "b.png", "c.png"],
        "'d' is no option": ["a.mp4", "b.png", "--size", "192", "d"],
        "'unet' is no bundle": ["a.mp4", "b.png", "--bundle", "unet"],
    }
    for sentence, arguments in cases.items():
        with pytest.raises(UsageError, match=f"^{sentence}"):
            read_arguments(arguments)


def test_options_are_handed_on_as_they_were_typed():
    run = read_arguments(["a.mp4", "['b.png','c.png']", "--ref_frame", "[0,12]", "--absence", "--novelty_threshold=-1"])
    given = ("--ref_mask=['b.png','c.png']", "--ref_frame=[0,12]", "--absence", "--novelty_threshold=-1")
    assert set(given) < set(run.words)
    assert run.options["bundle_root"] == str(bundle_folders()[DEFAULT_BUNDLE])


@pytest.mark.parametrize(
    ("video", "place"), [("a/b.mp4", "a/results"), ("a/frames", "a/results"), ("a/frames/*.png", "a/results")]
)
def test_results_go_beside_what_holds_the_frames(video, place):
    assert read_arguments([video, "mask.png"]).options["output_dir"] == place
    assert read_arguments([video, "mask.png", "--output_dir", "c"]).options["output_dir"] == "c"


def test_a_list_of_videos_has_its_results_beside_it():
    assert read_arguments(["--datalist", "lists/today.json"]).options["output_dir"] == "lists/results"


def test_help_tells_the_options_and_presets_of_the_bundle(capsys):
    main(["segment", "--help"])
    memory = capsys.readouterr().out
    main(["segment", "--bundle", "test_time", "--help"])
    adapted = capsys.readouterr().out
    assert "--top_k 30\n      places that a place reads; None: all\n" in memory
    assert "--top_k" not in adapted
    assert "  paper_video\n      the paper's losses, per video\n" in adapted
