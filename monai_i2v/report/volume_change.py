# SPDX-License-Identifier: Apache-2.0
"""How much the volume of a chamber changes during a recording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from monai_i2v.report.measurements import Measurement

__all__ = ["VolumeChange", "volume_change"]


class VolumeChange(NamedTuple):
    """The frames of a chamber's largest and smallest volume: of a ventricle, end diastole and end systole.

    Args:
        largest: what was measured in the one.
        smallest: and in the other.
    """

    largest: Measurement
    smallest: Measurement

    @property
    def share(self) -> float:
        """(largest - smallest) / largest: of a ventricle, its single-plane ejection fraction as far as a mask tells."""
        return 1 - _volume(self.smallest) / _volume(self.largest)


def volume_change(rows: Sequence[Measurement]) -> VolumeChange | None:
    """Find the largest and the smallest volume of the whole recording.

    Doubtful frames do not count, nor those that do not show the chamber. Volumes are not smoothed: of the 8 frames that
    a fast heart has at 15 frames/s, a median of three would cut off the peaks. The first frame wins among equals.

    Args:
        rows: of one object.

    Returns:
        None when no frame counts, or the object is no chamber.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media import VideoInfo
        >>> from monai_i2v.report import Measurements, volume_change
        >>> info = VideoInfo("cine.dcm", "dicom", 2, 8, 8, spacing=(10.0, 10.0))
        >>> measurements = Measurements([1], info, chambers=[1])
        >>> measurements.add(0, np.ones((8, 4)))  # 80 mm long, 40 mm wide
        >>> measurements.add(1, np.pad(np.ones((8, 2)), ((0, 0), (0, 2))))
        >>> change = volume_change(measurements.rows)
        >>> round(change.largest.volume_ml, 1), change.smallest.frame, round(change.share, 2)
        (100.5, 1, 0.75)
    """
    counted = [row for row in rows if _volume(row) > 0 and not row.doubtful]
    if not counted:
        return None
    counted.sort(key=lambda row: row.frame)  # a backward pass may have come first
    return VolumeChange(max(counted, key=_volume), min(counted, key=_volume))


def _volume(row: Measurement) -> float:
    """In mL or px^3: all rows of a video have the same."""
    return row.volume_ml or row.volume_px3 or 0.0
