# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import gc
import os
import pickle
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
import pytest
from PIL import Image
from written_media import gray_frames

from monai_i2v.errors import UsageError
from monai_i2v.media import movie as movie_module
from monai_i2v.media import movie_index
from monai_i2v.media.movie import Movie
from monai_i2v.media.recent_frames import RecentFrames
from monai_i2v.media.video import FrameError


def gray_values(movie, indices=None):
    """Gray value in the middle of each frame; None where it cannot be decoded."""
    values = []
    for index in range(len(movie)) if indices is None else indices:
        try:
            values.append(int(movie.read(index)[20, 20, 1]))
        except FrameError:
            values.append(None)
    return values


def packets(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [(packet.pts, packet.pos, packet.size) for packet in container.demux(stream) if packet.size]


def damage(path, number):
    """Overwrite one packet with zeros."""
    content = bytearray(path.read_bytes())
    _, start, size = packets(path)[number]
    content[start : start + size] = bytes(size)
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["a.mkv", "a.avi"])
def test_lossless_frames_have_their_gray_values_size_and_time(tmp_path, write_movie, name):
    with Movie(write_movie(tmp_path / name)) as movie:
        assert (movie.info.kind, movie.info.length) == ("movie", 20)
        assert (movie.info.height, movie.info.width, movie.info.frame_time) == (32, 48, 0.04)
        assert gray_values(movie) == [8 * i for i in range(20)]
        assert movie.read(3).dtype == np.uint8
        assert (movie.read(3)[:8, :8] == 255).all()  # the white square is at the top left ...
        assert (movie.read(3)[8:] == 24).all()  # ... and nowhere else
        assert (movie.read(3)[:, 8:] == 24).all()
        assert movie[3][0, 20, 20] == pytest.approx(24 / 255)


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "options"),
    [
        ("a.mp4", "libx264", "yuv420p", {"crf": "4"}),
        ("a.mov", "libx264", "yuv420p", {"crf": "4", "x264-params": "open-gop=1:bframes=3"}),
        ("refresh.mp4", "libx264", "yuv420p", {"crf": "4", "x264-params": "intra-refresh=1:keyint=5"}),
        ("a.webm", "libvpx-vp9", "yuv420p", {"crf": "4", "b": "0"}),
        ("old.webm", "libvpx", "yuv420p", {"crf": "4", "b": "1M", "auto-alt-ref": "1"}),
        ("a.avi", "mpeg4", "yuv420p", {"bf": "2", "qmax": "2"}),
        ("a.wmv", "wmv2", "yuv420p", {"qmax": "2"}),
        ("a.mpg", "mpeg2video", "yuv420p", {"bf": "2", "qmax": "2"}),
        ("a.mkv", "mjpeg", "yuvj420p", {"qmax": "2"}),
        ("a.ts", "libx264", "yuv420p", {"crf": "4", "x264-params": "open-gop=1:bframes=3"}),
        ("a.m2ts", "libx264", "yuv420p", {"crf": "4"}),
        ("a.mts", "mpeg2video", "yuv420p", {"bf": "2", "qmax": "2"}),
        ("a.vob", "mpeg2video", "yuv420p", {"bf": "2", "qmax": "2"}),
        ("a.gif", "gif", "gray", {}),
    ],
)
def test_random_access_equals_sequential(tmp_path, write_movie, name, codec, pixels, options):
    movie = Movie(write_movie(tmp_path / name, codec=codec, pixels=pixels, codec_options=options))
    frames = [movie.read(index) for index in range(len(movie))]
    assert np.allclose(gray_values(movie), [8 * i for i in range(20)], atol=3)
    order = 3 * list(range(20))
    random.Random(0).shuffle(order)
    assert all(np.array_equal(movie.read(index), frames[index]) for index in order)


def test_sequential_reading_never_seeks(tmp_path, write_movie, monkeypatch):
    movie = Movie(write_movie(tmp_path / "a.mkv", codec="mjpeg", pixels="yuvj420p"))
    monkeypatch.setattr(movie._decoder, "_seek", lambda stamp: pytest.fail("seek"))
    assert None not in gray_values(movie)
    assert None not in gray_values(movie, [19, 19])


