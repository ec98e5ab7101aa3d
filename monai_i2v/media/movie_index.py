# SPDX-License-Identifier: Apache-2.0
"""Which frames a movie file holds, in the order in which they are shown."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from monai_i2v.errors import UsageError
from monai_i2v.media.whole_file import is_whole

__all__ = ["MOVIE_ERRORS", "MovieIndex", "decode_frames", "index_movie", "open_movie_file"]

MOVIE_ERRORS = (av.FFmpegError, ValueError, MemoryError)  # what PyAV raises for damaged files
UNKNOWN = -(2**63)  # as FFmpeg marks a missing time stamp
PROBE_FRAMES = 12  # decoded to see whether one packet is one frame
ALLOWANCE = 0.1  # share of the frames, or of the duration, by which headers are wrong
ROUNDING = 1.0  # ticks by which the time stamps of evenly spaced frames may be off
RATE_TOLERANCE = 1e-3  # share by which a frame rate is rounded
UNINDEXED_CONTAINERS = {"mpeg", "mpegvideo", "mpegts"}  # these seek to a byte, not to a frame
CHUNK_HEAD = 8  # bytes that each frame of an AVI has, if only to say that it is empty
UNSHOWN_FRAME_CODECS = {"vp8"}  # some of their packets are never shown


@dataclass(frozen=True)
class MovieIndex:
    """Time stamps of all frames.

    Args:
        stamps: one per frame, rising; in ticks of the stream, or 0, 1, 2 ... when there are no usable ones.
        keyframes: time stamps at which decoding can start; empty when it must start at the beginning.
        is_timed: whether `stamps` are the presentation time stamps of the decoded frames.
        times: seconds of each frame where the file tells them and its frame rate does not; () else.
        pictures: for each frame the time stamp of the picture that it shows, which may be an earlier one; () when each
            has its own.
        positions: byte at which to read for each of the key frames, in files that are searched by bytes; () in others.

    Example::

        >>> from monai_i2v.media.movie_index import MovieIndex
        >>> MovieIndex((0, 40, 80, 120), keyframes=(0, 80)).keyframes_until(120)
        (80, 0)
    """

    stamps: tuple[int, ...]
    keyframes: tuple[int, ...] = ()
    is_timed: bool = True
    times: tuple[float, ...] = ()
    pictures: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()

    @cached_property
    def stored(self) -> tuple[int, ...]:
        """Time stamps of all pictures, rising."""
        return tuple(sorted(set(self.pictures))) or self.stamps

    def picture_of(self, index: int) -> int:
        """Time stamp of the picture that a frame shows."""
        return self.pictures[index] if self.pictures else self.stamps[index]

    def keyframes_until(self, stamp: int) -> tuple[int, ...]:
        """Key frames at or before a time stamp, the nearest first."""
        return self.keyframes[: bisect_right(self.keyframes, stamp)][::-1]

    def position_of(self, keyframe: int) -> int | None:
        """Byte at which to read for a key frame, None where its time stamp finds it."""
        return self.positions[bisect_left(self.keyframes, keyframe)] if self.positions else None

    def count_between(self, start: float, stop: float) -> int:
        """Number of pictures in [start, stop)."""
        return bisect_left(self.stored, stop) - bisect_left(self.stored, start)


def index_movie(path: Path, content: bytes | None = None) -> MovieIndex:
    """Index a movie from its packets, without decoding where time stamps allow it.

    Args:
        path: file name, also for messages.
        content: the file's bytes when they are in memory.

    Raises:
        UsageError: When the file is not a movie, has no frames, or is cut off.
    """
    with open_movie_file(path, content) as (container, stream):
        index = _index_packets(path, container, stream, is_whole(path, content))
    if index is None or not _matches_decoder(index, path, content):
        with open_movie_file(path, content) as (container, stream):
            stamps = [frame.pts for frame in decode_frames(container, stream)]
            index = MovieIndex(tuple(range(len(stamps))), is_timed=False, times=_times_unlike_rate(stamps, stream))
    if not index.stamps:
        raise UsageError(f"{path} holds no video frames; expected at least one; record or export it again.")
    return index


@contextmanager
def open_movie_file(path: Path, content: bytes | None = None) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open a movie and choose its video stream.

    Raises:
        UsageError: When the file cannot be opened, or has no video stream that can be decoded.
    """
    try:
        # An absolute path: FFmpeg takes what stands before a colon for a protocol.
        container = av.open(str(path.absolute()) if content is None else BytesIO(content))
    except MOVIE_ERRORS as error:
        raise _not_a_movie(path) from error
    with container:
        stream = container.streams.best("video")
        if stream is None:
            raise UsageError(
                f"{path} has no video stream; it holds only other data such as sound, or is cut off; "
                "choose another file, or copy it again."
            )
        if stream.codec_context is None:
            raise UsageError(
                f"{path} has a video stream of an unknown kind; it is damaged, or needs a decoder that is not there; "
                "copy or export it again, for example as MP4."
            )
        yield container, stream


