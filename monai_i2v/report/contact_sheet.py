# SPDX-License-Identifier: Apache-2.0
"""A video at a glance: evenly spaced frames as small pictures on one sheet."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from monai_i2v.files.complete_file import complete_file
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.measurements import REFERENCE_NOTE
from monai_i2v.report.sample_frames import sample_frames

__all__ = ["ContactSheet"]

GAP, CAPTION, FONT_SIZE, FRAME_WIDTH = 10, 24, 14, 3  # px
PAPER, INK, REFERENCE_COLOR, DOUBT_COLOR = "#ffffff", "#333333", "#0072b2", "#d55e00"  # Okabe & Ito


class _Tile(NamedTuple):
    frame: int
    picture: Image.Image
    note: str


class ContactSheet:
    """Keeps about `tiles` evenly spaced frames, always the first and the last, and the annotated ones.

    Args:
        info: facts about the video.
        columns: pictures side by side.
        tiles: pictures in total, if the video has so many frames.
        tile_width: width of a picture, px.
        references: indices of the frames whose masks were given.

    Example::

        >>> import numpy as np
        >>> from monai_i2v.media.video import VideoInfo
        >>> from monai_i2v.report.contact_sheet import ContactSheet
        >>> sheet = ContactSheet(VideoInfo("cine.mp4", "movie", 100, 48, 64), tiles=4)
        >>> [index for index in range(100) if sheet.wants(index)]
        [0, 33, 66, 99]
        >>> sheet.add(33, np.zeros((48, 64, 3), dtype=np.uint8))
    """

    def __init__(
        self,
        info: VideoInfo,
        *,
        columns: int = 5,
        tiles: int = 20,
        tile_width: int = 240,
        references: Collection[int] = (0,),
    ) -> None:
        self.info, self.columns, self.references = info, columns, references
        self.tile_size = (tile_width, max(round(tile_width * info.height / info.width), 1))  # (width, height)
        self.indices = sample_frames(info.length, max(tiles, 1), references)
        self.tiles: list[_Tile] = []

    def wants(self, index: int) -> bool:
        """Whether a frame belongs on the sheet; the others need not be painted."""
        return index in self.indices

    def add(self, index: int, picture: np.ndarray, note: str = "") -> None:
        """Offer a frame; it is kept only when the sheet wants it.

        Args:
            index: of the frame.
            picture: painted frame (H, W, 3) or (H, W, 1), uint8.
            note: what is doubtful about the frame, or ""; what follows a colon is not shown.
        """
        if self.wants(index):
            image = Image.fromarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))
            kept = "" if note == REFERENCE_NOTE else note.split(":")[0]
            self.tiles.append(_Tile(index, image.resize(self.tile_size, Image.Resampling.LANCZOS), kept))

    def save(self, path: str | Path) -> None:
        """Write the sheet as PNG.

        Raises:
            UsageError: When the file cannot be written.
        """
        with complete_file(path) as partial:
            self._draw().save(partial)

    def _draw(self) -> Image.Image:
        width, height = self.tile_size[0] + GAP, self.tile_size[1] + CAPTION + GAP
        columns = max(min(self.columns, len(self.tiles)), 1)
        rows = max(-(-len(self.tiles) // columns), 1)
        sheet = Image.new("RGB", (columns * width + GAP, rows * height + GAP), PAPER)
        for place, tile in enumerate(sorted(self.tiles, key=lambda tile: tile.frame)):
            self._draw_tile(sheet, tile, (GAP + place % columns * width, GAP + place // columns * height))
        return sheet

    def _draw_tile(self, sheet: Image.Image, tile: _Tile, corner: tuple[int, int]) -> None:
        x, y = corner
        width, height = self.tile_size
        draw = ImageDraw.Draw(sheet)
        font = ImageFont.load_default(FONT_SIZE)
        remark = " ".join(part for part in ("reference" * (tile.frame in self.references), tile.note) if part)
        color = DOUBT_COLOR if tile.note else REFERENCE_COLOR if remark else INK
        if remark:
            box = (
                x - FRAME_WIDTH,
                y - FRAME_WIDTH,
                x + width + FRAME_WIDTH - 1,
                y + height + FRAME_WIDTH - 1,
            )
            draw.rectangle(box, fill=color)
        sheet.paste(tile.picture, corner)
        below = y + height + CAPTION / 2 + 2
        draw.text((x, below), self._caption(tile.frame), fill=INK, font=font, anchor="lm")
        draw.text((x + width, below), remark, fill=color, font=font, anchor="rm")

    def _caption(self, index: int) -> str:
        time = self.info.time_of(index)
        return f"frame {index}" if time is None else f"frame {index}, {time:.2f} s"
