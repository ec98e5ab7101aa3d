# SPDX-License-Identifier: Apache-2.0
"""Movies that are whole, but unusual."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.container import OutputContainer
from av.stream import Disposition
from av.video.stream import VideoStream
from fault import Fault, with_mask
from media import draw_frames, movie


def movies() -> Iterator[Fault]:
    """Codecs, pixel formats, clocks."""

    def encoded(
        name: str = "video.mp4", frames: np.ndarray | None = None, size: tuple[int, int] = (32, 48), **how: Any
    ):
        frames = draw_frames(size=size) if frames is None else frames
        return lambda folder: with_mask(folder, movie(folder / name, frames, **how), frames.shape[1:])

    yield Fault("Movies", "no frames", lambda folder: {"video": movie(folder / "video.mp4", draw_frames()[:0])})
    yield Fault("Movies", "one frame", encoded(frames=draw_frames(1)))
    yield Fault("Movies", "2 x 2 px", encoded(frames=draw_frames(3, (2, 2))))
    yield Fault("Movies", "1 x 1 px", encoded("video.avi", frames=draw_frames(3, (1, 1)), codec="ffv1", pixels="bgr0"))
    yield Fault("Movies", "8192 px wide", encoded(frames=draw_frames(2, (16, 8192))))
    yield Fault("Movies", "odd sides", encoded(size=(31, 47), pixels="yuv444p"))
    times = [0, 1, 2, 7, 8, 30, 31, 32, 33, 100, 101, 250]
    yield Fault("Movies", "variable frame rate", encoded(times=times))
    yield Fault("Movies", "starts late", encoded(times=range(500, 512)))
    for codec, pixels in [
        ("libx264", "yuv444p10le"),
        ("libx264", "gray10le"),
        ("ffv1", "gray16le"),
        ("ffv1", "gray"),
        ("ffv1", "rgba64le"),
        ("qtrle", "argb"),
        ("rawvideo", "rgba"),
        ("mjpeg", "yuvj422p"),
        ("libvpx-vp9", "yuva420p"),
    ]:
        name = "video.mov" if codec == "qtrle" else "video.mkv"
        yield Fault("Movies", f"{codec}, {pixels}", encoded(name, codec=codec, pixels=pixels))
    yield Fault("Movies", "B-frames", encoded(options={"bf": "3"}))
    yield Fault("Movies", "open groups of pictures", encoded(options={"bf": "2", "x264-params": "open-gop=1:keyint=5"}))
    yield Fault("Movies", "one key frame only", encoded(options={"x264-params": "keyint=999"}))
    yield Fault("Movies", "interlaced", encoded(options={"flags": "+ildct+ilme", "x264-params": "interlaced=1"}))
    yield Fault("Movies", "MPEG-2 stream", encoded("video.mpg", codec="mpeg2video"))
    yield Fault("Movies", "fragmented MP4", encoded(muxing={"movflags": "frag_keyframe+empty_moov"}))
    for degrees in (90, 180, 270):
        frames, turned = draw_frames(), (48, 32) if degrees != 180 else (32, 48)

        def turn(folder: Path, frames=frames, turned=turned, degrees=degrees):
            path = movie(folder / "video.mp4", frames, change=lambda stream: stream.set_display_rotation(degrees))
            return with_mask(folder, path, turned)

        yield Fault("Movies", f"turned by {degrees} degrees", turn)
    yield Fault(
        "Movies", "turned, with a mask that is not", lambda folder: with_mask(folder, turn(folder)["video"], (32, 48))
    )
    yield Fault("Movies", "sound only", lambda folder: {"video": sound(folder / "video.mp4")})
    yield Fault(
        "Movies",
        "sound with a cover picture",
        lambda folder: with_mask(folder, sound(folder / "video.mp4", cover=(32, 48)), (32, 48)),
    )
    yield Fault(
        "Movies",
        "a movie with sound and a cover picture that is larger",
        lambda folder: with_mask(folder, sound(folder / "video.mp4", cover=(320, 480), length=5), (32, 48)),
    )
    yield Fault("Movies", "size changes in the middle", size_change)


def sound(path: Path, *, cover: tuple[int, int] | None = None, length: int = 0) -> Path:
    """A second of silence, with a cover picture of a size (height, width), and a movie of a length."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        attached = add_pictures(container, "mjpeg", cover) if cover else None
        if attached is not None:
            attached.disposition = Disposition.attached_pic
        shown = add_pictures(container, "libx264", (32, 48)) if length else None
        for index in range(8):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = 8000, 1024 * index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        for pictures, count in ((attached, 1), (shown, length)):
            if pictures is not None:
                write_pictures(container, pictures, count)
    return path


def add_pictures(container: OutputContainer, codec: str, size: tuple[int, int]) -> VideoStream:
    stream = container.add_stream(codec, rate=25)
    stream.height, stream.width = size
    stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return stream


def write_pictures(container: OutputContainer, stream: VideoStream, count: int) -> None:
    for index in range(count):
        frame = av.VideoFrame.from_ndarray(np.zeros((stream.height, stream.width, 3), np.uint8), "rgb24")
        frame.pts = index
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def size_change(folder: Path):
    """Two streams of MPEG-2, of different sizes, one after the other."""
    parts = [
        movie(folder / f"{side}.mpg", draw_frames(6, (side, 48)), codec="mpeg2video").read_bytes() for side in (32, 64)
    ]
    (folder / "video.mpg").write_bytes(b"".join(parts))
    return with_mask(folder, folder / "video.mpg", (32, 48))
