# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
import torch

from monai_i2v.transforms.filling import fill, narrow_parts


def hole(size: tuple[int, int], x: slice, y: slice) -> torch.Tensor:
    holes = torch.zeros(1, 1, *size, dtype=torch.bool)
    holes[..., x, y] = True
    return holes


@pytest.mark.parametrize("size", [(64, 64), (37, 50), (5, 1)])
def test_a_hole_in_a_flat_picture_disappears(size: tuple[int, int]) -> None:
    frames, holes = torch.full((1, 3, *size), 0.3), hole(size, slice(2, 4), slice(0, 20))
    torch.testing.assert_close(fill(frames.masked_fill(holes, 1.0), holes), frames)


def test_a_stroke_across_a_slope_is_bridged() -> None:
    slope = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    holes = hole((64, 64), slice(10, 50), slice(30, 33))
    assert (fill(slope.masked_fill(holes, 1.0), holes) - slope).abs().max() < 0.03


def test_frames_are_filled_from_themselves() -> None:
    frames = torch.tensor([0.2, 0.8]).view(2, 1, 1, 1).repeat(1, 1, 32, 32)
    holes = hole((32, 32), slice(8, 12), slice(8, 12)).repeat(2, 1, 1, 1)
    torch.testing.assert_close(fill(frames.masked_fill(holes, 0.5), holes), frames)


def test_dark_pixels_may_be_no_source() -> None:
    frames = torch.zeros(1, 1, 32, 32)
    frames[..., 16:] = 0.6
    holes = hole((32, 32), slice(10, 14), slice(16, 20))
    assert fill(frames, holes, darkest=0.1)[holes].min() == pytest.approx(0.6)
    assert fill(frames, holes)[holes].min() < 0.5


def test_a_frame_that_is_all_hole_becomes_black() -> None:
    assert fill(torch.ones(1, 2, 9, 9), torch.ones(1, 1, 9, 9, dtype=torch.bool)).max() == 0


def test_narrow_parts_are_those_that_a_square_does_not_fit_into() -> None:
    frame = torch.zeros(1, 1, 30, 30)
    frame[..., 2:6, 3:28] = 1.0
    frame[..., 12:24, 10:24] = 0.5
    narrow = narrow_parts(frame, 7)
    assert (narrow[..., 2:6, 3:28].min(), narrow[..., 8:, :].max()) == (1, 0)
