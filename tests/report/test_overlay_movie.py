# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.masks.palette import OBJECT_COLORS
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.overlay_movie import OverlayMovie

INFO = VideoInfo("cine", "frames", 3, 32, 48, frame_time=0.1)


def test_movie_shows_the_painted_frames_at_the_speed_of_the_video(tmp_path: Path) -> None:
    label_map = np.zeros((32, 48), dtype=np.uint8)
    label_map[8:24, 12:36] = 1
    with OverlayMovie(tmp_path / "o.mp4", INFO, labels=[1], alpha=1.0) as movie:
        for _ in range(3):
            painted = movie.write(np.full((32, 48, 1), 60, dtype=np.uint8), label_map)
        assert not (tmp_path / "o.mp4").exists()
    assert (painted[16, 24] == OBJECT_COLORS[0]).all()
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.streams.video[0].average_rate == 10
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert len(frames) == 3
    assert np.abs(frames[2][16, 24] - OBJECT_COLORS[0]).max() <= 6
    assert np.abs(frames[2][2, 2] - 60).max() <= 4


def test_closing_by_hand_and_unwritable_place(tmp_path: Path) -> None:
    movie = OverlayMovie(tmp_path / "o.mp4", INFO, labels=[1])
    movie.write(np.zeros((32, 48, 3), dtype=np.uint8), np.zeros((32, 48), dtype=np.uint8))
    movie.close()
    assert (tmp_path / "o.mp4").stat().st_size > 0
    with pytest.raises(UsageError, match="cannot be written"):
        OverlayMovie(tmp_path / "o.mp4" / "o.mp4", INFO, labels=[1])


def test_a_pause_of_the_recording_is_one_of_the_movie(tmp_path: Path) -> None:
    info = replace(INFO, length=4, frame_times=(0.0, 0.04, 2.04, 2.08))
    with OverlayMovie(tmp_path / "o.mp4", info, labels=[1]) as movie:
        for _ in range(4):
            movie.write(np.full((32, 48, 1), 60, dtype=np.uint8), np.zeros((32, 48), dtype=np.uint8))
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.duration / av.time_base == pytest.approx(info.duration, abs=0.01)
        assert [frame.time for frame in container.decode(video=0)] == pytest.approx(info.frame_times)
