# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from phantoms import AFFINE

from monai_i2v.errors import UsageError
from monai_i2v.transforms import RandClipSample, RandClipSampled


def counted(length: int = 30) -> MetaTensor:
    """A clip (1, X, Y, T) whose frames show their number plus one."""
    return MetaTensor(torch.arange(1.0, length + 1).expand(1, 4, 3, length).clone(), affine=AFFINE)


def numbers(clip: torch.Tensor) -> list[int]:
    return [int(value) - 1 for value in clip[0, 0, 0]]


def test_strides_are_all_drawn_and_even() -> None:
    sample, seen = RandClipSample(5, stride=(1, 4)).set_random_state(0), set()
    for _ in range(100):
        taken = numbers(sample(counted()))
        (stride,) = {b - a for a, b in pairwise(taken)}
        seen.add(stride)
        assert 0 <= taken[0] < taken[-1] <= 29
    assert seen == {1, 2, 3, 4}


def test_all_places_are_drawn() -> None:
    sample = RandClipSample(3, stride=(2, 2)).set_random_state(0)
    assert {numbers(sample(counted(8)))[0] for _ in range(100)} == {0, 1, 2, 3}


def test_jitter_takes_one_frame_of_each_stride() -> None:
    sample, steps = RandClipSample(6, stride=(4, 4), jitter=True).set_random_state(0), set()
    for _ in range(50):
        clip = sample(counted())
        taken = numbers(clip)
        start = round((float(clip.affine[2, 3]) - 1) / 0.04 - 1.5)
        assert [(number - start) // 4 for number in taken] == list(range(6))
        assert clip.meta["frames"] == taken
        steps.update(b - a for a, b in pairwise(taken))
    assert steps == set(range(1, 8))


def test_the_affine_tells_the_times_of_the_frames() -> None:
    clip = RandClipSample(4, stride=(3, 3)).set_random_state(1)(counted())
    times = [float((clip.affine @ torch.tensor([0, 0, t, 1.0], dtype=torch.float64))[2]) for t in range(4)]
    assert times == pytest.approx([1 + 0.04 * number for number in numbers(clip)])
    assert clip.pixdim.tolist() == pytest.approx([0.5, 0.5, 0.12])


def test_a_stride_that_the_clip_has_no_room_for_is_not_drawn() -> None:
    sample = RandClipSample(4, stride=(1, 10)).set_random_state(0)
    assert {tuple(numbers(sample(counted(7)))) for _ in range(60)} >= {(0, 2, 4, 6), (0, 1, 2, 3)}
    assert numbers(RandClipSample(1, stride=(1, 1))(counted(1))) == [0]


def test_the_inverse_puts_frames_back_among_zeros() -> None:
    sample = RandClipSampled(("image", "label"), frames=3, stride=(2, 3)).set_random_state(0)
    pipeline = Compose([sample])
    data = pipeline({"image": counted(), "label": counted()})
    assert torch.equal(data["image"].as_tensor(), data["label"].as_tensor())
    taken = numbers(data["label"])
    back = pipeline.inverse(data)["label"]
    assert [int(value) for value in back[0, 0, 0]] == [n + 1 if n in taken else 0 for n in range(30)]
    assert torch.equal(back.affine, AFFINE)


def test_the_seed_decides() -> None:
    first, again = (Compose([RandClipSampled("a", 5, jitter=True)]).set_random_state(5)({"a": counted()}) for _ in "ab")
    assert numbers(first["a"]) == numbers(again["a"])


def test_errors_tell_what_to_do() -> None:
    with pytest.raises(
        UsageError, match=r"the clip is \(1, 4, 3, 6\), expected .* T of at least 7; ask for fewer frames"
    ):
        RandClipSample(4, stride=(2, 3))(counted(6))
    with pytest.raises(UsageError, match=r"the clip is \(1, 4, 3\), expected \(C, X, Y, T\)"):
        RandClipSample(2)(counted()[..., 0])
    with pytest.raises(
        UsageError, match=r"an entry is \(1, 4, 3, 9\), expected .* with 30 frames as the first key has"
    ):
        RandClipSampled(("image", "label"), frames=3)({"image": counted(), "label": counted(9)})
