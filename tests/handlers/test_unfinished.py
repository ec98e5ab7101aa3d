# SPDX-License-Identifier: Apache-2.0
import json
import os

import pytest

from monai_i2v.data import VideoCase
from monai_i2v.handlers import unfinished
from monai_i2v.report import sha256_of

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
    names = {"video": os.path.basename(case.video), "ref_mask": os.path.basename(case.ref_mask)}
    facts = {"settings": settings, "ref_frame": case.ref_frame, "files": {k: {"name": v} for k, v in names.items()}}
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
    later = (tmp_path / "out/a/run.json").stat().st_mtime + 10
    os.utime(tmp_path / file, (later, later))
    assert names(unfinished(cases, tmp_path / "out", SETTINGS)) == [again]


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
    sha256 = {"video": sha256_of(cases[0].video), "ref_mask": sha256_of(cases[0].ref_mask)}
    files = {role: {"name": None, "sha256": value} for role, value in sha256.items()}
    complete(cases[0], tmp_path / "out", files=files)
    complete(cases[1], tmp_path / "out", files={**files, "video": {"name": None, "sha256": None}})  # a folder
    assert unfinished(cases, tmp_path / "out", SETTINGS) == []
    complete(cases[0], tmp_path / "out", files={**files, "video": {"name": None, "sha256": "0" * 64}})
    assert names(unfinished(cases, tmp_path / "out", SETTINGS)) == ["a"]
