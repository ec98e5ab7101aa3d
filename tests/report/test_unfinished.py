# SPDX-License-Identifier: Apache-2.0
import json
from dataclasses import replace

import pytest

from monai_i2v.data import VideoCase
from monai_i2v.report import describe_files, unfinished

SETTINGS = {"preset": "anchored", "size": 256, "scope": "video"}


@pytest.fixture
def cases(tmp_path):
    """Two videos, a file and a folder of frames, of which the first and then both are done."""
    (tmp_path / "frames").mkdir()
    for name in ("a.mp4", "a.png", "b.png", "frames/0.png"):
        (tmp_path / name).write_bytes(b"x")
    return [
        VideoCase(str(tmp_path / "a.mp4"), str(tmp_path / "a.png"), 0, "a"),
        VideoCase(str(tmp_path / "frames"), str(tmp_path / "b.png"), 2, "b"),
    ]


def complete(case, folder, settings=SETTINGS, **changes):
    (folder / case.name).mkdir(parents=True, exist_ok=True)
    facts = {"settings": settings, "ref_frame": case.ref_frame, "files": describe_files(case.files)}
    (folder / case.name / "run.json").write_text(json.dumps({**facts, **changes}))


def names(cases):
    return [case.name for case in cases]


def test_what_is_done_is_left_out(cases, tmp_path):
    out = tmp_path / "out"
    assert names(unfinished(cases, out, SETTINGS)) == ["a", "b"]
    complete(cases[0], out)
    assert names(unfinished(cases, out, SETTINGS)) == ["b"]
    complete(cases[1], out)
    assert unfinished(cases, str(out), SETTINGS) == []


def test_other_settings_or_another_frame_are_another_result(cases, tmp_path):
    for case in cases:
        complete(case, tmp_path / "out")
    assert names(unfinished(cases, tmp_path / "out", {**SETTINGS, "size": 384})) == ["a", "b"]
    complete(cases[0], tmp_path / "out", ref_frame=1)
    assert names(unfinished(cases, tmp_path / "out", SETTINGS)) == ["a"]


@pytest.mark.parametrize(("file", "again"), [("a.mp4", "a"), ("a.png", "a"), ("frames/0.png", "b")])
def test_a_file_that_was_changed_since_is_done_again(cases, tmp_path, file, again):
    for case in cases:
        complete(case, tmp_path / "out")
    (tmp_path / file).touch()
    assert unfinished(cases, tmp_path / "out", SETTINGS) == []
    (tmp_path / file).write_bytes(b"y")
    assert names(unfinished(cases, tmp_path / "out", SETTINGS)) == [again]


def test_another_file_of_the_same_name_is_another_video(cases, tmp_path):
    complete(cases[0], tmp_path / "out")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/a.mp4").write_bytes(b"z")
    moved = replace(cases[0], video=str(tmp_path / "other/a.mp4"))
    assert names(unfinished([moved], tmp_path / "out", SETTINGS)) == ["a"]


def test_results_beside_the_frames_are_not_part_of_the_video(cases, tmp_path):
    complete(cases[1], tmp_path / "frames" / "results")
    assert unfinished(cases[1:], tmp_path / "frames" / "results", SETTINGS) == []


def test_what_is_done_stays_done_when_its_files_are_gone(cases, tmp_path):
    complete(cases[0], tmp_path / "out")
    (tmp_path / "a.mp4").unlink()
    assert unfinished(cases[:1], tmp_path / "out", SETTINGS) == []


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"settings": 3, "ref_frame": 0, "files": {"video": 1}}'])
def test_a_broken_record_is_no_result(cases, tmp_path, content):
    complete(cases[0], tmp_path / "out")
    (tmp_path / "out/a/run.json").write_text(content)
    assert names(unfinished(cases, tmp_path / "out", SETTINGS)) == ["a", "b"]


def test_videos_that_are_adapted_to_together_are_done_together(cases, tmp_path):
    settings = {**SETTINGS, "scope": "dataset"}
    complete(cases[0], tmp_path / "out", settings)
    assert names(unfinished(cases, tmp_path / "out", settings)) == ["a", "b"]
    complete(cases[1], tmp_path / "out", settings)
    assert unfinished(cases, tmp_path / "out", settings) == []


def test_anonymous_results_are_known_by_the_content_of_the_files(cases, tmp_path):
    files, folder = (describe_files(case.files, anonymize=True) for case in cases)
    complete(cases[0], tmp_path / "out", files=files)
    complete(cases[1], tmp_path / "out", files=folder)
    assert unfinished(cases, tmp_path / "out", SETTINGS) == []
    complete(cases[0], tmp_path / "out", files={**files, "video": {"name": None, "sha256": "0" * 64}})
    assert names(unfinished(cases, tmp_path / "out", SETTINGS)) == ["a"]
