# SPDX-License-Identifier: Apache-2.0
import torch

from monai_i2v.transforms import MovingClipd

FRAMES = 9


def clip_of(seed=0, **settings):
    still = {
        "image": torch.rand(3, 80, 80, generator=torch.Generator().manual_seed(0)),
        "label": torch.zeros(1, 80, 80),
    }
    still["label"][:, 25:55, 25:55] = 1
    settings = {"rest": 0.0, "approach": 0.0, "leave": 0.0, "light": 0.0, "hide": 0.0, **settings}
    return MovingClipd(("image", "label"), FRAMES, (64, 64), **settings).set_random_state(seed)(still)


def areas(clip):
    return clip["label"][0].flatten(0, 1).sum(0)


def step(clip, gap):
    label = clip["label"][0]
    return (label[..., gap:] != label[..., :-gap]).float().mean().item()


def test_neighboring_frames_are_more_alike_than_distant_ones():
    clips = [clip_of(seed) for seed in range(10)]
    assert sum(step(clip, 1) for clip in clips) < 0.6 * sum(step(clip, 4) for clip in clips)


def test_clips_at_rest_hardly_move():
    assert sum(step(clip_of(s, rest=1.0), 4) for s in range(10)) < 0.3 * sum(step(clip_of(s), 4) for s in range(10))


def test_a_camera_that_approaches_makes_the_object_up_to_nine_times_as_large():
    growth = [areas(clip_of(seed, rest=1.0, approach=1.0, zoom=(0.5, 0.5))) for seed in range(30)]
    largest = max((area.max() / area[0]).item() for area in growth)
    assert 3 < largest < 10


def test_most_objects_that_leave_are_out_of_view_for_a_while():
    least = [areas(clip_of(seed, rest=1.0, leave=1.0)).min().item() for seed in range(10)]
    assert least.count(0) > 5
