# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import numpy as np
import pytest
import torch
from monai.transforms import Compose
from torch.utils.data import DataLoader

from monai_i2v.data import Clips, ClipSampling
from monai_i2v.errors import UsageError
from monai_i2v.transforms import SyntheticClipd, ToFramesd

LEVELS = 255  # of the loaded images, which the clips bring to [0, 1]


def as_frames(item):
    """The transform of these tests: no motion; stills are repeated three times, clips taken as they are."""
    if item["image"].ndim == 3:
        item = {key: value.unsqueeze(-1).expand(-1, -1, -1, 3) for key, value in item.items()}
    return ToFramesd(("image", "label"))(item)


def stills():
    """Set `a` has one class in many images, set `b` two classes in few; an image is full of its own number."""
    listed = [{"set": "a", "classes": [1]}] * 8 + [{"set": "b", "classes": [1, 5]}] * 2
    return [{**item, "image": torch.full((3, 4, 4), float(i)), "label": columns(1, 5)} for i, item in enumerate(listed)]


def columns(*values):
    """A label (1, 4, 4) with these values in its first columns."""
    label = torch.zeros(1, 4, 4, dtype=torch.uint8)
    for column, value in enumerate(values):
        label[:, column] = value
    return label


def video(length=20):
    """Frame t shows t, and object 1 in its first t + 1 pixels."""
    time = torch.arange(length)
    label = (torch.arange(25).view(1, 5, 5, 1) <= time).to(torch.uint8)
    return {"image": time.expand(3, 5, 5, -1).float(), "label": label, "set": "a", "classes": [1]}


def clips_of(items, **sampling):
    return Clips(items, as_frames, length=1, sampling=ClipSampling(**sampling))


def drawn(clips, count):
    return [clips[number] for number in range(count)]


def numbers(clip):
    """The number that each frame shows."""
    return (clip["image"][:, 0, 0, 0] * LEVELS).round().int().tolist()


def masked_columns(clip):
    """Per object, the column that its mask fills in the first frame; -1 for an empty mask."""
    filled = clip["masks"].amax(dim=1)  # (K, W), and X is W
    return [int(mask.argmax()) if mask.any() else -1 for mask in filled]


def test_sets_are_drawn_evenly_whatever_their_size_then_classes():
    clips = drawn(clips_of(stills(), objects=1), 600)
    counts = Counter(("a" if numbers(clip)[0] < 8 else "b", *masked_columns(clip)) for clip in clips)
    assert abs(counts["a", 0] - 300) < 50
    assert abs(counts["b", 0] - 150) < 40  # class 1 fills the first column
    assert abs(counts["b", 1] - 150) < 40  # class 5 the second
    assert counts.total() == 600
    assert len(counts) == 3


def test_a_set_is_drawn_as_often_as_it_weighs():
    clips = drawn(clips_of(stills(), set_weights={"b": 3}), 400)
    assert abs(sum(numbers(clip)[0] < 8 for clip in clips) - 100) < 35
    assert all(numbers(clip)[0] >= 8 for clip in drawn(clips_of(stills(), set_weights={"a": 0}), 20))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({"c": 2}, "there is no set c to weigh; the data has a, b."),
        ({"a": -1}, "the weight of set a is -1, expected a number from 0 to 1e+06; use 1."),
        ({"a": float("nan")}, "the weight of set a is nan, expected a number from 0 to 1e+06; use 1."),
        ({"a": "3"}, "the weight of set a is '3', expected a number from 0 to 1e+06; use 1."),
        ({"a": 0, "b": 0}, "all sets weigh 0; give at least one of them a larger weight."),
    ],
)
def test_weights_that_no_set_can_have_are_refused(weights, message):
    with pytest.raises(UsageError) as error:
        clips_of(stills(), set_weights=weights)
    assert str(error.value) == message


@pytest.mark.parametrize("share", ["regions", "same_class", "pasted", "reverse"])
@pytest.mark.parametrize("value", [-0.1, 7, float("nan"), "0.5"])
def test_shares_are_numbers_from_zero_to_one(share, value):
    with pytest.raises(UsageError) as error:
        ClipSampling(**{share: value})
    assert str(error.value) == f"{share} is {value!r}, expected a number from 0 to 1; use 0.5."


