# SPDX-License-Identifier: Apache-2.0
"""What a video shows of an object, in one line."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any, NamedTuple

from monai_i2v.report.measurements import Measurement, Measurements
from monai_i2v.report.volume_change import volume_change

__all__ = ["ObjectSummary", "summarize"]


class ObjectSummary(NamedTuple):
    """One object in a whole video. What the source does not tell, or what is not measured, is None.

    Args:
        label: label value of the object.
        frames: number of frames.
        frames_without: in how many of them the object is not seen.
        doubtful_share: share of doubtful frames, in [0, 1]; they count in areas, but not in volumes.
        confidence: mean over the frames that show the object, in [0, 1].
        least_area_px: smallest area.
        mean_area_px: mean area of all frames.
        most_area_px: largest area.
        least_area_mm2: the same in mm^2.
        mean_area_mm2: the same in mm^2.
        most_area_mm2: the same in mm^2.
        largest_volume_ml: of a chamber, see `volume_change`.
        largest_volume_px3: the same in px^3, where the length of a pixel is not known.
        largest_volume_frame: its frame.
        largest_volume_time_s: its time in s.
        smallest_volume_ml: of a chamber.
        smallest_volume_px3: the same in px^3, where the length of a pixel is not known.
        smallest_volume_frame: its frame.
        smallest_volume_time_s: its time in s.
        single_plane_change: (largest - smallest) / largest volume.
    """

    label: int
    frames: int
    frames_without: int
    doubtful_share: float
    confidence: float | None
    least_area_px: int
    mean_area_px: float
    most_area_px: int
    least_area_mm2: float | None
    mean_area_mm2: float | None
    most_area_mm2: float | None
    largest_volume_ml: float | None
    largest_volume_px3: float | None
    largest_volume_frame: int | None
    largest_volume_time_s: float | None
    smallest_volume_ml: float | None
    smallest_volume_px3: float | None
    smallest_volume_frame: int | None
    smallest_volume_time_s: float | None
    single_plane_change: float | None


def summarize(measurements: Measurements) -> list[ObjectSummary]:
    """One summary per object, in the order of the labels.

    Args:
        measurements: of at least one frame.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media import VideoInfo
        >>> from monai_i2v.report import Measurements, summarize
        >>> measurements = Measurements([7], VideoInfo("a.mp4", "movie", 2, 4, 4))
        >>> measurements.add(0, np.full((4, 4), 7))
        >>> measurements.add(1, np.zeros((4, 4)))
        >>> (summary,) = summarize(measurements)
        >>> summary.mean_area_px, summary.mean_area_mm2, summary.frames_without
        (8.0, None, 1)
    """
    return [_summarize([row for row in measurements.rows if row.label == label]) for label in measurements.labels]


def _summarize(rows: Sequence[Measurement]) -> ObjectSummary:
    sure = [row.confidence for row in rows if row.confidence is not None and row.area_px]
    change = volume_change(rows)
    return ObjectSummary(
        label=rows[0].label,
        frames=len(rows),
        frames_without=sum(row.area_px == 0 for row in rows),
        doubtful_share=fmean(row.doubtful for row in rows),
        confidence=fmean(sure) if sure else None,
        **_areas(rows, "area_px"),
        **_areas(rows, "area_mm2"),
        **_volume("largest", change and change.largest),
        **_volume("smallest", change and change.smallest),
        single_plane_change=change and change.share,
    )


def _areas(rows: Sequence[Measurement], column: str) -> dict[str, Any]:
    areas = [getattr(row, column) for row in rows]
    known = None not in areas
    return {
        f"least_{column}": min(areas) if known else None,
        f"mean_{column}": fmean(areas) if known else None,
        f"most_{column}": max(areas) if known else None,
    }


def _volume(which: str, row: Measurement | None) -> dict[str, Any]:
    columns = {"ml": "volume_ml", "px3": "volume_px3", "frame": "frame", "time_s": "time_s"}
    return {f"{which}_volume_{name}": row and getattr(row, column) for name, column in columns.items()}
