# SPDX-License-Identifier: Apache-2.0
import json
import sys

import pytest

from monai_i2v.options.command_line import typed_options

ODD = [
    "2024_12_01",
    "1.10",
    "1e5",
    "08",
    "0x10",
    "True",
    "1,2",
    "out #2",
    "#3",
    "a::b",
    "a#b.mp4",
    "$clip.mp4",
    "$import me.mp4",
    "@clip.mp4",
    "@video",
    "./%clip.mp4",
    "it's.mp4",
    '"quoted"',
    "[old]",
    "{a: b}",
    "(1)",
    "-rf.mp4",
    "--x",
    "  two  spaces ",
    "H\u00e4rz \u5fc3\u81d3",
    "a=b",
    "",
]


@pytest.mark.parametrize("text", ODD)
def test_a_path_arrives_as_it_was_typed(text, run):
    told = run(f"--video={text}", f"--output_dir={text}")
    assert (told["video"], told["output_dir"]) == (text, text)


@pytest.mark.parametrize("text", [text for text in ODD if text[:1] != "-"])
def test_a_path_arrives_without_the_sign_of_equality_too(text, run):
    assert run("--video", text)["video"] == text


def test_a_default_that_is_made_of_another_option_gets_it_as_it_was_typed(run):
    assert run("--bundle_root", "2024_12_01 #2")["output_dir"] == "2024_12_01 #2/output"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("['1.10', 'a#b.png']", ["1.10", "a#b.png"]),
        ("('a.png',)", ["a.png"]),
        ("1.10", "1.10"),
        ("[a] (1).png", "[a] (1).png"),
    ],
)
def test_masks_are_a_path_or_a_list_of_them(typed, read, run):
    assert run("--ref_mask", typed)["ref_mask"] == read


def test_a_mask_that_is_called_as_a_list_is_a_path_where_it_exists(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "['a']").mkdir()
    assert run("--ref_mask", "['a']")["ref_mask"] == "['a']"


@pytest.mark.parametrize(
    ("typed", "read"),
    [("3", 3), ("1,2", [1, 2]), ("[1, 2]", [1, 2]), ("1_2", "1_2"), ("LV #1", "LV #1"), ("1.0", "1.0")],
)
def test_chambers_are_labels_or_what_was_typed(typed, read, run):
    assert run("--chamber", typed)["chamber"] == read


def test_what_is_no_path_is_read_as_python(run):
    told = run("--ref_frame", "[0,12]", "--anonymize", "True", "--sets", "['x']", "--train::epochs", "7")
    assert (told["ref_frame"], told["anonymize"], told["sets"], told["epochs"]) == ([0, 12], True, ["x"], 7)


def test_an_option_that_is_given_twice_counts_as_monai_counts_it(run):
    assert run("--video", "1.10", "--video", "2.20")["video"] == "2.20"


def test_none_leaves_the_default(run):
    assert run("--output_dir", "None")["output_dir"] == "./output"


def test_what_python_gives_stays_and_may_be_an_expression(run):
    assert run(video="study #1/a.mp4", output_dir="$@bundle_root + '/x'")["video"] == "study #1/a.mp4"
    assert run(video="a", output_dir="$@bundle_root + '/x'")["output_dir"] == "./x"
    assert run(video=3)["video"] == 3


def test_a_file_of_arguments_is_read_as_it_is(run, tmp_path):
    (tmp_path / "args.json").write_text(json.dumps({"video": "1.10 #2", "ref_frame": 4}))
    told = run("--args_file", str(tmp_path / "args.json"), "--output_dir", "1.20")
    assert (told["video"], told["ref_frame"], told["output_dir"]) == ("1.10 #2", 4, "1.20")


def test_another_program_has_no_typed_options(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train.py", "run", "--video", "x"])
    assert typed_options() == {}
