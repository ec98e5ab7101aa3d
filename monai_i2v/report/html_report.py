# SPDX-License-Identifier: Apache-2.0
"""A video's results on one page that needs nothing else: no network, no other file."""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from PIL import Image

from monai_i2v.files.complete_file import complete_file
from monai_i2v.masks.palette import label_colors
from monai_i2v.media import VideoInfo
from monai_i2v.report.html_tables import area_table, volume_table
from monai_i2v.report.measurements import Measurement, Measurements
from monai_i2v.report.object_summary import ObjectSummary, summarize
from monai_i2v.report.sample_frames import sample_frames

__all__ = ["HtmlReport"]

# Frames in the player, so that the page of a long video stays small; all frames are measured.
MAX_FRAMES = 240
MAX_WIDTH = 512  # px
JPEG_QUALITY = 80
VOLUMES_NOTE = (
    "Single-plane volumes by Simpson's method of discs, of the whole recording without its doubtful frames. Of a "
    "ventricle, the largest is taken for end diastole (ED), the smallest for end systole (ES), and the change for a "
    "single-plane ejection fraction. A mask by research software is not a diagnosis."
)
DEFAULT_FRAME_TIME, LEAST_FRAME_TIME = 0.1, 0.02  # s, in the player, when the video does not know, and at least


class HtmlReport:
    """Collects frames for a player, and writes the page.

    Args:
        info: facts about the video.
        references: indices of the frames whose masks were given, which are always in the player.
        max_frames: evenly spaced frames in the player.

    Example::

        >>> import tempfile
        >>> from pathlib import Path
        >>> from PIL import Image
        >>> from monai_i2v.phantoms import Phantom
        >>> from monai_i2v.report import HtmlReport, Measurements
        >>> video = Phantom(length=3, size=(64, 64))
        >>> report, measurements = HtmlReport(video.info), Measurements([1], video.info)
        >>> for index in range(3):
        ...     report.add(index, video.read(index), video.label_map(index))
        ...     measurements.add(index, video.label_map(index))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     picture = Path(folder, "areas.png")
        ...     Image.new("RGB", (8, 8)).save(picture)
        ...     report.save(Path(folder, "report.html"), measurements, areas=picture, sheet=picture, facts={"seed": 0})
        ...     Path(folder, "report.html").read_text().startswith("<!DOCTYPE html>")
        True
    """

    def __init__(self, info: VideoInfo, *, references: Collection[int] = (0,), max_frames: int = MAX_FRAMES) -> None:
        self.info = info
        self.indices = sample_frames(info.length, max_frames, references)
        scale = min(1.0, MAX_WIDTH / info.width)
        self.size = (max(round(info.width * scale), 1), max(round(info.height * scale), 1))  # (width, height)
        self.frames: dict[int, tuple[bytes, np.ndarray]] = {}  # JPEG, small label map

    def add(self, index: int, picture: np.ndarray, label_map: np.ndarray) -> None:
        """Offer a frame; it is kept only when the player wants it.

        Args:
            index: of the frame.
            picture: frame (H, W, 3) or (H, W, 1), uint8.
            label_map: whole numbers (H, W).
        """
        if index not in self.indices:
            return
        file = io.BytesIO()
        image = Image.fromarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
        image.resize(self.size, Image.Resampling.LANCZOS).save(file, "JPEG", quality=JPEG_QUALITY)
        rows = np.linspace(0, label_map.shape[0] - 1, self.size[1]).round().astype(int)
        columns = np.linspace(0, label_map.shape[1] - 1, self.size[0]).round().astype(int)
        self.frames[index] = file.getvalue(), label_map[np.ix_(rows, columns)]

    def save(
        self,
        path: str | Path,
        measurements: Measurements,
        *,
        areas: Path,
        sheet: Path,
        facts: Mapping[str, Any],
        volumes: Path | None = None,
    ) -> None:
        """Write the page.

        Args:
            path: file to write.
            measurements: of all frames.
            areas: picture of the areas, PNG.
            sheet: contact sheet, PNG.
            facts: how the results came about, anything that JSON can hold.
            volumes: picture of the volumes, PNG, where there are chambers.

        Raises:
            UsageError: When the file cannot be written.
        """
        summaries = summarize(measurements)
        template = Template(files("monai_i2v.report").joinpath("report.html").read_text(encoding="utf-8"))
        page = template.substitute(
            title=html.escape(f"monai_i2v: {Path(self.info.path).name}"),
            summary=html.escape(self._summary(measurements)),
            table=area_table(summaries, in_mm=self.info.spacing is not None),
            areas=_embed(areas.read_bytes(), "png"),
            volumes="" if volumes is None else _volumes(measurements, summaries, volumes),
            sheet=_embed(sheet.read_bytes(), "png"),
            facts=html.escape(json.dumps(facts, indent=2, default=str)),
            data=_for_script(self._data(measurements)),
        )
        with complete_file(path) as partial:
            # A file may have any bytes as its name.
            partial.write_text(page, encoding="utf-8", errors="backslashreplace")

    def _summary(self, measurements: Measurements) -> str:
        doubtful = len({row.frame for row in measurements.rows if row.doubtful})
        length = f"{self.info.length} frames"
        if self.info.duration is not None:
            length += f", {self.info.duration:.2f} s"
        count = len(self.frames)
        player = "" if count >= self.info.length else f" The player shows {count} of them."
        doubts = "No frame is doubtful." if not doubtful else f"{doubtful} are doubtful: look at them first."
        return f"{length} of {self.info.width} x {self.info.height} px.{player} {doubts} Not for clinical decisions."

    def _data(self, measurements: Measurements) -> dict[str, Any]:
        by_frame: dict[int, list[Measurement]] = {}
        for row in measurements.rows:
            by_frame.setdefault(row.frame, []).append(row)
        colors = label_colors(measurements.labels)
        ranks = {label: rank for rank, label in enumerate(measurements.labels, start=1)}
        return {
            "width": self.size[0],
            "height": self.size[1],
            "objects": [{"label": label, "color": colors[label]} for label in measurements.labels],
            "frames": [
                {
                    "index": index,
                    "time": by_frame[index][0].time_s,
                    "shown": round(1000 * self._shown(index)),  # ms
                    "note": by_frame[index][0].note,
                    "areas": [_area(row) for row in by_frame[index]],
                    "picture": _embed(picture, "jpeg"),
                    "labels": _embed(_ranks_png(label_map, ranks), "png"),
                }
                for index, (picture, label_map) in sorted(self.frames.items())
            ],
        }

    def _shown(self, index: int) -> float:
        """Seconds that the player shows a frame: until the next one, and less where it leaves frames out."""
        kept = sorted(self.frames)
        after = kept[kept.index(index) + 1 :]
        time, later = self.info.time_of(index), self.info.time_of(after[0]) if after else self.info.duration
        if time is None or later is None:
            return DEFAULT_FRAME_TIME
        return max((later - time) * len(kept) / self.info.length, LEAST_FRAME_TIME)


