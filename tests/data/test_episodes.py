# SPDX-License-Identifier: Apache-2.0
from collections import Counter

import torch
from monai.transforms import Compose, RandFlipd
from torch.utils.data import DataLoader

from monai_i2v.data import Episodes


def stills():
    """Set `a` has one class in many images, set `b` two classes in few; an image is full of its own number."""
    listed = [{"set": "a", "classes": [1]}] * 8 + [{"set": "b", "classes": [1, 2]}] * 2
    label = torch.tensor([[1, 1], [2, 0]]).expand(1, 2, 2)
    return [{**item, "image": torch.full((3, 2, 2), float(i)), "label": label} for i, item in enumerate(listed)]


def same(transform):
    return transform


def test_sets_are_drawn_evenly_whatever_their_size_then_classes():
    episodes = Episodes(stills(), same, length=10)
    drawn = Counter()
    for number in range(2000):
        item = episodes[number]
        drawn["a" if item["image"].max() < 8 else "b", int(item["label"].sum())] += 1
    assert abs(drawn["a", 2] - 1000) < 100
    assert abs(drawn["b", 2] - 500) < 80  # class 1 covers two pixels
    assert abs(drawn["b", 1] - 500) < 80  # class 2 covers one


def test_support_and_query_differ_unless_asked_for():
    different, alike = (Episodes(stills(), same, length=1, same_image=share) for share in (0.0, 1.0))
    assert not any(torch.equal(item["image"], item["support"]) for item in (different[n] for n in range(50)))
    assert all(torch.equal(item["image"], item["support"]) for item in (alike[n] for n in range(50)))


def test_a_class_with_one_image_is_its_own_support():
    episodes = Episodes(stills()[:1], same, length=1)
    assert torch.equal(episodes[0]["image"], episodes[0]["support"])


def flipping(seed=0):
    return Episodes(
        stills_with_sides(),
        Compose([RandFlipd(["image", "label"], prob=0.5, spatial_axis=0)]),
        length=8,
        seed=seed,
    )


def stills_with_sides():
    """Images that show whether they were flipped."""
    side = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).expand(3, 2, 2)
    return [{**still, "image": still["image"] + side} for still in stills()]


def test_an_episode_is_a_function_of_its_number_alone():
    first, second = flipping(), flipping()
    later = [second[number] for number in (5, 2)]
    assert all(torch.equal(first[5][key], later[0][key]) for key in later[0])
    assert any(not torch.equal(flipping(seed=1)[n]["image"], first[n]["image"]) for n in range(5))


def test_support_and_query_are_augmented_independently():
    def step_down(image):
        return float(image[0, 1, 0] - image[0, 0, 0])  # 1, or -1 when flipped

    episodes = flipping()
    drawn = {(step_down(item["image"]), step_down(item["support"])) for item in (episodes[n] for n in range(40))}
    assert drawn == {(1, 1), (1, -1), (-1, 1), (-1, -1)}


def test_workers_change_nothing():
    episodes = flipping()
    alone, workers = (
        torch.cat([batch["image"] for batch in DataLoader(episodes, batch_size=4, num_workers=count)])
        for count in (0, 2)
    )
    assert torch.equal(alone, workers)
