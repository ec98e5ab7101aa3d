# SPDX-License-Identifier: Apache-2.0
import csv
import json

import numpy as np
import pytest
from copying import Copy
from PIL import Image

from monai_i2v.data import VideoCase
from monai_i2v.engines import VideoEvaluator, VideoEvents
from monai_i2v.errors import UsageError
from monai_i2v.handlers import SaveVideoResults, SummarizeVideos
from monai_i2v.inferers import PropagationInferer
from monai_i2v.report import describe_files, unfinished


@pytest.fixture
def clip(tmp_path):
    """Three frames with an object 5 of 32 x 8 px, and 2 px of an object 6."""

    def make(name):
        (tmp_path / name).mkdir()
        for index in range(3):
            Image.fromarray(np.full((32, 40), 99, np.uint8)).save(tmp_path / name / f"{index}.png")
        labels = np.zeros((32, 40), np.uint8)
        labels[:, :8], labels[:2, 20] = 5, 6
        Image.fromarray(labels).save(tmp_path / "mask.png")
        return VideoCase(str(tmp_path / name), str(tmp_path / "mask.png"), 0, name)

    return make


def run(output, *cases, chamber=None):
    handlers = [SaveVideoResults(output, chamber=chamber), SummarizeVideos(output)]
    VideoEvaluator("cpu", cases, Copy(), inferer=PropagationInferer(None), handlers=handlers).run()


def read(output):
    with (output / "summary.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_line_per_video_and_object(tmp_path, clip):
    run(tmp_path / "out", clip("b"), clip("a"), chamber=5)
    rows = read(tmp_path / "out")
    assert [(row["video"], row["label"]) for row in rows] == [("a", "5"), ("a", "6"), ("b", "5"), ("b", "6")]
    assert {row["mean_area_px"] for row in rows} == {"256.0", "2.0"}
    assert [row["largest_volume_px3"] for row in rows] == ["1608.4954", "", "1608.4954", ""]  # pi / 4 * 8^2 * 32
    assert [row["single_plane_change"] for row in rows] == ["0.0", "", "0.0", ""]
    assert {row["mean_area_mm2"] + row["largest_volume_ml"] + row["largest_volume_time_s"] for row in rows} == {""}
    facts = json.loads((tmp_path / "out/a/run.json").read_text())
    assert facts["objects"][0]["largest_volume_px3"] == pytest.approx(1608.4954)


def test_later_runs_add_to_what_is_there_and_a_bad_video_costs_nothing(tmp_path, clip):
    run(tmp_path / "out", clip("b"))
    with pytest.raises(UsageError, match="does not exist"):
        run(tmp_path / "out", VideoCase("no.mp4", "no.png", 0, "bad"), clip("a"))
    assert [row["video"] for row in read(tmp_path / "out")] == ["a", "a", "b", "b"]


def test_a_run_with_nothing_left_to_do_makes_it_again(tmp_path, clip):
    run(tmp_path / "out", clip("a"))
    before = (tmp_path / "out/summary.csv").read_bytes()
    (tmp_path / "out/summary.csv").unlink()
    run(tmp_path / "out")
    assert (tmp_path / "out/summary.csv").read_bytes() == before


def test_nothing_is_written_where_nothing_is_done(tmp_path):
    run(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_not_complete_or_no_result_of_ours_is_left_out(tmp_path, clip):
    run(tmp_path / "out", clip("a"))
    for name, content in {".b.partial-1": '{"objects": []}', "c": "{", "d": '{"objects": [{"label": 1}]}'}.items():
        (tmp_path / "out" / name).mkdir()
        (tmp_path / "out" / name / "run.json").write_text(content)
    hidden = (tmp_path / "out/a/run.json").read_text()
    (tmp_path / "out/.b.partial-1/run.json").write_text(hidden)
    run(tmp_path / "out")
    assert [row["video"] for row in read(tmp_path / "out")] == ["a", "a"]


def test_a_video_that_another_process_completes_meanwhile_is_not_lost(tmp_path, clip, monkeypatch):
    run(tmp_path / "out", clip("a"))
    (tmp_path / "out/a").rename(tmp_path / "late")
    run(tmp_path / "out", clip("b"))
    handler = SummarizeVideos(tmp_path / "out")
    rows = handler._rows

    def slowly():
        yield from rows()
        if (tmp_path / "late").exists():  # the other process completes it after the folders were read
            (tmp_path / "late").rename(tmp_path / "out/a")

    monkeypatch.setattr(handler, "_rows", slowly)
    handler._save()
    assert [row["video"] for row in read(tmp_path / "out")] == ["a", "a", "b", "b"]


def test_an_unknown_chamber_is_told_before_anything_is_written(tmp_path, clip):
    with pytest.raises(UsageError, match="chamber is 7, which is no label of the mask; expected one of 5, 6"):
        run(tmp_path / "out", clip("a"), chamber=[5, 7])
    assert not (tmp_path / "out").exists()


def test_a_name_of_any_bytes_has_its_line(tmp_path, clip):
    run(tmp_path / "out", clip("caf\udce9"), clip("a"))
    assert [row["video"] for row in read(tmp_path / "out")] == ["a", "a", "caf\\udce9", "caf\\udce9"]


def test_files_are_described_as_they_were_when_their_video_began(tmp_path, clip):
    case, out = clip("a"), tmp_path / "out"
    before = describe_files(case.files)
    engine = VideoEvaluator("cpu", [case], Copy(), inferer=PropagationInferer(None), handlers=[SaveVideoResults(out)])
    engine.add_event_handler(VideoEvents.FRAME_COMPLETED, lambda: (tmp_path / "mask.png").write_bytes(b"corrected"))
    engine.run()
    assert json.loads((out / "a/run.json").read_text())["files"] == before
    assert unfinished([case], out, {}) == [case]
