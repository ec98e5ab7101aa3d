# SPDX-License-Identifier: Apache-2.0
import csv
import json
import logging

import numpy as np
import pytest
from copying import Copy
from PIL import Image

from monai_i2v.data import VideoCase
from monai_i2v.engines import VideoEvaluator
from monai_i2v.errors import UsageError
from monai_i2v.handlers import FrameScore, ScoreVideos, mean_scores
from monai_i2v.inferers import PropagationInferer


def picture(columns, second=0):
    """32 x 40 px: label 3 in the first columns, label 5 in the last ones."""
    labels = np.zeros((32, 40), np.uint8)
    labels[:, :columns] = 3
    labels[:, 40 - second :] = 5
    return Image.fromarray(labels)


@pytest.fixture
def clip(tmp_path):
    """A clip whose first object is given with 8 columns, has 16 and 8 in truth and is gone in the end."""

    def make(name="clip", drawn=(0, 1, 2, 3), masks=((8, 4), (16, 4), (8, 8), (0, 4))):
        for folder in ("frames", "masks"):
            (tmp_path / name / folder).mkdir(parents=True)
        for index, widths in enumerate(masks):
            Image.fromarray(np.full((32, 40), 99, np.uint8)).save(tmp_path / name / f"frames/{index}.png")
            if index in drawn:
                picture(*widths).save(tmp_path / name / f"masks/{index}.png")
        folder = tmp_path / name
        return VideoCase(str(folder / "frames"), str(folder / "masks/0.png"), 0, name, str(folder / "masks"))

    return make


def run(output, *cases):
    engine = VideoEvaluator("cpu", cases, Copy(), inferer=PropagationInferer(None), handlers=[ScoreVideos(output)])
    try:
        engine.run()
    finally:
        csv_file, json_file = output / "scores.csv", output / "scores.json"
        rows = list(csv.DictReader(csv_file.read_text().splitlines())) if csv_file.exists() else []
        summary = json.loads(json_file.read_text()) if json_file.exists() else None
    return rows, summary


def test_every_frame_and_object_has_its_line(tmp_path, clip):
    rows, summary = run(tmp_path / "out", clip())
    found = {(int(row["frame"]), int(row["object"])): float(row["dice"]) for row in rows}
    assert found == pytest.approx({(1, 3): 16 / 24, (1, 5): 1, (2, 3): 1, (2, 5): 8 / 12, (3, 3): 0, (3, 5): 1})
    assert {float(row["j"]) for row in rows} == {0.0, 0.5, 1.0}
    objects = [(16 / 24 + 1 + 0) / 3, (1 + 8 / 12 + 1) / 3]
    assert summary["mean"]["dice"] == pytest.approx(sum(objects) / 2)
    assert summary["mean"]["dice_where_shown"] == pytest.approx(((16 / 24 + 1) / 2 + objects[1]) / 2)
    assert summary["videos"]["clip"]["seconds"] > 0


def test_a_mask_that_stays_when_its_object_has_left_is_told_by_its_area(tmp_path, clip):
    rows, summary = run(tmp_path / "out", clip())
    gone = [row for row in rows if row["shown"] == "False"]
    assert [(row["frame"], row["object"]) for row in gone] == [("3", "3")]
    assert [float(gone[0][name]) for name in ("dice", "j", "f")] == [0, 0, 0]
    assert int(gone[0]["false_positive_px"]) == 32 * 8  # the mask of frame 0
    assert float(gone[0]["false_positive_share"]) == pytest.approx(8 / 40)
    for means in (summary["mean"], summary["videos"]["clip"]):
        assert means["false_positive_px"] == 256
        assert means["false_positive_share"] == pytest.approx(0.2)
        assert means["j"] == pytest.approx(((0.5 + 1 + 0) / 3 + (1 + 0.5 + 1) / 3) / 2)


def test_an_object_that_has_left_for_good_scores_nothing_and_its_share_may_be_the_whole_frame(tmp_path, clip):
    rows, summary = run(tmp_path / "out", clip(masks=((40, 0), (0, 0), (0, 0), (0, 0))))
    assert [(row["dice"], row["f"], row["false_positive_share"]) for row in rows] == [("0.0", "0.0", "1.0")] * 3
    assert summary["mean"]["dice"] == 0
    assert summary["mean"]["dice_where_shown"] is None


def test_nothing_found_where_nothing_is_counts_1():
    right = FrameScore("a", 2, 1, 1.0, 1.0, 1.0, shown=False)
    means = mean_scores([FrameScore("a", 1, 1, 0.5, 0.5, 0.5), right])
    assert (means["dice"], means["dice_where_shown"], means["false_positive_px"]) == (0.75, 0.5, 0)


def test_frames_that_nobody_drew_do_not_count(tmp_path, clip):
    rows, _ = run(tmp_path / "out", clip(drawn=(0, 2)))
    assert [row["frame"] for row in rows] == ["2", "2"]


def test_a_video_without_truth_is_told_and_the_others_are_scored(tmp_path, clip):
    case = clip("other")
    bare = VideoCase(case.video, case.ref_mask, 0, "bare")
    with pytest.raises(UsageError, match="bare has no truth to be scored with; give each video"):
        run(tmp_path / "out", bare, clip())
    assert set(json.loads((tmp_path / "out/scores.json").read_text())["videos"]) == {"clip"}


def test_a_video_of_which_only_the_reference_is_drawn_is_told(tmp_path, clip, caplog):
    with caplog.at_level(logging.WARNING):
        rows, summary = run(tmp_path / "out", clip(drawn=(0,)))
    assert (rows, summary) == ([], None)
    assert "clip: no frame but the reference has truth; it is not scored" in caplog.text


def test_scores_of_other_processes_come_with_the_end(tmp_path, clip, monkeypatch):
    other = [FrameScore("other", 1, 3, 0.0, 0.0, 0.0)], {"other": 2.0}
    monkeypatch.setattr("ignite.distributed.all_gather", lambda own: [own, (1, []) if own[0] == 1 else other])
    rows, summary = run(tmp_path / "out", clip())
    assert [row["video"] for row in rows] == ["clip"] * 6 + ["other"]
    assert summary["videos"]["other"]["seconds"] == 2
    assert summary["mean"]["dice"] == pytest.approx(summary["videos"]["clip"]["dice"] / 2)


def test_means_are_of_frames_then_objects_then_videos():
    def score(video, label, value):
        return FrameScore(video, 1, label, value, value, value)

    scores = [score("a", 1, 1.0), score("a", 1, 0.0), score("a", 2, 1.0), score("b", 1, 0.0)]
    means = mean_scores(scores)
    assert {name: means[name] for name in ("dice", "j", "f")} == {"dice": 0.375, "j": 0.375, "f": 0.375}
    assert means["false_positive_px"] is None


def test_a_second_run_forgets_the_first(tmp_path, clip):
    cases = [clip("a"), clip("b")]
    engine = VideoEvaluator("cpu", cases, Copy(), inferer=PropagationInferer(None), handlers=[ScoreVideos(tmp_path)])
    engine.run()
    for picture in (tmp_path / "a/frames").iterdir():
        picture.unlink()
    with pytest.raises(UsageError, match="a/frames"):
        engine.run()
    assert list(json.loads((tmp_path / "scores.json").read_text())["videos"]) == ["b"]
