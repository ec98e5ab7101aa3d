# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch
from ignite.engine import Engine
from monai.data import MetaTensor
from monai.handlers import IgniteMetricHandler
from monai.metrics import DiceMetric

from monai_i2v.metrics import (
    BoundaryAccuracy,
    FalsePositiveArea,
    FBIoU,
    RegionSimilarity,
    TemporalInstability,
    VideoDice,
    boundary_f,
)


def stripes(*widths, height=4, width=8):
    """One object, the first columns of each frame: (K, X, Y, T)."""
    frames = torch.zeros(1, height, width, len(widths))
    for index, columns in enumerate(widths):
        frames[:, :, :columns, index] = 1
    return frames


def value_of(metric, *pairs):
    for found, truth in pairs:
        metric(found[None], truth[None])
    return metric.aggregate().item()


def test_dice_and_iou_by_hand_without_the_reference():
    found, truth = stripes(1, 2, 4), stripes(8, 4, 4)
    assert value_of(RegionSimilarity(), (found, truth)) == pytest.approx((2 / 4 + 1) / 2)
    assert value_of(VideoDice(), (found, truth)) == pytest.approx((4 / 6 + 1) / 2)
    assert value_of(VideoDice(ref_frame=None), (found, truth)) == pytest.approx((2 / 9 + 4 / 6 + 1) / 3)
    assert value_of(VideoDice(ref_frame=1), (found, truth)) == pytest.approx((2 / 9 + 1) / 2)


def test_dice_is_monais():
    generator = torch.Generator().manual_seed(0)
    found, truth = (torch.rand(2, 3, 9, 7, 5, generator=generator) > 0.5 for _ in range(2))
    ours = VideoDice(ref_frame=None, average="frame")
    ours(found, truth)
    theirs = DiceMetric()
    theirs(*(masks.movedim(-1, 1).flatten(0, 1).float() for masks in (found, truth)))
    assert ours.aggregate().item() == pytest.approx(theirs.aggregate().item(), abs=1e-6)


def test_boundary_accuracy_averages_boundary_f():
    found, truth = stripes(4, 2, 5, width=64, height=48), stripes(4, 9, 5, width=64, height=48)
    frames = [boundary_f(found[0, ..., index].bool(), truth[0, ..., index].bool()).item() for index in (1, 2)]
    assert frames[1] == 1 > frames[0]
    assert value_of(BoundaryAccuracy(), (found, truth)) == pytest.approx(sum(frames) / 2)


def test_frames_without_truth_do_not_count_unless_asked_for():
    found, truth = stripes(4, 4, 2, 0), stripes(4, 4, 0, 0)
    assert value_of(VideoDice(), (found, truth)) == 1
    assert value_of(VideoDice(empty="score"), (found, truth)) == pytest.approx((1 + 0 + 1) / 3)
    assert value_of(FalsePositiveArea(), (found, truth)) == pytest.approx(2 / 8 / 2)


def test_videos_weigh_the_same_or_frames_do():
    long, short = (stripes(4, 4, 4, 4), stripes(4, 4, 4, 4)), (stripes(4, 2), stripes(4, 4))
    half = 2 / 4
    assert value_of(RegionSimilarity(), long, short) == pytest.approx((1 + half) / 2)
    assert value_of(RegionSimilarity(average="frame"), long, short) == pytest.approx((3 + half) / 4)


def test_objects_of_a_video_are_averaged_and_those_never_seen_are_left_out():
    found = torch.cat([stripes(4, 4), stripes(4, 2), stripes(0, 3)])
    truth = torch.cat([stripes(4, 4), stripes(4, 4), stripes(0, 0)])
    assert value_of(RegionSimilarity(), (found, truth)) == pytest.approx(0.75)


def test_videos_may_differ_in_size_length_and_number_of_objects():
    two = torch.cat([stripes(4, 4, width=16), stripes(4, 2, width=16)]), torch.cat([stripes(4, 4, width=16)] * 2)
    assert value_of(RegionSimilarity(), (stripes(4, 4, 4), stripes(4, 4, 4)), two) == pytest.approx((1 + 0.75) / 2)


def test_nothing_that_counts_is_not_a_number():
    assert math.isnan(value_of(VideoDice(), (stripes(1, 0), stripes(1, 0))))


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        ((4, 4, 4), (4, 4, 4), 0),
        ((2, 2, 2), (4, 4, 4), 0),  # wrong, but steady
        ((4, 4, 2), (4, 4, 4), (0 + 1 / 2) / 2),  # flickers where the object rests
        ((4, 4, 4), (4, 4, 2), (0 + 1 / 2) / 2),  # rests where it moves
        ((4, 4, 2), (4, 4, 2), 0),
    ],
)
def test_temporal_instability_by_hand(found, truth, expected):
    found, truth = (stripes(1, *frames) for frames in (found, truth))  # the reference does not count
    assert value_of(TemporalInstability(), (found, truth)) == pytest.approx(expected)


def test_frames_on_both_sides_of_the_reference_are_no_neighbors():
    found, truth = stripes(4, 4, 4, 4, 4), stripes(1, 2, 4, 7, 8)  # a mask at rest on an object that grows
    change = [1 - pair for pair in (1 / 2, 7 / 8)]  # the pairs (0, 1) and (3, 4)
    assert value_of(TemporalInstability(ref_frame=2), (found, truth)) == pytest.approx(sum(change) / 2)


def test_a_reference_counts_from_the_first_frame():
    for metric in (VideoDice, FBIoU):
        with pytest.raises(ValueError, match="ref_frame must be 0 or more, or None, got -1"):
            metric(ref_frame=-1)


def test_fb_iou_sums_areas_before_it_divides():
    first, second = (stripes(2, width=4), stripes(4, width=4)), (stripes(0, width=4), stripes(1, width=4))
    foreground, background = (8 + 0) / (16 + 4), (0 + 12) / (8 + 16)
    assert value_of(FBIoU(ref_frame=None), first, second) == pytest.approx((foreground + background) / 2)
    assert value_of(FBIoU(ref_frame=None), (stripes(0), stripes(0))) == 1


def test_x_and_y_may_be_swapped():
    found, truth = stripes(5, 3, width=64, height=48), stripes(5, 9, width=64, height=48)
    for metric in (RegionSimilarity, BoundaryAccuracy, TemporalInstability):
        ref = None if metric is TemporalInstability else 0
        swapped = (found.transpose(1, 2), truth.transpose(1, 2))
        assert value_of(metric(ref_frame=ref), (found, truth)) == value_of(metric(ref_frame=ref), swapped)


def test_in_an_ignite_engine():
    engine = Engine(lambda engine, batch: batch)
    IgniteMetricHandler(metric_fn=VideoDice(), output_transform=lambda pair: pair).attach(engine, "dice")
    found, truth = stripes(4, 2), stripes(4, 4)
    engine.run([([found], [truth]), (MetaTensor(truth)[None], MetaTensor(truth)[None])])
    assert engine.state.metrics["dice"] == pytest.approx((4 / 6 + 1) / 2)


def test_masks_of_two_shapes_are_refused():
    with pytest.raises(
        ValueError, match=r"share one shape \(B, K, X, Y, T\), got \(1, 1, 4, 8, 2\) and \(1, 4, 8, 2\)"
    ):
        VideoDice()(stripes(1, 1)[None], stripes(1, 1))


@pytest.mark.parametrize("wrong", [{"empty": "one"}, {"average": "all"}])
def test_unknown_conventions_name_the_choices(wrong):
    with pytest.raises(ValueError, match="must be one of"):
        VideoDice(**wrong)