def test_frames_of_variable_rate_are_counted_not_timed(tmp_path, write_movie):
    movie = Movie(write_movie(tmp_path / "a.mkv", times=[i * i for i in range(20)]))
    assert gray_values(movie) == [8 * i for i in range(20)]
    assert gray_values(movie, [19, 2, 11]) == [152, 16, 88]


@pytest.mark.parametrize(("rotation", "corner"), [(90, (-1, 0)), (-90, (0, -1)), (180, (-1, -1))])
def test_rotated_movie_is_shown_upright(tmp_path, write_movie, rotation, corner):
    path = write_movie(tmp_path / "a.mp4", codec="libx264rgb", pixels="rgb24", rotation=rotation)
    movie = Movie(path)
    frame = movie.read(2)
    expected = (48, 32) if abs(rotation) == 90 else (32, 48)  # counterclockwise, so the top left corner moves
    assert (movie.info.height, movie.info.width) == expected == frame.shape[:2]
    assert (frame[corner] > 250).all()
    assert (frame[16, 16] < 20).all()


def test_damaged_frame_is_reported_and_later_ones_are_read(tmp_path, write_movie):
    noise = np.random.default_rng(0).integers(0, 60, (10, 64, 96, 3)).astype(np.uint8)
    path = write_movie(tmp_path / "a.avi", list(noise), codec="mjpeg", pixels="yuvj420p")
    whole = [Movie(path).read(index) for index in range(10)]
    damage(path, 4)
    movie = Movie(path)
    assert len(movie) == 10
    assert [index for index, value in enumerate(gray_values(movie)) if value is None] == [4]
    assert np.array_equal(movie.read(5), whole[5])
    assert np.array_equal(movie.read(3), whole[3])
    with pytest.raises(FrameError, match=r"frame 4 of .*a\.avi cannot be decoded; expected undamaged data; copy"):
        movie.read(4)


def test_damaged_first_frame_keeps_the_numbers_of_the_others(tmp_path, write_movie):
    noise = np.random.default_rng(0).integers(0, 60, (6, 64, 96, 3)).astype(np.uint8)
    path = write_movie(tmp_path / "a.avi", list(noise), codec="mjpeg", pixels="yuvj420p")
    whole = Movie(path).read(5)
    damage(path, 0)
    movie = Movie(path)
    assert [value is None for value in gray_values(movie)] == [True] + 5 * [False]
    assert np.array_equal(movie.read(5), whole)


