# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from monai_i2v.errors import UsageError


def refusal(run, *arguments, **given):
    """The sentence with which a run ends."""
    with pytest.raises(Exception, match=r".") as caught:
        run(*arguments, **given)
    error = caught.value
    while not isinstance(error, UsageError):
        error = error.__cause__
    return str(error)


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        ("anonimize", "anonymize"),
        ("anonymise", "anonymize"),
        ("Anonymize", "anonymize"),
        ("out_dir", "output_dir"),
        ("videos", "video"),
        ("network_def::spatial_dim", "network_def::spatial_dims"),
        ("network_def#spatial_dim", "network_def::spatial_dims"),
        ("train::epoch", "train::epochs"),
    ],
)
def test_an_unknown_option_names_the_nearest_one(typed, nearest, run):
    sentence = refusal(run, f"--{typed}", "true")
    name = typed.replace("#", "::")
    assert sentence == f"there is no option {name}; expected one of this config; did you mean {nearest}?"
    assert refusal(run, **{typed: True}) == sentence  # called from Python


def test_without_a_near_one_all_are_named(run):
    sentence = refusal(run, "--qqq", "[1]")
    assert "there is no option qqq; expected one of this config; choose of bundle_root, video, ref_mask" in sentence


def test_a_file_of_arguments_and_a_further_config_are_read_too(run, tmp_path):
    (tmp_path / "args.json").write_text(json.dumps({"anonimize": True}))
    assert "no option anonimize" in refusal(run, "--args_file", str(tmp_path / "args.json"))
    assert "no option anonimize" in refusal(run, files=(str(tmp_path / "args.json"),))


def test_a_path_that_begins_with_a_dash_needs_a_sign_of_equality(run):
    assert "there is no option rf.mp4" in refusal(run, "--video", "-rf.mp4")


def test_a_part_of_a_path_with_spaces_is_nothing_to_run(run):
    sentence = refusal(run, "--video", "my", "clip.mp4")
    assert sentence.startswith("there is nothing called 'clip.mp4' to run, expected an id of the config, such as 'run'")


def test_ids_inside_may_be_set_and_arguments_of_a_component_added(run):
    assert run("--train::epochs", "5", "--network_def::dropout", "0.5", "--sets::1", "c")["sets"] == ["a", "c"]
    assert run("--network_def::_desc_", "mine")["epochs"] == 3


def test_an_option_that_a_further_config_leaves_unread_is_refused_when_it_is_given(run, tmp_path):
    commands = ["$print(json.dumps([@video, @ref_mask, @output_dir, @chamber, @ref_frame]))"]
    commands.append("$print(json.dumps([None, @sets, @train::epochs]), @network_def if @train::epochs < 0 else '')")
    (tmp_path / "other.json").write_text(json.dumps({"run": commands}))
    assert run(files=(str(tmp_path / "other.json"),))["epochs"] == 3
    sentence = refusal(run, "--anonymize", "true", files=(str(tmp_path / "other.json"),))
    assert sentence == "option anonymize would change nothing here, as nothing in these configs reads it; leave it out."
