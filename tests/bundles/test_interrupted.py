# SPDX-License-Identifier: Apache-2.0
"""The real command, stopped at the worst moments, or beside another one that writes to the same place."""

import json
import signal
import time

import pytest
from bundle_command import assert_explained, finish, snapshot

from monai_i2v.phantoms import Phantom, save_phantom


@pytest.fixture
def three_videos(recording):
    """A list of three videos, and the arguments that name it."""
    save_phantom(Phantom(length=12, size=(64, 80)), recording)
    videos = [
        {"video": "video.mp4", "ref_mask": f"masks/{frame:05d}.png", "name": name, "ref_frame": frame}
        for frame, name in zip((0, 5, 11), "abc", strict=True)
    ]
    (recording / "list.json").write_text(json.dumps({"videos": videos}))
    return {"video": None, "ref_mask": None, "datalist": recording / "list.json"}


@pytest.fixture
def whole(run_bundle, three_videos, recording):
    """Results of a run that nothing disturbed."""
    assert run_bundle(**three_videos, output_dir=recording / "whole").status == 0
    return masks(recording / "whole")


def masks(out):
    """All that is computed: masks and measurements, by name; nothing else lies beside the videos."""
    assert sorted(path.name for path in out.iterdir()) == ["a", "b", "c", "summary.csv"]
    found = {path.relative_to(out): path.read_bytes() for path in sorted(out.rglob("*[0-9].png"))}
    assert len(found) == 3 * 12
    return found | {path.relative_to(out): path.read_bytes() for path in out.glob("*/measurements.csv")}


def wait_for(process, out, pattern):
    deadline = time.monotonic() + 100
    while not list(out.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert list(out.glob(pattern))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_list_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(
    how, start_command, run_bundle, three_videos, whole, recording
):
    out = recording / "out"
    killed = start_command(**three_videos, output_dir=out)
    wait_for(killed, out, "a")
    wait_for(killed, out, ".partial-*/new/masks/*.png")  # in the middle of the next video
    killed.send_signal(how)
    assert finish(killed).status == -how
    done = {path: path.stat().st_mtime_ns for path in out.glob("[abc]/run.json")}
    assert len(done) in (1, 2)
    assert run_bundle(**three_videos, output_dir=out).status == 0
    assert {path: path.stat().st_mtime_ns for path in done} == done  # not done twice
    assert masks(out) == whole
    after = snapshot(out)
    assert run_bundle(**three_videos, output_dir=out).status == 0
    assert snapshot(out) == after  # nothing is left to do


def test_a_run_that_a_person_stops_leaves_nothing_half(start_command, three_videos, recording):
    out = recording / "out"
    process = start_command(**three_videos, output_dir=out)
    wait_for(process, out, "a")
    wait_for(process, out, ".partial-*/new/masks/*.png")
    process.send_signal(signal.SIGINT)
    assert finish(process).status != 0
    assert {path.name for path in out.iterdir()} < {"a", "b", "c", "summary.csv"}
    assert all((path / "run.json").exists() for path in out.iterdir() if path.is_dir())


def test_two_runs_into_one_folder_leave_the_results_of_one(start_command, three_videos, whole, recording):
    out = recording / "out"
    processes = [start_command(**three_videos, output_dir=out) for _ in range(2)]
    answers = list(map(finish, processes))
    assert [answer.status for answer in answers] == [0, 0], answers
    assert masks(out) == whole


def test_a_disk_that_is_full_is_explained_by_the_command_too(start_command, recording):
    (recording / "out/video/masks").mkdir(parents=True)
    (recording / "out/video/run.json").write_text("{}")
    save_phantom(Phantom(length=12, size=(64, 80)), recording)
    given = {"video": recording / "video.mp4", "ref_mask": recording / "masks/00000.png"}
    before = snapshot(recording)
    answer = finish(start_command(**given, output_dir=recording / "out", file_limit=1000))
    assert_explained(answer, "cannot be written (File too large)", "space")
    assert snapshot(recording) == before


def test_names_that_look_like_options_and_protocols_are_files(start_command, recording):
    save_phantom(Phantom(length=2, size=(64, 80)), recording)
    (recording / "video.mp4").rename(recording / "-12:30 @a$b.mp4")
    (recording / "masks/00000.png").rename(recording / "--help.png")
    given = {"video": "-12:30 @a$b.mp4", "ref_mask": "--help.png", "output_dir": "-o"}
    answer = finish(start_command(**given, folder=recording))
    assert answer.status == 0, answer.stderr
    assert (recording / "-o/-12:30 @a$b/run.json").exists()