def _not_a_movie(path: Path) -> UsageError:
    return UsageError(
        f"{path} cannot be opened as a movie; it is damaged, cut off, or not what its name says; copy or export it "
        "again, for example as MP4."
    )


def decode_frames(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode from the current position on, in the order of presentation, without what cannot be decoded."""
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, *MOVIE_ERRORS):
            return
        try:
            yield from packet.decode()
        except MOVIE_ERRORS:
            continue


class _Packet(NamedTuple):
    size: int
    shown_at: int
    decoded_at: int
    duration: int
    position: int | None
    is_keyframe: bool
    is_discard: bool
    is_corrupt: bool


def _index_packets(path: Path, container: InputContainer, stream: VideoStream, whole: bool | None) -> MovieIndex | None:
    announced = sum(entry.size > 0 for entry in stream.index_entries)  # before reading, which adds to them
    try:
        packets = [_facts(packet) for packet in container.demux(stream) if packet.size]
    except MOVIE_ERRORS as error:
        raise _not_a_movie(path) from error
    is_cut_between = len(packets) < announced  # between two packets, behind an index that came first
    ends_early = is_cut_between or (not whole and _ends_early(packets, container, stream, whole))
    if packets and (packets[-1].is_corrupt or ends_early):
        raise UsageError(
            f"{path} is cut off after about {len(packets)} frames; expected a complete file; "
            "copy it again, or keep the readable part with 'ffmpeg -i OLD -c copy NEW'."
        )
    keyframes = _find_keyframes(packets, by_byte=container.format.name in UNINDEXED_CONTAINERS)
    shown = [packet.shown_at for packet in packets if not packet.is_discard]
    clock = [packet.decoded_at for packet in packets if packet.decoded_at != UNKNOWN]
    is_restarted = any(now < before for before, now in pairwise(clock))  # recordings that were joined
    is_untimed = UNKNOWN in shown or is_restarted or stream.codec.name in UNSHOWN_FRAME_CODECS
    if is_untimed or not keyframes:
        return None
    kept = [packet for packet in packets if not packet.is_discard and packet.shown_at >= min(keyframes)]
    stored = sorted({packet.shown_at for packet in kept})  # earlier ones cannot be decoded
    stamps, pictures = _with_repeats(stored, kept, container, stream.frames if whole else 0)
    return MovieIndex(
        tuple(stamps),
        tuple(sorted(keyframes)),
        times=_times_unlike_rate(stamps, stream),
        pictures=tuple(pictures),
        positions=tuple(keyframes[stamp] or 0 for stamp in sorted(keyframes)) if any(keyframes.values()) else (),
    )


def _find_keyframes(packets: Sequence[_Packet], *, by_byte: bool) -> dict[int, int | None]:
    """Time stamps of key frames; with the byte at which to read for them, or None where the time stamp finds them."""
    keyframes, position = {}, 0
    for packet in packets:
        position = position if packet.position is None else packet.position  # several frames may share a place
        if packet.is_keyframe:
            keyframes[packet.shown_at] = position if by_byte else None
    return keyframes


def _with_repeats(
    stored: Sequence[int], packets: Sequence[_Packet], container: InputContainer, noted: int
) -> tuple[Sequence[int], Sequence[int]]:
    """Time stamps of all frames and of their pictures: the empty frames of an AVI, left out so far, repeat the last."""
    if container.format.name != "avi" or len(stored) < len(packets):
        return stored, ()
    has_order = all(before.shown_at < after.shown_at for before, after in pairwise(packets))
    # Without reordering a frame is shown where it stands; FFmpeg does not know, and may show it one frame later.
    clock = [packet.decoded_at for packet in packets] if has_order else stored
    length = max(clock[-1] - clock[0] + 1, noted)
    if not len(stored) < length <= container.size // CHUNK_HEAD:
        return stored, ()
    stamps = range(clock[0], clock[0] + length)
    return stamps, [stored[bisect_right(clock, stamp) - 1] for stamp in stamps]


def _times_unlike_rate(stamps: Sequence[int | None], stream: VideoStream) -> tuple[float, ...]:
    """Seconds of time stamps that rise, and that the frame rate of the stream does not tell; () for others."""
    known = [stamp for stamp in stamps if stamp is not None]
    if stream.time_base is None or len(known) < max(len(stamps), 2) or any(a >= b for a, b in pairwise(known)):
        return ()
    step = (known[-1] - known[0]) / (len(known) - 1)  # ticks
    said = 0 if not stream.average_rate else 1 / (stream.average_rate * stream.time_base)
    is_even = all(abs(known[0] + index * step - stamp) <= ROUNDING for index, stamp in enumerate(known))
    if is_even and abs(step - said) <= max(2 * ROUNDING / (len(known) - 1), RATE_TOLERANCE * step):
        return ()
    return tuple(float((stamp - known[0]) * stream.time_base) for stamp in known)


def _facts(packet: av.Packet) -> _Packet:
    return _Packet(
        size=packet.size,
        shown_at=UNKNOWN if packet.pts is None else packet.pts,
        decoded_at=UNKNOWN if packet.dts is None else packet.dts,
        duration=packet.duration or 0,
        position=packet.pos,
        is_keyframe=packet.is_keyframe,
        is_discard=packet.is_discard,
        is_corrupt=packet.is_corrupt,
    )


def _ends_early(packets: Sequence[_Packet], container: InputContainer, stream: VideoStream, whole: bool | None) -> bool:
    """Whether frames are missing at the end of a file, by what its headers tell."""
    stamps = sorted({packet.shown_at for packet in packets} - {UNKNOWN})
    if container.format.name == "avi":  # its clock counts frames, those too that are stored as nothing
        read = max(len(packets), stamps[-1] - stamps[0] + 1 if stamps else 0)
        return read < (1 - ALLOWANCE) * stream.frames
    duration = _noted_duration(stream)
    if duration is None or not stamps:
        return whole is False
    last_step = max(packets[-1].duration, *(after - before for before, after in pairwise(stamps)), 0)
    missing = duration - stamps[-1] - 1.5 * last_step
    return missing > (0 if whole is False else ALLOWANCE * duration)


def _noted_duration(stream: VideoStream) -> float | None:
    """Duration, like 00:01:02.345, that Matroska files note per stream; in ticks."""
    clock = re.fullmatch(r"(\d+):(\d+):([\d.]+)", stream.metadata.get("DURATION", ""))
    if clock is None or stream.time_base is None:
        return None
    hours, minutes, seconds = map(float, clock.groups())
    return (3600 * hours + 60 * minutes + seconds) / float(stream.time_base)


def _matches_decoder(index: MovieIndex, path: Path, content: bytes | None) -> bool:
    """Whether packets and decoded frames map one to one; the fields of an interlaced film do not."""
    with open_movie_file(path, content) as (container, stream):
        probe = islice(decode_frames(container, stream), PROBE_FRAMES)
        decoded = [UNKNOWN if frame.pts is None else frame.pts for frame in probe]
    if not decoded:
        return True
    if not set(decoded) <= set(index.stored):
        return False
    return index.count_between(min(decoded), max(decoded)) < 1.5 * len(decoded)
