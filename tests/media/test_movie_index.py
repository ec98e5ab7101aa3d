# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import av
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.media import movie_index
from monai_i2v.media.movie import Movie
from monai_i2v.media.movie_index import MovieIndex, index_movie


def test_key_frames_until_a_time_stamp_start_with_the_nearest():
    index = MovieIndex((0, 40, 80, 120), keyframes=(0, 80))
    assert index.keyframes_until(79) == (0,)
    assert index.keyframes_until(120) == (80, 0)
    assert index.count_between(40, 120) == 2


def test_index_needs_no_decoding_of_the_whole_movie(tmp_path, write_movie, monkeypatch):
    decoded = []
    decode = movie_index.decode_frames
    monkeypatch.setattr(
        movie_index, "decode_frames", lambda *args: (decoded.append(1) or frame for frame in decode(*args))
    )
    index = index_movie(write_movie(tmp_path / "a.mkv"))
    assert index == MovieIndex(tuple(range(0, 800, 40)), keyframes=(0, 200, 400, 600))
    assert len(decoded) == movie_index.PROBE_FRAMES


@pytest.mark.parametrize("why", ["fields", "no time stamps"])
def test_movie_without_usable_time_stamps_is_counted_by_decoding(tmp_path, write_movie, monkeypatch, why):
    path = write_movie(tmp_path / "a.mkv")
    if why == "fields":  # two packets per frame, as in interlaced films
        doubled = MovieIndex(tuple(range(0, 800, 20)), keyframes=(0,))
        monkeypatch.setattr(movie_index, "_index_packets", lambda *args: doubled)
    else:
        monkeypatch.setattr(movie_index, "_index_packets", lambda *args: None)
    index = index_movie(path)
    assert index == MovieIndex(tuple(range(20)), keyframes=(), is_timed=False)
    movie = Movie(path)
    assert [int(movie.read(i)[20, 20, 0]) for i in (0, 19, 3, 4)] == [0, 152, 24, 32]


def test_joined_recordings_have_no_usable_time_stamps(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mpg", codec="mpeg2video", pixels="yuv420p")
    path.write_bytes(2 * path.read_bytes())
    index = index_movie(path)
    assert not index.is_timed
    assert len(index.stamps) > 20
    movie = Movie(path)
    values = [int(movie.read(i)[20, 20, 1]) for i in range(len(movie))]
    assert values[1] < 20 < 130 < values[18]
    assert min(values[20:30]) < 20  # the second recording starts dark again


def test_movie_cut_off_between_two_packets(tmp_path, write_movie):
    options = {"movflags": "faststart"}  # the index comes first, and stays
    whole = write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p", muxer_options=options)
    with av.open(str(whole)) as container:
        ends = sorted(packet.pos + packet.size for packet in container.demux(video=0) if packet.size)
    assert len(ends) == 20
    for count, end in enumerate(ends[:-1], start=1):
        cut = tmp_path / f"{count}.mp4"
        cut.write_bytes(whole.read_bytes()[:end])
        with pytest.raises(UsageError, match=rf"{count}\.mp4 is cut off after about {count} frames"):
            index_movie(cut)
    whole.write_bytes(whole.read_bytes()[: ends[-1]])
    assert len(index_movie(whole).stamps) == 20


def test_frames_that_are_stored_as_nothing_are_not_missing(tmp_path, write_movie):
    content = write_movie(tmp_path / "a.avi", codec="mpeg4", pixels="yuv420p").read_bytes()
    with av.open(str(tmp_path / "a.avi")) as container:
        sizes = [packet.size for packet in container.demux(video=0) if packet.size]
    head, index = content[: content.rindex(b"idx1")], content[content.rindex(b"idx1") :]
    assert len(sizes) == 20
    empty = b"00dc" + bytes(12)  # a frame that repeats the one before, as a recorder writes that was too slow
    (tmp_path / "b.avi").write_bytes(head + b"idx1" + (len(index) - 8 + 16).to_bytes(4, "little") + index[8:] + empty)
    assert len(index_movie(tmp_path / "b.avi").stamps) == 20