def test_objects_are_numbered_from_one_with_the_drawn_class_first():
    item = {**stills()[0], "label": columns(9, 4, 200, 7), "classes": [200]}
    found = Counter(tuple(masked_columns(clip)) for clip in drawn(clips_of([item], objects=3), 300))
    assert {objects[0] for objects in found} == {2}
    counts = Counter(sum(column >= 0 for column in objects) for objects in found.elements())
    assert [counts[number] == pytest.approx(100, abs=30) for number in (1, 2, 3)] == [True] * 3
    assert {objects for objects in found if objects[2] >= 0} == {
        (2, first, second) for first in (0, 1, 3) for second in (0, 1, 3) if first != second
    }


def test_fewer_objects_than_channels_leave_the_others_empty():
    clips = drawn(clips_of(stills()[:1], objects=4), 100)
    filled = [[column >= 0 for column in masked_columns(clip)] for clip in clips]
    assert max(map(sum, filled)) == 2
    assert all(row == sorted(row, reverse=True) for row in filled)


def test_masks_are_zero_or_one_and_do_not_overlap():
    clips = drawn(clips_of(stills(), objects=2), 50)
    labels = torch.stack([clip["label"] for clip in clips])  # (clips, T, K, H, W)
    assert labels.unique().tolist() == [0, 1]
    assert labels.sum(dim=2).max() == 1
    assert all(torch.equal(clip["masks"], clip["label"][0]) for clip in clips)


def test_images_come_in_zero_to_one():
    item = {**stills()[0], "image": torch.full((3, 4, 4), 255, dtype=torch.uint8)}
    assert clips_of([item])[0]["image"].unique().tolist() == [1]


def test_regions_take_the_place_of_labels_in_their_share_of_the_clips():
    item = {**stills()[0], "image_regions": columns(0, 0, 3).to(torch.int16)}
    clips = drawn(clips_of([item], objects=1, regions=0.25), 400)
    counts = Counter(masked_columns(clip)[0] for clip in clips)
    assert set(counts) == {0, 2}
    assert abs(counts[2] - 100) < 35


def test_later_frames_may_show_another_still_of_the_class_with_the_same_objects():
    items = [{**item, "label": columns(*order)} for item, order in zip(stills()[8:], ((1, 5), (5, 1)), strict=True)]
    clips = drawn(clips_of(items, objects=2, same_class=0.5), 400)
    assert {numbers(clip)[1:] == numbers(clip)[2:] * 2 for clip in clips} == {True}
    others = [clip for clip in clips if numbers(clip)[0] != numbers(clip)[1]]
    assert len(others) == pytest.approx(100, abs=30)  # in half of the clips, and half of those draw the same still
    for clip in others:
        first, second, third = clip["label"]
        assert torch.equal(second, third)
        assert torch.equal(second[:, :, :2], first[:, :, :2].flip(-1)), "the objects are numbered alike"


def test_a_labelled_clip_never_joins_a_still_of_its_class():
    items = [{**stills()[0], "set": "a"}, video()]
    assert drawn(clips_of(items, same_class=1.0), 40)


def test_an_object_of_another_clip_is_pasted_as_one_object_more():
    items = [{**item, "label": columns(*order)} for item, order in zip(stills(), ((0, 0, 1), (1,)), strict=False)]
    clips = drawn(clips_of(items, objects=2, pasted=0.5), 400)
    both = [clip for clip in clips if -1 not in masked_columns(clip)]
    assert {tuple(masked_columns(clip)) for clip in both} == {(2, 0), (0, 2)}
    assert len(both) == pytest.approx(100, abs=30)  # half of the clips, and half of those draw another still
    for clip in both:
        for mask in clip["label"].unbind(1):
            assert len(clip["image"][(mask == 1)[:, None].expand_as(clip["image"])].unique()) == 1, "what it shows"
    others = [clip for clip in clips if -1 in masked_columns(clip)]
    assert {len(clip["image"].unique()) for clip in others} == {1}, "nothing is pasted over a whole object"


def test_a_pasted_object_without_a_channel_left_is_background():
    items = [{**item, "label": columns(*order)} for item, order in zip(stills(), ((0, 0, 1), (1,)), strict=False)]
    clips = [clip for clip in drawn(clips_of(items, objects=1, pasted=1.0), 40) if len(clip["image"].unique()) == 2]
    assert clips
    for clip in clips:
        (column,) = masked_columns(clip)
        assert clip["label"].sum() == 3 * 4, "one column in three frames"
        assert clip["image"][0, 0, 0, 2 - column] != clip["image"][0, 0, 0, column]


