# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from monai_i2v.masks.palette import OBJECT_COLORS, label_colors, png_palette


def test_up_to_seven_objects_have_distinct_colors() -> None:
    colors = label_colors([70000, 2, 9, 16, 1, 7, 255])
    assert len(set(colors.values())) == len(OBJECT_COLORS) == 7
    assert colors[1] == OBJECT_COLORS[0]
    assert colors[70000] == OBJECT_COLORS[6]


def test_eighth_object_begins_anew() -> None:
    assert label_colors(range(1, 9))[8] == OBJECT_COLORS[0]


def test_palette_of_png_agrees_and_ignores_what_does_not_fit() -> None:
    palette = png_palette([2, 70000])
    assert len(palette) == 768
    assert tuple(palette[6:9]) == label_colors([2, 70000])[2]
    assert sum(palette) == sum(OBJECT_COLORS[0])
