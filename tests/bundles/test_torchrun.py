# SPDX-License-Identifier: Apache-2.0
"""Two processes segment a list of videos; one of them is killed; the same command does what is left."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from bundle_command import Answer, bundle_arguments, torchrun_command

from monai_i2v.phantoms import Phantom, save_phantom

NAMES = ["a", "b", "c", "d", "e"]


def start(**overrides):
    options = [text for key, value in bundle_arguments(**overrides).items() for text in (f"--{key}", str(value))]
    # The variables are those that a batch script of Slurm sees: it is one task, whatever torchrun starts.
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "SLURM_JOB_ID": "1", "SLURM_LOCALID": "0"}
    return subprocess.Popen(
        torchrun_command("-m", "monai.bundle", "run", *options),
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def finish(process):
    stdout, stderr = process.communicate(timeout=200)
    return Answer(process.returncode, stdout, stderr)


def kill_one_at_work(process, output):
    """Kill one of the processes that torchrun started, as soon as a video is at work."""
    deadline = time.monotonic() + 150
    while time.monotonic() < deadline:
        if any(output.glob(".partial-*/new")):
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            os.kill(int(children[0]), signal.SIGKILL)
            return
        time.sleep(0.005)
    pytest.fail("no video was begun")


def results(output):
    names = [path.relative_to(output) for path in sorted(output.rglob("*")) if path.name != "run.json"]
    kept = [name for name in names if name.parent.name == "masks" or name.name == "measurements.csv"]
    return names, {name: (output / name).read_bytes() for name in kept}


@pytest.fixture(scope="module")
def runs(checkpoint, tmp_path_factory):
    """A folder with the results of two processes, what was done when one was killed, and the last answer."""
    folder = tmp_path_factory.mktemp("torchrun")
    save_phantom(Phantom(length=5, size=(64, 80)), folder)
    save_phantom(Phantom(length=9, size=(64, 80)), folder / "long")
    videos = [
        {"video": "video.mp4", "ref_mask": "masks/00000.png", "name": name, "ref_frame": frame}
        for frame, name in enumerate(NAMES[:-1])
    ]
    videos.append({"video": "long/video.mp4", "ref_mask": "long/masks/00000.png", "name": "e"})
    (folder / "list.json").write_text(json.dumps({"videos": [*videos, {"video": "gone.mp4", "ref_mask": "m.png"}]}))
    given = {"datalist": folder / "list.json", "output_dir": folder / "out", "checkpoint": checkpoint}
    killed = start(**given)
    kill_one_at_work(killed, folder / "out")
    assert finish(killed).status != 0
    done = {path: path.stat().st_mtime_ns for path in (folder / "out").glob("[a-e]/run.json")}
    return folder, done, finish(start(**given))


def test_a_second_run_after_a_kill_makes_what_is_left_and_nothing_else(runs):
    folder, done, _ = runs
    assert len(done) < len(NAMES)
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert sorted(path.name for path in (folder / "out").iterdir()) == [*NAMES, "summary.csv"]


def test_two_processes_give_the_bytes_of_one(runs, run_bundle):
    folder, _, _ = runs
    run_bundle(datalist=folder / "list.json", output_dir=folder / "alone")
    assert results(folder / "out") == results(folder / "alone")


def test_what_failed_in_any_process_is_told_once_after_all_others_are_done(runs):
    _, done, answer = runs
    assert answer.status != 0
    told = [line for line in answer.stderr.splitlines() if "monai_i2v: " in line]
    assert len(told) == 1
    assert "gone.mp4 does not exist" in told[0]
    assert told[0].endswith(f"(1 of {6 - len(done)} videos failed)")


def test_only_the_first_process_shows_bars(runs):
    _, done, answer = runs
    bars = {line.split(":")[0] for line in answer.stderr.replace("\r", "\n").splitlines() if "frame/s" in line}
    assert len(bars) < 5 - len(done)
    assert bars
