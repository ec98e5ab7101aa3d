# SPDX-License-Identifier: Apache-2.0
from dataclasses import replace

import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.inferers import PropagationInferer
from monai_i2v.phantoms import Phantom
from monai_i2v.tracking import WorkingFrames

TOP, LEFT, BOTTOM, RIGHT = REGION = (4, 6, 20, 38)  # 16 x 32 of 24 x 40 px


class Scan(Phantom):
    """A recording with a calibrated region, outside of which everything is white."""

    def __init__(self, region=REGION):
        super().__init__(length=4, size=(24, 40))
        self.info = replace(self.info, region=region)

    def read(self, index):
        frame = super().read(index).copy() // 2
        inside = frame[TOP:BOTTOM, LEFT:RIGHT].copy()
        frame[:] = 255
        frame[TOP:BOTTOM, LEFT:RIGHT] = inside
        return frame


class All:
    """A segmenter to whom everything is the object, and that notes what it sees."""

    def __init__(self):
        self.seen = []

    def start(self, frame, masks):
        self.seen.append(masks)
        return masks

    def step(self, frame, state):
        self.seen.append(frame)
        return torch.ones_like(state), state


def drawn(top=8, left=10, bottom=12, right=20):
    mask = torch.zeros(1, 24, 40)
    mask[:, top:bottom, left:right] = 1
    return mask


@pytest.mark.parametrize(("size", "seen"), [(None, (16, 32)), (32, (32, 64))])
def test_the_network_sees_the_region_and_masks_come_back_in_its_place(size, seen):
    network = All()
    results = list(PropagationInferer(size, crop=True).stream(Scan(), network, drawn()))
    assert {tuple(tensor.shape[-2:]) for tensor in network.seen} == {seen}
    assert all(frame.max() <= 0.5 for frame in network.seen[1:])  # nothing of what is around
    assert all(result.frame.shape == (3, 24, 40) for result in results)  # pictures stay whole
    whole = torch.zeros(1, 24, 40)
    whole[:, TOP:BOTTOM, LEFT:RIGHT] = 1
    assert torch.equal(results[0].prob, drawn())
    assert all(torch.equal(result.prob, whole) for result in results[1:])


def test_masks_are_cut_where_frames_are():
    frames = WorkingFrames(Scan(), None, crop=True)
    masks = frames.resize_masks(drawn())
    assert torch.equal(masks[0, 0, 4:8, 4:14], torch.ones(4, 10))  # (8, 10) without (4, 6)
    assert masks.sum() == 40
    assert torch.equal(frames.restore(masks)[0], drawn())


def test_without_crop_the_region_does_not_matter():
    assert WorkingFrames(Scan(), None)[1].shape == (1, 3, 24, 40)
    assert WorkingFrames(Scan(), None)[1].max() == 1


@pytest.mark.parametrize(
    ("mask", "count"), [(drawn(left=5), 4), (drawn(right=40), 8), (drawn(top=3), 10), (drawn(bottom=22), 20)]
)
def test_what_is_drawn_outside_of_the_region_is_counted_and_refused(mask, count):
    with pytest.raises(
        UsageError,
        match=rf"^{count} pixels of the mask lie outside of the calibrated region \(columns 6 to 37, rows 4 to 19\); ",
    ):
        list(PropagationInferer(None, crop=True).stream(Scan(), All(), mask))


@pytest.mark.parametrize("video", [Scan(region=None), [torch.zeros(3, 24, 40)]])
def test_a_video_without_a_region_cannot_be_cropped(video):
    with pytest.raises(UsageError, match=r"has no calibrated ultrasound region; .*, as crop is set; leave crop out"):
        list(PropagationInferer(None, crop=True).stream(video, All(), drawn()))


def test_crop_is_true_or_false():
    assert PropagationInferer(crop="true").crop is True
    with pytest.raises(UsageError, match="crop is 'on', expected true or false"):
        PropagationInferer(crop="on")
