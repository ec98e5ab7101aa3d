# SPDX-License-Identifier: Apache-2.0
"""The tables of the page with a video's results."""

from __future__ import annotations

import html
from collections.abc import Sequence

from monai_i2v.report.object_summary import ObjectSummary

__all__ = ["area_table", "volume_table"]


def area_table(summaries: Sequence[ObjectSummary], *, in_mm: bool) -> str:
    """One line per object: area over the frames, and in how many of them it is not seen.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media import VideoInfo
        >>> from monai_i2v.report import Measurements, summarize
        >>> from monai_i2v.report.html_tables import area_table
        >>> measurements = Measurements([7], VideoInfo("a.mp4", "movie", 1, 4, 4))
        >>> measurements.add(0, np.full((4, 4), 7))
        >>> area_table(summarize(measurements), in_mm=False).rpartition("<tr>")[2]
        '<td>7</td><td>16</td><td>16</td><td>16</td><td>0</td><td>-</td></tr></tbody></table>'
    """
    unit = "mm²" if in_mm else "px"
    head = ["object", f"least area ({unit})", f"mean ({unit})", f"most ({unit})", "frames without it", "confidence"]
    lines = []
    for one in summaries:
        areas = (
            (one.least_area_mm2, one.mean_area_mm2, one.most_area_mm2)
            if in_mm
            else (one.least_area_px, one.mean_area_px, one.most_area_px)
        )
        rest = [str(one.frames_without), _number(one.confidence, 2)]
        lines.append([str(one.label), *(_number(area, 0) for area in areas), *rest])
    return _table(head, lines)


def volume_table(summaries: Sequence[ObjectSummary], *, in_ml: bool) -> str:
    """One line per chamber: its largest and its smallest volume, when, and the change.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media import VideoInfo
        >>> from monai_i2v.report import Measurements, summarize
        >>> from monai_i2v.report.html_tables import volume_table
        >>> measurements = Measurements([7], VideoInfo("a.dcm", "dicom", 1, 4, 4, spacing=(10, 10)), chambers=[7])
        >>> measurements.add(0, np.full((4, 4), 7))  # a cylinder, 40 mm wide and long
        >>> volume_table(summarize(measurements), in_ml=True).rpartition("<tr>")[2]
        '<td>7</td><td>50.3</td><td>frame 0</td><td>50.3</td><td>frame 0</td><td>0 %</td></tr></tbody></table>'
    """
    unit, digits = ("mL", 1) if in_ml else ("px³", 0)
    head = ["object", f"largest volume ({unit})", "at", f"smallest ({unit})", "at", "single-plane change"]
    lines = []
    for one in summaries:
        largest, smallest = (
            (one.largest_volume_ml, one.smallest_volume_ml)
            if in_ml
            else (one.largest_volume_px3, one.smallest_volume_px3)
        )
        first = [_number(largest, digits), _moment(one.largest_volume_frame, one.largest_volume_time_s)]
        second = [_number(smallest, digits), _moment(one.smallest_volume_frame, one.smallest_volume_time_s)]
        change = "-" if one.single_plane_change is None else f"{100 * one.single_plane_change:.0f} %"
        lines.append([str(one.label), *first, *second, change])
    return _table(head, lines)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _moment(frame: int | None, time_s: float | None) -> str:
    if frame is None:
        return "-"
    return f"frame {frame}" if time_s is None else f"frame {frame}, {time_s:.2f} s"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    header = "".join(f"<th scope='col'>{html.escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in line) + "</tr>" for line in lines)
    return f"<table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table>"
