# SPDX-License-Identifier: Apache-2.0
"""The area of every object over time, as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from monai_i2v.data.complete_file import complete_file
from monai_i2v.data.palette import label_colors
from monai_i2v.report.measurements import REFERENCE_NOTE, Measurements

__all__ = ["plot_areas"]

SIZE, DPI = (8.0, 3.6), 150  # inches, px per inch
INK, DOUBT_COLOR = "#333333", "#d55e00"
MAX_NAMED = 14  # objects in the legend, so that it is no higher than the picture
DASHES = ("-", "--", "-.", ":")  # a second cue besides color


def plot_areas(measurements: Measurements, path: str | Path) -> None:
    """Draw area against time, one line per object, and save it as PNG.

    Areas are in mm^2 where the video knows its spacing and in px where not; time is in s where it knows
    its frame time and the frame's number where not. Doubtful frames (those with a note) are shaded,
    the reference frame is a dotted line.

    Args:
        measurements: of at least one frame.
        path: file to write.

    Raises:
        ValueError: When nothing was measured.
        UsageError: When the file cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.data.phantom import Phantom
        >>> from monai_i2v.report.area_curve import plot_areas
        >>> from monai_i2v.report.measurements import Measurements
        >>> video = Phantom(length=5, size=(64, 64))
        >>> measurements = Measurements([1], video.info)
        >>> for index in range(len(video)):
        ...     measurements.add(index, video.label_map(index))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     plot_areas(measurements, Path(folder, "areas.png"))
        ...     Path(folder, "areas.png").exists()
        True
    """
    if not measurements.rows:
        raise ValueError("measurements are empty, expected one frame or more; add frames before plotting.")
    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    _draw_areas(figure.subplots(), measurements)
    with complete_file(path) as partial:
        canvas.print_png(str(partial))


def _draw_areas(axes: Axes, measurements: Measurements) -> None:
    in_mm, frame_time = measurements.info.spacing is not None, measurements.info.frame_time
    unit = 1.0 if frame_time is None else frame_time  # length of a frame on the time axis
    rows = sorted(measurements.rows, key=lambda row: row.frame)
    for rank, (label, color) in enumerate(label_colors(measurements.labels).items()):
        own = [row for row in rows if row.label == label]
        times = [row.frame * unit for row in own]
        areas = np.array([row.area_mm2 if in_mm else row.area_px for row in own], dtype=float)
        (line,) = axes.plot(times, areas, DASHES[rank % len(DASHES)], linewidth=1.8)
        line.set_label(_entry(rank, label, len(measurements.labels)))
        line.set_color(tuple(0.8 * channel / 255 for channel in color))  # darker, for a white page
        line.set_marker("o" if len(own) == 1 else "")
    _mark_frames(axes, {row.frame: row.note for row in rows}, unit)
    _dress(axes, "area (mm$^2$)" if in_mm else "area (px)", "frame" if frame_time is None else "time (s)")


def _entry(rank: int, label: int, count: int) -> str:
    """Text in the legend; one that begins with "_" stays out of it."""
    if rank < MAX_NAMED:
        return f"object {label}"
    return f"and {count - MAX_NAMED} others" if rank == MAX_NAMED else "_"


def _mark_frames(axes: Axes, notes: dict[int, str], unit: float) -> None:
    doubtful = [frame for frame, note in notes.items() if note not in ("", REFERENCE_NOTE)]
    for number, (first, last) in enumerate(_runs(doubtful)):
        span = axes.axvspan((first - 0.5) * unit, (last + 0.5) * unit, alpha=0.18, linewidth=1, zorder=0)
        span.set(color=DOUBT_COLOR, label="_" * number + "doubtful")  # "_" keeps it out of the legend
    given = [frame for frame, note in notes.items() if note == REFERENCE_NOTE]
    for number, frame in enumerate(given):
        axes.axvline(frame * unit, color=INK, linestyle=(0, (1, 2)), label="_" * number + "reference")


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
