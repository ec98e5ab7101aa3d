# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import numpy as np
import pytest

from monai_i2v.masks.palette import OBJECT_COLORS
from monai_i2v.report.overlay import overlay


def test_fill_is_mixed_contour_is_pure_and_background_untouched() -> None:
    frame = np.full((7, 7, 3), 100, dtype=np.uint8)
    label_map = np.zeros((7, 7), dtype=np.int32)
    label_map[1:6, 1:6] = 70000
    picture = overlay(frame, label_map, labels=[70000], alpha=0.25)
    color = np.array(OBJECT_COLORS[0])
    assert (picture[0] == 100).all()
    assert (picture[1, 1:6] == color).all()
    assert (picture[3, 3] == np.rint(0.75 * 100 + 0.25 * color)).all()
    assert (frame == 100).all()


def test_touching_objects_both_have_a_contour_and_keep_their_colors() -> None:
    label_map = np.array([[2, 2, 2, 7, 7, 7]] * 5)
    picture = overlay(np.zeros((5, 6, 1), dtype=np.uint8), label_map, labels=[1, 2, 7], alpha=0.0)
    assert (picture[2, 2] == OBJECT_COLORS[1]).all()
    assert (picture[2, 3] == OBJECT_COLORS[2]).all()
    assert (picture[2, 1] == 0).all()  # the border of the picture is no contour


def test_contour_is_wider_in_large_pictures() -> None:
    label_map = np.zeros((520, 520), dtype=np.uint8)
    label_map[:, 100:] = 1
    picture = overlay(np.zeros((520, 520, 3), dtype=np.uint8), label_map, labels=[1], alpha=0.0)
    assert [bool(picture[260, x].any()) for x in (99, 100, 101, 102)] == [False, True, True, False]


def test_unlisted_label_is_not_painted() -> None:
    assert not overlay(np.zeros((4, 4, 3), dtype=np.uint8), np.full((4, 4), 9), labels=[1]).any()


def test_error_tells_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"label map's size \(4, 5\), got uint8 \(4, 4, 3\)"):
        overlay(np.zeros((4, 4, 3), dtype=np.uint8), np.zeros((4, 5)), labels=[1])
    with pytest.raises(ValueError, match="got float64"):
        overlay(np.zeros((4, 4, 3)), np.zeros((4, 4)), labels=[1])
