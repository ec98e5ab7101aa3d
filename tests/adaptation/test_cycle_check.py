# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from adapting import annotated, same_weights

from monai_i2v.adaptation import FirstFrame, Schedule, TestTimeTrainer, cycle_check
from monai_i2v.adaptation.cycle_check import cycle_dice
from monai_i2v.networks import OneShotMemoryNet
from monai_i2v.tracking import AnnotatedVideo


class Shifting:
    """The next frame's mask is this frame's, so many pixels farther; the masks of each start are kept."""

    def __init__(self, pixels):
        self.pixels, self.started = pixels, []

    def start(self, frame, masks):
        self.started.append((frame, masks))
        return masks

    def step(self, frame, state):
        return state.roll(self.pixels, -1), state


def stripe():
    """Ten frames that show their number; the mask of frame 3 has a stripe of ten columns."""
    masks = torch.zeros(1, 1, 20, 60)
    masks[..., 20:30] = 1
    return AnnotatedVideo([torch.full((1, 3, 20, 60), float(index)) for index in range(10)], masks, ref_frame=3)


@pytest.mark.parametrize(("pixels", "expected"), [(0, 1.0), (1, 0.8), (5, 0.0)])
def test_it_is_the_dice_of_the_masks_that_came_back(pixels, expected):
    assert cycle_dice(Shifting(pixels), stripe()) == pytest.approx(expected)


def test_what_was_not_found_does_not_come_back():
    class Faint(Shifting):
        """Finds but a trace, and segments fully by whatever it is given."""

        def step(self, frame, state):
            return 0.01 * state if state.max() > 0.5 else (state > 0).float(), state

    assert cycle_dice(Faint(0), stripe()) == 0


def test_objects_that_the_frame_does_not_show_say_nothing():
    video = stripe()
    masks = torch.cat([video.masks, 0 * video.masks, 0 * video.masks], dim=1)
    assert cycle_dice(Shifting(5), AnnotatedVideo(video.frames, masks, ref_frame=3)) == 0


def test_it_turns_back_at_frames_spread_over_the_video():
    network = Shifting(0)
    cycle_dice(network, stripe())
    assert [int(frame[0, 0, 0, 0]) for frame, _ in network.started] == [3, 4, 3, 6, 3, 9]


def test_a_single_frame_is_its_own_turning_point():
    video = stripe()
    assert cycle_dice(Shifting(0), AnnotatedVideo(video.frames[:1], video.masks)) == 1


def test_a_video_whose_cycles_close_is_not_learned_from(image_net, disc, monkeypatch):
    first, second = annotated(disc), annotated(disc, ref_frame=3)
    monkeypatch.setattr(cycle_check, "cycle_dice", lambda network, video: 0.9 if video is first else 0.6)

    def adapt(skip_above):
        schedule = Schedule(passes=1, skip_above=skip_above)
        trainer = TestTimeTrainer([FirstFrame()], schedule=schedule, memory={"key": "matching"})
        return trainer.adapt(image_net, [first, second])

    assert {step["video"] for step in adapt(None).log} == {0, 1}
    assert {step["video"] for step in adapt(0.75).log} == {1}
    skipped = adapt(0.5)
    assert skipped.log == []
    assert same_weights(skipped.network, OneShotMemoryNet(image_net, key="matching"))
