# SPDX-License-Identifier: Apache-2.0
"""One measure of the objects over time, as a picture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from monai_i2v.files.complete_file import complete_file
from monai_i2v.masks.palette import label_colors
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.measurements import REFERENCE_NOTE, Measurement, Measurements

__all__ = ["draw_over_time", "picture_file"]

SIZE, DPI = (8.0, 3.6), 150  # inches, px per inch
INK, DOUBT_COLOR = "#333333", "#d55e00"
MAX_NAMED = 14  # objects in the legend, so that it is no higher than the picture
DASHES = ("-", "--", "-.", ":")  # a second cue besides color
MARKERS = ("^", "v")
DARKER = 0.65  # gives every object's color a contrast of 3 to a white page, as WCAG 2.1 asks of graphics


@contextmanager
def picture_file(path: str | Path) -> Iterator[Axes]:
    """Save as PNG what is drawn on the axes.

    Args:
        path: file to write.

    Raises:
        UsageError: When the file cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.report.time_curve import picture_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with picture_file(Path(folder, "line.png")) as axes:
        ...         _ = axes.plot([0, 1])
        ...     Path(folder, "line.png").exists()
        True
    """
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    yield figure.subplots()
    with complete_file(path) as partial:
        canvas.print_png(str(partial))


def draw_over_time(
    axes: Axes,
    measurements: Measurements,
    column: str,
    y_label: str,
    *,
    labels: Sequence[int] | None = None,
    marks: Mapping[str, Sequence[Measurement]] | None = None,
) -> None:
    """Draw one line per object.

    Time is in s where the video tells it and the frame's number where not. Doubtful frames (those with a
    note) are shaded, the reference frame is a dotted line.

    Args:
        axes: to draw on.
        measurements: of at least one frame.
        column: field of `Measurement`.
        y_label: what it is, with its unit.
        labels: objects to draw, None for all.
        marks: rows to mark, by what the legend calls them; at most two kinds.

    Raises:
        ValueError: When nothing was measured.

    Example::

        >>> import numpy as np
        >>> from matplotlib.figure import Figure
        >>> from monai_i2v.media import VideoInfo
        >>> from monai_i2v.report import Measurements
        >>> from monai_i2v.report.time_curve import draw_over_time
        >>> measurements = Measurements([1], VideoInfo("a.mp4", "movie", 1, 4, 4))
        >>> measurements.add(0, np.ones((4, 4)))
        >>> axes = Figure().subplots()
        >>> draw_over_time(axes, measurements, "area_px", "area (px)")
        >>> axes.get_xlabel(), axes.get_ylabel()
        ('frame', 'area (px)')
    """
    if not measurements.rows:
        raise ValueError("measurements are empty, expected one frame or more; add frames before plotting.")
    info = measurements.info
    rows = sorted(measurements.rows, key=lambda row: row.frame)
    for rank, (label, color) in enumerate(label_colors(measurements.labels).items()):
        own = [row for row in rows if row.label == label and (labels is None or label in labels)]
        if own:
            values = np.array([getattr(row, column) for row in own], dtype=float)
            (line,) = axes.plot([_place(info, row.frame) for row in own], values, DASHES[rank % len(DASHES)])
            line.set(color=tuple(DARKER * channel / 255 for channel in color), linewidth=1.8)
            line.set_label(_entry(rank, label, len(measurements.labels)))
            line.set_marker("o" if len(own) == 1 else "")
    for marker, (name, found) in zip(MARKERS, (marks or {}).items(), strict=False):
        places = [_place(info, row.frame) for row in found], [getattr(row, column) for row in found]
        axes.plot(*places, marker, color=INK, markersize=8, label=name)
    _mark_frames(axes, rows, info)
    _dress(axes, y_label, "frame" if info.frame_time is None else "time (s)")


def _entry(rank: int, label: int, count: int) -> str:
    """Text in the legend; one that begins with "_" stays out of it."""
    if rank < MAX_NAMED:
        return f"object {label}"
    return f"and {count - MAX_NAMED} others" if rank == MAX_NAMED else "_"


def _mark_frames(axes: Axes, rows: Sequence[Measurement], info: VideoInfo) -> None:
    doubtful = sorted({row.frame for row in rows if row.doubtful})
    for number, (first, last) in enumerate(_runs(doubtful)):
        span = axes.axvspan(_border(info, first), _border(info, last + 1), alpha=0.18, linewidth=1, zorder=0)
        span.set(color=DOUBT_COLOR, label="_" * number + "doubtful")  # "_" keeps it out of the legend
    given = sorted({row.frame for row in rows if row.note == REFERENCE_NOTE})
    for number, frame in enumerate(given):
        axes.axvline(_place(info, frame), color=INK, linestyle=(0, (1, 2)), label="_" * number + "reference")


def _place(info: VideoInfo, frame: int) -> float:
    """Where a frame lies on the time axis."""
    time = info.time_of(frame)
    return frame if time is None else time


def _border(info: VideoInfo, frame: int) -> float:
    """Where a frame begins on the time axis: half-way from the frame before, as far as there is one."""
    half = (info.frame_time or 1.0) / 2
    if frame == 0:
        return -half
    before = _place(info, frame - 1)
    return before + half if frame == info.length else (before + _place(info, frame)) / 2


def _runs(frames: Sequence[int]) -> list[tuple[int, int]]:
    """First and last of each stretch of consecutive numbers in an ascending list."""
    firsts = [frame for frame, before in zip(frames, [None, *frames], strict=False) if before != frame - 1]
    lasts = [frame for frame, after in zip(frames, [*frames[1:], None], strict=False) if after != frame + 1]
    return list(zip(firsts, lasts, strict=True))


def _dress(axes: Axes, y_label: str, x_label: str) -> None:
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
