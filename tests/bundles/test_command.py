# SPDX-License-Identifier: Apache-2.0
"""The real command, in processes of its own: that the other tests, which run it in theirs, see the same."""

import json
import os
import subprocess
import sys
import time

import pytest
from bundle_command import Answer, assert_explained, bundle_arguments

from monai_i2v.data import Phantom, save_phantom


@pytest.fixture
def start_command(checkpoint):
    """Start the real command in a process of its own; several may run at a time."""

    def start(debug: str = "0", **overrides) -> subprocess.Popen:
        arguments = bundle_arguments(checkpoint=checkpoint, **overrides)
        options = [text for key, value in arguments.items() for text in (f"--{key}", str(value))]
        command = [sys.executable, "-m", "monai.bundle", "run", *options]
        environment = {**os.environ, "MONAI_I2V_DEBUG": debug, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
        )

    return start


def finish(process: subprocess.Popen) -> Answer:
    stdout, stderr = process.communicate(timeout=120)
    return Answer(process.returncode, stdout, stderr)


def test_the_command_itself_fails_in_the_same_way_and_shows_a_traceback_when_debugging(
    start_command, run_bundle, recording
):
    given = {"video": recording / "no.mp4", "ref_mask": recording / "mask.png", "output_dir": recording / "out"}
    processes = [start_command(**given), start_command(debug="1", **given)]
    here = run_bundle(**given)
    plain, debugged = map(finish, processes)
    assert_explained(plain, "no.mp4 does not exist", "expected a file", "check the name")
    assert (plain.status, plain.sentence) == (here.status, here.sentence)
    assert debugged.status == plain.status == 1
    assert "Traceback" in debugged.stderr
    assert "UsageError: " + plain.sentence.removeprefix("monai_i2v: ") in debugged.stderr
    assert not (recording / "out").exists()


def test_the_command_itself_succeeds_in_the_same_way(start_command, run_bundle, recording):
    save_phantom(Phantom(length=2, size=(64, 80)), recording)
    given = {"video": recording / "video.mp4", "ref_mask": recording / "masks/00000.png"}
    process = start_command(**given, output_dir=recording / "there")
    here = run_bundle(**given, output_dir=recording / "here")
    there = finish(process)
    assert here.status == there.status == 0, there.stderr
    results = {path.relative_to(recording / "here") for path in (recording / "here").rglob("*")}
    assert results == {path.relative_to(recording / "there") for path in (recording / "there").rglob("*")}
    for name in ("masks/00000.png", "masks/00001.png", "measurements.csv"):
        paths = [recording / folder / "video" / name for folder in ("here", "there")]
        assert paths[0].read_bytes() == paths[1].read_bytes()


def test_a_list_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(start_command, run_bundle, recording):
    save_phantom(Phantom(length=6, size=(64, 80)), recording)
    videos = [
        {"video": "video.mp4", "ref_mask": "masks/00000.png", "name": name, "ref_frame": frame}
        for frame, name in enumerate("abc")
    ]
    (recording / "list.json").write_text(json.dumps({"videos": videos}))
    given = {"video": None, "ref_mask": None, "datalist": recording / "list.json"}
    assert run_bundle(**given, output_dir=recording / "whole").status == 0
    killed = start_command(**given, output_dir=recording / "out")
    deadline = time.monotonic() + 100
    while not (recording / "out/a").exists() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.kill()
    finish(killed)
    done = {path: path.stat().st_mtime_ns for path in (recording / "out").glob("[abc]/run.json")}
    assert 1 <= len(done) <= 3
    assert run_bundle(**given, output_dir=recording / "out").status == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert sorted(path.name for path in (recording / "out").iterdir()) == ["a", "b", "c", "summary.csv"]
    summaries = [(recording / folder / "summary.csv").read_bytes() for folder in ("whole", "out")]
    assert summaries[0] == summaries[1]
    for name in "abc":
        for file in ("measurements.csv", "masks/00000.png", "masks/00005.png"):
            one, other = (recording / folder / name / file for folder in ("whole", "out"))
            assert one.read_bytes() == other.read_bytes()
