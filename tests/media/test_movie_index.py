# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import av
import numpy as np
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


@pytest.mark.parametrize("length", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("rate", [1, 2, 5])
@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "libx264"), ("webm", "libvpx-vp9"), ("mp4", "libx264")])
def test_short_slow_movies_are_whole(tmp_path, length, rate, suffix, codec):
    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for index in range(length):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 20 * index, np.uint8), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    movie = Movie(path)
    assert movie.info.frame_time == pytest.approx(1 / rate)
    values = [int(movie.read(index)[20, 20, 1]) for index in range(len(movie))]
    assert np.allclose(values, [20 * index for index in range(length)], atol=4)
    assert len(values) == length


def test_a_matroska_file_that_lacks_its_last_frame_is_refused(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mkv")
    with av.open(str(path)) as container:
        starts = [packet.pos for packet in container.demux(video=0) if packet.size]
    content = path.read_bytes()
    path.write_bytes(content[: starts[-1]])
    with pytest.raises(UsageError, match="is cut off after about 19 frames"):
        index_movie(path)
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))  # a reserved place
    with pytest.raises(UsageError, match=r"is cut off after about \d+ frames"):
        index_movie(path)


@pytest.mark.parametrize(
    ("codec", "pixels", "options"),
    [
        ("ffv1", "bgr0", {}),
        ("mjpeg", "yuvj420p", {"qmax": "2"}),
        ("mpeg4", "yuv420p", {"qmax": "2"}),
        ("libx264", "yuv420p", {"crf": "4", "bf": "0"}),
    ],
)
def test_empty_frames_of_an_avi_repeat_the_one_before(tmp_path, write_movie, codec, pixels, options):
    times = [0, 1, 2, 3, 7, 8, 9, 20, 21, 22, 23, 30]  # the muxer writes empty frames between them
    frames = [np.full((32, 48, 3), 20 * index, np.uint8) for index in range(12)]
    path = tmp_path / "a.avi"
    write_movie(path, frames, codec=codec, pixels=pixels, codec_options=options, times=times)
    expected = [20 * max(i for i in range(12) if times[i] <= time) for time in range(31)]
    movie = Movie(path)
    assert len(movie) == 31
    assert movie.info.frame_time == 0.04
    assert movie.info.time_of(30) == pytest.approx(1.2)
    values = [int(movie.read(index)[20, 20, 1]) for index in range(31)]
    assert np.allclose(values, expected, atol=4)
    backward = [int(movie.read(index)[20, 20, 1]) for index in range(30, -1, -1)]
    assert backward == values[::-1]
    with av.open(str(path)) as container:
        end = [packet.pos for packet in container.demux(video=0) if packet.size][8]
    path.write_bytes(path.read_bytes()[:end])
    with pytest.raises(UsageError, match="is cut off after about 8 frames"):
        index_movie(path)


def test_a_movie_whose_first_time_stamp_is_negative(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p", codec_options={"crf": "4", "bf": "2"})
    options = {"avoid_negative_ts": "disabled", "use_editlist": "0"}
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mov"), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - 5120, packet.dts - 5120, stream
                target.mux(packet)
    movie = Movie(tmp_path / "b.mov")
    values = [int(movie.read(index)[20, 20, 1]) for index in range(len(movie))]
    assert np.allclose(values, [8 * index for index in range(20)], atol=3)
    assert [int(movie.read(index)[20, 20, 1]) for index in (19, 0, 4)] == [values[19], values[0], values[4]]