def _ranks_png(label_map: np.ndarray, ranks: Mapping[int, int]) -> bytes:
    """Gray PNG of the ranks of the labels: a page cannot read a palette, nor more than 8 bits."""
    gray = np.zeros(label_map.shape, np.uint8)
    for label, rank in ranks.items():
        gray[label_map == label] = min(rank, 255)
    file = io.BytesIO()
    Image.fromarray(gray).save(file, "PNG")
    return file.getvalue()


def _area(row: Measurement) -> str:
    return f"{row.area_px} px" if row.area_mm2 is None else f"{row.area_mm2:.1f} mm²"


def _volumes(measurements: Measurements, summaries: Sequence[ObjectSummary], picture: Path) -> str:
    chambers = [one for one in summaries if one.label in measurements.chambers]
    table = volume_table(chambers, in_ml=measurements.info.spacing is not None)
    source = _embed(picture.read_bytes(), "png")
    alt = "Volume of each chamber over time; doubtful frames are shaded, largest and smallest are marked"
    return f'<h2>Volumes</h2>\n{table}\n<p>{VOLUMES_NOTE}</p>\n<img src="{source}" alt="{alt}">'


def _embed(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _for_script(data: Mapping[str, Any]) -> str:
    """JSON that cannot end the script it stands in."""
    return json.dumps(data).replace("<", "\\u003c")