def test_movie_in_memory_equals_movie_on_disk(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mkv")
    assert gray_values(Movie(path, path.read_bytes()), [7, 0]) == [56, 0]


def test_reading_does_not_hold_the_movie(tmp_path, write_movie):
    movie = Movie(write_movie(tmp_path / "a.mkv"))
    for index in range(20):
        movie.read(index)
    kept = [value for value in vars(movie._decoder).values() if isinstance(value, av.VideoFrame | np.ndarray)]
    assert len(kept) == 1  # the latest frame, for reading it again


@pytest.mark.parametrize("content", [b"", b"no movie at all" * 50])
def test_file_that_is_no_movie(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"a\.mp4 cannot be opened as a movie; it is damaged, cut off, or not"):
        Movie(path)


def test_truncated_mp4(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p")
    path.write_bytes(path.read_bytes()[:1000])  # without its index, which is at the end
    with pytest.raises(UsageError, match="cannot be opened as a movie"):
        Movie(path)


@pytest.mark.parametrize(
    ("name", "muxer_options"), [("a.mp4", {"movflags": "faststart"}), ("a.avi", {}), ("a.mkv", {})]
)
def test_cut_off_movie(tmp_path, write_movie, name, muxer_options):
    noise = np.random.default_rng(0).integers(0, 255, (20, 32, 48, 3)).astype(np.uint8)
    codec = {"codec": "libx264", "pixels": "yuv420p"} if name == "a.mp4" else {}
    path = write_movie(tmp_path / name, list(noise), muxer_options=muxer_options, **codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UsageError, match=r"is cut off after about \d+ frames; expected a complete file; copy"):
        Movie(path)


def test_movie_without_pictures(tmp_path):
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(UsageError, match=r"sound\.mp4 has no video stream; it holds only other data"):
        Movie(tmp_path / "sound.mp4")


def test_movie_without_frames(tmp_path):
    with av.open(str(tmp_path / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p"
        container.start_encoding()
    with pytest.raises(UsageError, match=r"a\.avi (holds no video frames; expected at least one|cannot be opened)"):
        Movie(tmp_path / "a.avi")


def test_trimmed_movie_starts_where_a_player_starts(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p", codec_options={"crf": "4"})
    options = {"avoid_negative_ts": "disabled", "use_editlist": "1"}
    with av.open(str(path)) as source, av.open(str(tmp_path / "b.mp4"), "w", options=options) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.pts, packet.dts, packet.stream = packet.pts - 7 * 512, packet.dts - 7 * 512, stream
                target.mux(packet)
    movie = Movie(tmp_path / "b.mp4")
    assert len(movie) == 13
    assert np.allclose(gray_values(movie, [12, 0, 1]), [152, 56, 64], atol=3)


def test_movie_with_damaged_frames_only(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.avi", codec="mjpeg", pixels="yuvj420p")
    for number in range(20):
        damage(path, number)
    with pytest.raises(UsageError, match=r"a\.avi (holds no frame that can be decoded|cannot be opened)"):
        Movie(path)


def test_frame_of_another_size_is_reported(tmp_path, write_movie):
    small = write_movie(tmp_path / "a.avi", codec="mjpeg", pixels="yuvj420p")
    other = [np.zeros((64, 96, 3), np.uint8)]
    large = write_movie(tmp_path / "b.avi", other, codec="mjpeg", pixels="yuvj420p")
    with av.open(str(tmp_path / "c.mkv"), "w") as target, av.open(str(small)) as a, av.open(str(large)) as b:
        stream = target.add_stream_from_template(a.streams.video[0])
        parts = [packet for part in (a, b) for packet in part.demux(part.streams.video[0]) if packet.size]
        for index, packet in enumerate(parts):
            packet.pts = packet.dts = index
            packet.stream = stream
            target.mux(packet)
    movie = Movie(tmp_path / "c.mkv")
    assert gray_values(movie)[:20].count(None) == 0
    with pytest.raises(FrameError, match=r"frame 20 of .*c\.mkv is 96 x 64 \(width x height\); expected 48 x 32"):
        movie.read(20)


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_the_threads_of_a_forgotten_movie(tmp_path, write_movie):
    movie = Movie(write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p"))
    movie.read(3), movie.read(5)
    movie.cycle = movie  # so that only the garbage collector frees it
    del movie
    child = os.fork()
    if child == 0:
        gc.collect()
        os._exit(0)
    deadline = time.monotonic() + 20
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the child still waits")
        time.sleep(0.01)


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.mov"])
def test_a_pause_between_frames_is_kept(tmp_path, write_movie, name):
    times = [0, 1, 2, 52, 53]  # of a 25th of a second: a pause of 2 s after frame 2
    codec = {"codec": "libx264", "pixels": "yuv420p"}
    info = Movie(write_movie(tmp_path / name, gray_frames(5), times=times, **codec)).info
    assert info.frame_times == pytest.approx([0, 0.04, 0.08, 2.08, 2.12])
    assert info.frame_time == pytest.approx(2.12 / 4)


def test_evenly_spaced_frames_have_one_frame_time(tmp_path, write_movie):
    info = Movie(write_movie(tmp_path / "a.mkv", gray_frames(9))).info  # its time stamps are rounded to 1 ms
    assert (info.frame_times, info.frame_time) == ((), 0.04)


def test_time_stamps_count_where_the_frame_rate_says_something_else(tmp_path, write_movie):
    info = Movie(write_movie(tmp_path / "a.mkv", gray_frames(5), times=range(0, 250, 50))).info
    assert info.frame_times == pytest.approx([0, 2, 4, 6, 8])


@pytest.mark.parametrize(("memory", "passes"), [(1 << 30, 1), (14 * 48 * 32 * 4, 5)])
def test_reading_backward_decodes_a_group_of_pictures_a_few_times(tmp_path, write_movie, monkeypatch, memory, passes):
    frames = [np.full((32, 48, 3), 3 * index, np.uint8) for index in range(70)]
    path = write_movie(tmp_path / "a.mkv", frames, codec_options={"g": "70"})
    monkeypatch.setattr(
        movie_module, "RecentFrames", lambda: recent.append(RecentFrames(memory, min_frames=2)) or recent[-1]
    )
    decoded, recent, decode = [], [], movie_index.decode_frames
    monkeypatch.setattr(movie_module, "decode_frames", lambda *args: (decoded.append(1) or f for f in decode(*args)))
    movie = Movie(path)
    assert gray_values(movie) == [3 * index for index in range(70)]
    assert (len(decoded), recent) == (70, [])  # reading forward keeps nothing
    decoded.clear()
    assert gray_values(movie, range(69, -1, -1)) == [3 * index for index in range(69, -1, -1)]
    assert len(decoded) <= 70 * (passes + 1) / 2
    assert len(recent[0]) <= max(memory // (48 * 32 * 4), 2)
    movie.close()
    assert movie._decoder._recent is None


def test_jumps_within_a_group_of_pictures_decode_it_once(tmp_path, write_movie, monkeypatch):
    frames = [np.full((32, 48, 3), 3 * index, np.uint8) for index in range(70)]
    movie = Movie(write_movie(tmp_path / "a.mkv", frames, codec_options={"g": "70"}))
    movie.read(69)
    decoded, decode = [], movie_index.decode_frames
    monkeypatch.setattr(movie_module, "decode_frames", lambda *args: (decoded.append(1) or f for f in decode(*args)))
    order = 3 * list(range(70))
    random.Random(0).shuffle(order)
    assert gray_values(movie, order) == [3 * index for index in order]
    assert len(decoded) <= 2 * 70  # once on the way to the highest frame, and what a first jump back decodes


@pytest.mark.parametrize("name", ["a.ts", "a.m2ts", "a.vob", "a.mpg"])
def test_films_without_an_index_are_searched_by_bytes(tmp_path, write_movie, monkeypatch, name):
    noise = np.random.default_rng(0).integers(0, 255, (40, 64, 96, 3)).astype(np.uint8)
    path = write_movie(tmp_path / name, list(noise), codec="mpeg2video", pixels="yuv420p", codec_options={"b": "4M"})
    forward = [frame.copy() for frame in map(Movie(path).read, range(40))]
    movie = Movie(path)
    movie.read(39)
    monkeypatch.setattr(movie._decoder, "_open", lambda: pytest.fail("decoded from the start"))
    assert all(np.array_equal(movie.read(index), forward[index]) for index in (38, 20, 3, 30, 7))


def test_a_pickled_movie_is_its_path_and_index(tmp_path, write_movie):
    path = write_movie(tmp_path / "a.mp4", codec="libx264", pixels="yuv420p", codec_options={"crf": "4"})
    movie = Movie(path)
    frame = movie.read(7)
    packed = pickle.dumps(movie)
    assert len(packed) < 2000
    again = pickle.loads(packed)
    assert again.info == movie.info
    assert np.array_equal(again.read(7), frame)
    film = pickle.loads(pickle.dumps(Movie(path, path.read_bytes())))
    assert np.array_equal(film.read(7), frame)


def test_threads_read_one_movie(tmp_path, write_movie):
    movie = Movie(write_movie(tmp_path / "a.mkv"))
    order = 10 * list(range(20))
    random.Random(0).shuffle(order)
    with ThreadPoolExecutor(4) as pool:
        values = list(pool.map(lambda index: int(movie.read(index)[20, 20, 1]), order))
    assert values == [8 * index for index in order]


def test_an_animated_gif_has_its_gray_values_and_times(tmp_path):
    pictures = [Image.fromarray(np.full((32, 48), 8 * index, np.uint8)) for index in range(12)]
    durations = [100] * 5 + [500] + [100] * 6  # ms
    pictures[0].save(tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=durations)
    movie = Movie(tmp_path / "a.gif")
    assert gray_values(movie) == [8 * index for index in range(12)]
    assert gray_values(movie, [11, 0, 5]) == [88, 0, 40]
    assert movie.info.time_of(5) == pytest.approx(0.5)
    assert movie.info.time_of(6) == pytest.approx(1.0)
    content = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "a.gif").write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(UsageError, match=r"a\.gif (is cut off after about \d+ frames|cannot be opened)"):
        Movie(tmp_path / "a.gif")
