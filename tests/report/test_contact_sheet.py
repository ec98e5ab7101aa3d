# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.media.video import VideoInfo
from monai_i2v.report.contact_sheet import CAPTION, DOUBT_COLOR, GAP, REFERENCE_COLOR, ContactSheet


def info(length: int) -> VideoInfo:
    return VideoInfo("cine", "movie", length, 48, 64, frame_time=0.04)


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:]))


@pytest.mark.parametrize("length", [1, 2, 19, 20, 21, 2000])
def test_first_last_and_about_twenty_evenly_spaced_frames_are_kept(length: int) -> None:
    sheet = ContactSheet(info(length))
    kept = [index for index in range(length) if sheet.wants(index)]
    assert (kept[0], kept[-1], len(kept)) == (0, length - 1, min(length, 20))
    steps = np.diff(kept)
    assert len(steps) == 0 or steps.max() - steps.min() <= 1


def test_reference_frame_is_kept_too() -> None:
    assert ContactSheet(info(100), tiles=4, references=(50, 70)).indices == {0, 33, 50, 66, 70, 99}


def test_memory_holds_only_small_pictures_of_wanted_frames() -> None:
    sheet = ContactSheet(info(100), tiles=4, tile_width=32)
    for index in range(100):
        sheet.add(index, np.zeros((48, 64, 3), dtype=np.uint8))
    assert [tile.picture.size for tile in sheet.tiles] == [(32, 24)] * 4


def test_sheet_shows_tiles_in_order_and_frames_the_marked_ones(tmp_path: Path) -> None:
    sheet = ContactSheet(info(4), columns=3, tile_width=128, references=[1])
    for index in (3, 0, 1, 2):  # a backward pass may come first
        note = {1: "reference", 2: "skipped: corrupt", 3: ""}.get(index, "")
        sheet.add(index, np.full((48, 64, 1), 50 * index + 20, dtype=np.uint8), note)
    sheet.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as picture:
        assert picture.size == (3 * (128 + GAP) + GAP, 2 * (96 + CAPTION + GAP) + GAP)
        centers = [(GAP + 64 + k % 3 * (128 + GAP), GAP + 48 + k // 3 * (96 + CAPTION + GAP)) for k in range(4)]
        assert [picture.getpixel(center)[0] for center in centers] == [20, 70, 120, 170]
        edges = [picture.getpixel((x - 64 - 2, y)) for x, y in centers]
        caption = picture.crop((GAP, GAP + 97, GAP + 128, GAP + 96 + CAPTION))
    assert edges == [(255, 255, 255), rgb(REFERENCE_COLOR), rgb(DOUBT_COLOR), (255, 255, 255)]
    assert np.asarray(caption).min() < 100  # there is writing under a tile


def test_caption_tells_time_only_where_it_is_known() -> None:
    assert ContactSheet(info(9))._caption(7) == "frame 7, 0.28 s"
    assert ContactSheet(VideoInfo("cine", "frames", 9, 48, 64))._caption(7) == "frame 7"


def test_unwritable_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"sheet\.png cannot be written"):
        ContactSheet(info(1)).save(tmp_path / "file" / "sheet.png")
