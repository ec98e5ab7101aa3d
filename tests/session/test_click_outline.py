# SPDX-License-Identifier: Apache-2.0
import numpy as np
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.phantoms import Phantom
from monai_i2v.session import outline_by_clicks


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def test_a_bright_square_is_found_from_one_click_in_a_box():
    picture = np.zeros((60, 80, 3), np.uint8)
    picture[15:45, 20:60] = 180
    mask = outline_by_clicks(picture, [(40, 30)], box=((17, 12), (62, 47)))
    assert dice(mask, picture[..., 0] > 0) > 0.93


def test_more_clicks_make_it_better_on_a_speckled_ventricle():
    phantom = Phantom(length=1, size=(128, 160))
    truth = phantom.label_map(0) == 1
    rows, columns = np.nonzero(truth)
    box = ((columns.min() - 6, rows.min() - 6), (columns.max() + 6, rows.max() + 6))
    corners = tuple((int(x), int(y)) for x, y in box)
    center = (int(columns.mean()), int(rows.mean()))
    inside, outside = [center], []
    scores = [dice(outline_by_clicks(phantom.read(0), inside, outside, corners), truth)]
    for _ in range(5):
        mask = outline_by_clicks(phantom.read(0), inside, outside, corners)
        missing, extra = truth & ~mask, mask & ~truth
        wrong, points = (missing, inside) if missing.sum() > extra.sum() else (extra, outside)
        y, x = np.argwhere(wrong)[wrong.sum() // 2]
        points.append((int(x), int(y)))
        scores.append(dice(outline_by_clicks(phantom.read(0), inside, outside, corners), truth))
    assert scores[-1] > 0.8


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (([(80, 0)],), r"the point \(80, 0\) is not in the frame of 80 x 60 px"),
        (([(-1, 0)],), r"the point \(-1, 0\) is not in the frame"),
        (([], [], ((0, 0), (1, 9))), "the box is smaller than 3 x 3 px"),
    ],
)
def test_points_elsewhere_are_refused(arguments, sentence):
    with pytest.raises(UsageError, match=sentence):
        outline_by_clicks(np.zeros((60, 80, 1), np.uint8), *arguments)
