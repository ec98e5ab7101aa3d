# SPDX-License-Identifier: Apache-2.0
"""What was measured of each object in each frame, and the table of it."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from monai_i2v.files.complete_file import complete_file
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.simpson import simpson_volume

__all__ = ["REFERENCE_NOTE", "Measurement", "Measurements"]

REFERENCE_NOTE = "reference"  # the note of the frame whose mask was given; any other note marks a doubtful frame
DECIMALS = 4
MM3_PER_ML = 1000


class Measurement(NamedTuple):
    """One object in one frame. What the source does not tell, or what an absent object lacks, is None.

    Args:
        frame: index of the frame, from 0.
        time_s: its time in s after the first frame.
        label: label value of the object.
        area_px: number of its pixels.
        area_mm2: its area in mm^2.
        volume_ml: volume of a chamber in mL, see `simpson_volume`.
        volume_px3: the same in px^3, where the length of a pixel is not known.
        centroid_x_px: its mean column in px, pixel centers at whole numbers.
        centroid_y_px: its mean row in px.
        confidence: as given, in [0, 1].
        note: as given.

    Example::

        >>> from monai_i2v.report.measurements import Measurement
        >>> row = Measurement(0, None, 1, 12, None, None, None, 3.5, 4.0, None, "reference")
        >>> row.area_px, row.doubtful
        (12, False)
    """

    frame: int
    time_s: float | None
    label: int
    area_px: int
    area_mm2: float | None
    volume_ml: float | None
    volume_px3: float | None
    centroid_x_px: float | None
    centroid_y_px: float | None
    confidence: float | None
    note: str

    @property
    def doubtful(self) -> bool:
        """Is its frame to be looked at?"""
        return self.note not in ("", REFERENCE_NOTE)


class Measurements:
    """Collects one row per frame and object, and writes them as CSV.

    Args:
        labels: label values of all objects; an object that is absent from a frame has a row with area 0.
        info: facts about the video; where it tells no times there is no time_s, without spacing no area_mm2.
        chambers: labels whose volume is measured too.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.video import VideoInfo
        >>> from monai_i2v.report.measurements import Measurements
        >>> info = VideoInfo("cine.dcm", "dicom", 1, 4, 4, frame_time=0.02, spacing=(0.5, 0.5))
        >>> measurements = Measurements([7], info)
        >>> measurements.add(0, np.array([[0, 7, 7, 0]]))
        >>> measurements.rows[0].area_mm2, measurements.rows[0].centroid_x_px
        (0.5, 1.5)
    """

    def __init__(self, labels: Sequence[int], info: VideoInfo, chambers: Sequence[int] = ()) -> None:
        self.labels, self.chambers = tuple(labels), tuple(chambers)
        self.info = info
        self.rows: list[Measurement] = []

    def add(self, index: int, label_map: np.ndarray, confidence: Sequence[float] | None = None, note: str = "") -> None:
        """Measure a frame.

        Args:
            index: of the frame.
            label_map: whole numbers (H, W).
            confidence: one number per label, None when unknown.
            note: `REFERENCE_NOTE` for the frame whose mask was given, what is doubtful about any other, or
                "".

        Raises:
            ValueError: When there are not as many confidences as labels.
        """
        if confidence is not None and len(confidence) != len(self.labels):
            raise ValueError(
                f"confidence must hold one number per label, {len(self.labels)}, got {len(confidence)}; "
                f"give it in the order of the labels {self.labels}."
            )
        for rank, label in enumerate(self.labels):
            trust = None if confidence is None else float(confidence[rank])
            self.rows.append(self._measure(index, label_map == label, label, trust, note))

    def save(self, path: str | Path) -> None:
        """Write a CSV with a header and the columns of `Measurement`; a cell is empty where the value is
        None.

        Raises:
            UsageError: When the file cannot be written.
        """
        with complete_file(path) as partial, partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(Measurement._fields)
            for row in sorted(self.rows, key=lambda row: row.frame):  # a backward pass may have come first
                writer.writerow([round(v, DECIMALS) if isinstance(v, float) else v for v in row])

    def _measure(self, index: int, mask: np.ndarray, label: int, confidence: float | None, note: str) -> Measurement:
        area = int(mask.sum())
        spacing = self.info.spacing
        volume = simpson_volume(mask, spacing or (1.0, 1.0)) if label in self.chambers else None
        return Measurement(
            frame=index,
            time_s=self.info.time_of(index),
            label=label,
            area_px=area,
            area_mm2=None if spacing is None else area * spacing[0] * spacing[1],
            volume_ml=None if volume is None or spacing is None else volume / MM3_PER_ML,
            volume_px3=volume if spacing is None else None,
            centroid_x_px=float(mask.sum(axis=0) @ np.arange(mask.shape[1]) / area) if area else None,
            centroid_y_px=float(mask.sum(axis=1) @ np.arange(mask.shape[0]) / area) if area else None,
            confidence=confidence,
            note=note,
        )