def test_a_still_without_regions_is_labelled():
    item = {**stills()[0], "image_regions": torch.zeros(1, 4, 4, dtype=torch.int16)}
    clips = drawn(clips_of([item], objects=1, regions=1.0), 20)
    assert {masked_columns(clip)[0] for clip in clips} == {0}


def test_a_labelled_clip_gives_image_and_label_of_the_same_times_either_way():
    clips = drawn(clips_of([video()], objects=1), 200)
    for clip in clips:
        times = numbers(clip)
        assert (clip["label"].sum(dim=(1, 2, 3)) - 1).tolist() == times
        assert len(set(times)) == 3
        assert times in (sorted(times), sorted(times, reverse=True))
    assert sum(numbers(clip)[0] < numbers(clip)[1] for clip in clips) == pytest.approx(100, abs=25)


def test_the_share_of_clips_that_run_backward_may_be_chosen():
    forward, backward = (drawn(clips_of([video()], reverse=share), 20) for share in (0.0, 1.0))
    assert all(numbers(clip) == sorted(numbers(clip)) for clip in forward)
    assert all(numbers(clip) == sorted(numbers(clip), reverse=True) for clip in backward)


def gaps_of(clips, number, length, count=500):
    """Times (count, T) that are drawn for clip `number`, in order, and the steps between them."""
    random = np.random.RandomState(0)
    times = np.array([sorted(clips.draw_times(number, length, random)) for _ in range(count)])
    return times, np.diff(times, axis=1)


@pytest.mark.parametrize(("length", "max_gap", "frames"), [(100, 6, 3), (9, 6, 3), (3, 6, 3), (40, 1, 5), (5, 3, 5)])
def test_times_are_distinct_within_the_clip_and_the_largest_gap(length, max_gap, frames):
    times, gaps = gaps_of(clips_of([video()], frames=frames, max_gaps=((0, max_gap),)), 0, length)
    assert times.min() == 0
    assert times.max() == length - 1
    assert gaps.min() == 1
    assert gaps.max() == min(max_gap, length - frames + 1)


def test_the_largest_gap_may_change_during_training():
    clips = clips_of([video()], max_gaps=((0, 2), (100, 9), (200, 4)))
    largest = [gaps_of(clips, number, 100)[1].max() for number in (0, 99, 100, 199, 200, 5000)]
    assert largest == [2, 2, 9, 9, 4, 4]


@pytest.mark.parametrize(("length", "expected"), [(1, {(0, 0, 0)}), (2, {(0, 1, 1), (1, 1, 0)})])
def test_a_clip_that_is_too_short_repeats_its_last_frame(length, expected):
    clips, random = clips_of([video()]), np.random.RandomState(0)
    assert {tuple(clips.draw_times(0, length, random)) for _ in range(50)} == expected


def test_a_single_frame_is_enough_for_a_clip():
    times, _ = gaps_of(clips_of([video()], frames=1), 0, 5)
    assert sorted(set(times.flatten())) == [0, 1, 2, 3, 4]


def moving(seed=0):
    transform = Compose([SyntheticClipd(("image", "label"), spatial_size=(8, 8)), ToFramesd(("image", "label"))])
    return Clips(stills(), transform, length=8, seed=seed)


def test_a_clip_is_a_function_of_seed_and_number_alone():
    first, second = moving(), moving()
    later = [second[number] for number in (5, 2)]
    assert all(torch.equal(first[5][key], later[0][key]) for key in later[0])
    assert not torch.equal(first[5]["image"], first[2]["image"])
    assert any(not torch.equal(moving(seed=1)[n]["image"], first[n]["image"]) for n in range(5))


def test_workers_change_nothing():
    alone, workers = (
        torch.cat([batch["image"] for batch in DataLoader(moving(), batch_size=4, num_workers=count)])
        for count in (0, 2)
    )
    assert torch.equal(alone, workers)


def test_classes_may_be_listed_apart_so_that_drawing_loads_one_image_only():
    class Counting(list):
        read = 0

        def __getitem__(self, index):
            self.read += 1
            return super().__getitem__(index)

        def __iter__(self):
            raise AssertionError("every image was loaded")

    items = Counting(stills())
    clips = Clips(items, as_frames, length=1, datalist=stills())
    assert torch.equal(clips[3]["label"], clips_of(stills())[3]["label"])
    assert items.read == 1
