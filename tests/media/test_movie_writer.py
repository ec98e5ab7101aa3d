# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import errno
from pathlib import Path

import av
import numpy as np
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.media.movie_writer import MovieWriter


def gradient(height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 3, columns * 3, 128 + 0 * rows], axis=-1).astype(np.uint8)


def test_odd_frames_are_padded_by_their_last_row_and_column(tmp_path: Path) -> None:
    frame = gradient(33, 47)
    with MovieWriter(tmp_path / "a.mp4", size=(33, 47), frame_time=0.05) as movie:
        for _ in range(4):
            movie.write(frame)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        decoded = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
        assert (stream.codec_context.name, stream.pix_fmt, stream.average_rate) == ("h264", "yuv420p", 20)
    assert len(decoded) == 4
    assert decoded[0].shape == (34, 48, 3)
    assert np.abs(decoded[3][:33, :47].astype(int) - frame).mean() < 3
    assert np.abs(decoded[3][33, :47].astype(int) - frame[32]).mean() < 6


def test_unknown_speed_is_25_frames_per_second_and_gray_is_gray(tmp_path: Path) -> None:
    with MovieWriter(tmp_path / "a.mp4", size=(32, 32)) as movie:
        movie.write(np.full((32, 32, 1), 90, dtype=np.uint8))
    with av.open(str(tmp_path / "a.mp4")) as container:
        assert container.streams.video[0].average_rate == 25
        (picture,) = container.decode(video=0)
    assert np.abs(picture.to_ndarray(format="rgb24").astype(int) - 90).max() <= 2


def test_nothing_is_left_behind_when_the_caller_fails(tmp_path: Path) -> None:
    frames = iter([np.zeros((32, 32, 3), dtype=np.uint8), "not a frame"])
    with pytest.raises(AttributeError), MovieWriter(tmp_path / "a.mp4", size=(32, 32)) as movie:
        list(map(movie.write, frames))
    assert list(tmp_path.iterdir()) == []


def test_full_disk_is_one_sentence_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    movie = MovieWriter(tmp_path / "a.mp4", size=(32, 32))
    container = movie._container

    class Full:
        def mux(self, packets: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(movie, "_container", Full())
    with pytest.raises(UsageError, match=r"a\.mp4 cannot be written \(No space left on device\)"):
        movie.write(np.zeros((32, 32, 3), dtype=np.uint8))
    monkeypatch.setattr(movie, "_container", container)
    assert list(tmp_path.iterdir()) == []
    movie.close()  # of a failed movie does nothing
    with pytest.raises(RuntimeError, match="the movie is closed; make another MovieWriter"):
        movie.write(np.zeros((32, 32, 3), dtype=np.uint8))


def test_frame_of_another_size_is_refused(tmp_path: Path) -> None:
    with MovieWriter(tmp_path / "a.mp4", size=(32, 32)) as movie:
        with pytest.raises(ValueError, match=r"uint8 of size \(32, 32\), got uint8 \(32, 30, 3\)"):
            movie.write(np.zeros((32, 30, 3), dtype=np.uint8))
        with pytest.raises(ValueError, match="got float64"):
            movie.write(np.zeros((32, 32, 3)))
