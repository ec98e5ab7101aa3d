# SPDX-License-Identifier: Apache-2.0
"""The volume of every chamber over time, as a picture."""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes

from monai_i2v.report.measurements import Measurements
from monai_i2v.report.time_curve import draw_over_time, picture_file
from monai_i2v.report.volume_change import volume_change

__all__ = ["plot_volumes"]


def plot_volumes(measurements: Measurements, path: str | Path) -> None:
    """Draw volume against time, one line per chamber, and save it as PNG.

    Volumes are in mL where the video knows its spacing and in px^3 where not. The largest and the smallest of each
    chamber are marked, see `volume_change`; see `draw_over_time` for the rest.

    Args:
        measurements: of at least one frame.
        path: file to write.

    Raises:
        ValueError: When nothing was measured.
        UsageError: When the file cannot be written.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.report import Measurements, plot_volumes
        >>> video = Phantom(length=5, size=(64, 64))
        >>> measurements = Measurements([1], video.info, chambers=[1])
        >>> for index in range(len(video)):
        ...     measurements.add(index, video.label_map(index))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     plot_volumes(measurements, Path(folder, "volumes.png"))
        ...     Path(folder, "volumes.png").exists()
        True
    """
    with picture_file(path) as axes:
        _draw_volumes(axes, measurements)


def _draw_volumes(axes: Axes, measurements: Measurements) -> None:
    found = (volume_change([row for row in measurements.rows if row.label == label]) for label in measurements.chambers)
    changes = [change for change in found if change is not None]
    marks = {
        "largest\n(ventricle: ED)": [change.largest for change in changes],
        "smallest\n(ventricle: ES)": [change.smallest for change in changes],
    }
    in_ml = measurements.info.spacing is not None
    column, y_label = ("volume_ml", "volume (mL)") if in_ml else ("volume_px3", "volume (px$^3$)")
    draw_over_time(axes, measurements, column, y_label, labels=measurements.chambers, marks=marks)
