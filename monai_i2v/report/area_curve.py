# SPDX-License-Identifier: Apache-2.0
"""The area of every object over time, as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes

from monai_i2v.report.measurements import Measurements
from monai_i2v.report.time_curve import draw_over_time, picture_file

__all__ = ["plot_areas"]


def plot_areas(measurements: Measurements, path: str | Path) -> None:
    """Draw area against time, one line per object, and save it as PNG.

    Areas are in mm^2 where the video knows its spacing and in px where not; see `draw_over_time` for the rest.

    Args:
        measurements: of at least one frame.
        path: file to write.

    Raises:
        ValueError: When nothing was measured.
        UsageError: When the file cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.phantoms.phantom import Phantom
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
    with picture_file(path) as axes:
        _draw_areas(axes, measurements)


def _draw_areas(axes: Axes, measurements: Measurements) -> None:
    if measurements.info.spacing is None:
        draw_over_time(axes, measurements, "area_px", "area (px)")
    else:
        draw_over_time(axes, measurements, "area_mm2", "area (mm$^2$)")
