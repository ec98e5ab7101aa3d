# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from monai.data import MetaTensor

from monai_i2v.transforms import Motion, SyntheticClipd

KEYS = ("image", "label")
STILL = {"rotate": 0, "scale": 0, "zoom": 1, "shear": 0, "shift": 0, "bend": 0, "swell": 0, "push": 0}
PLAIN = {"light": 0.0, "hide": 0.0}


def letter():
    """A square F of label 7 with a dot of label 3, on a picture that shows 0.9, 0.4 and 0.1: X = 60, Y = 60."""
    label = torch.zeros(1, 60, 60)
    label[:, 16:24, 12:48] = 7
    label[:, 24:42, 12:20] = 7
    label[:, 24:34, 26:34] = 7
    label[:, 40:50, 38:48] = 3
    image = torch.where(label == 7, 0.9, torch.where(label == 3, 0.4, 0.1)).expand(3, -1, -1)
    return {"image": image, "label": label}


def ramp(size=(90, 60)):
    """A picture (2, X, Y) that shows where it was taken from: x / X and y / Y."""
    x, y = torch.meshgrid(*((torch.arange(length) + 0.5) / length for length in size), indexing="ij")
    return torch.stack([x, y])


def clip_of(data, seed=0, keys=KEYS, **settings):
    settings = {"spatial_size": (60, 60), **PLAIN, **settings}
    return SyntheticClipd(keys, **settings).set_random_state(seed)(data)


def apart_from_borders(label):
    """Pixels (1, X, Y, T) whose neighborhood of 5 x 5 lies in the clip and has one label."""
    flat = label.permute(3, 0, 1, 2)
    largest = torch.nn.functional.max_pool2d(flat, 5, stride=1, padding=2)
    least = -torch.nn.functional.max_pool2d(-flat, 5, stride=1, padding=2)
    alike = (largest == least)[..., 2:-2, 2:-2]
    return torch.nn.functional.pad(alike, (2, 2, 2, 2)).permute(1, 2, 3, 0)


@pytest.mark.parametrize("seed", range(8))
def test_image_and_label_stay_together_under_motion(seed):
    clip = clip_of(letter(), seed)
    shown = torch.where(clip["image"] > 0.65, 7, torch.where(clip["image"] > 0.25, 3, 0))[:1]
    inside = apart_from_borders(clip["label"])
    agree = shown == clip["label"]
    assert agree[inside].float().mean() > 0.998
    assert (inside & (clip["label"] == 7)).sum() > 100
    assert set(clip["label"].unique().tolist()) <= {0, 3, 7}
    assert (clip["image"][..., 0] - clip["image"][..., 1]).abs().mean() > 0.001


def test_a_clip_without_motion_is_the_picture_upright_or_mirrored():
    still = letter()
    orientations = {
        name: still["image"].flip(axes) if axes else still["image"]
        for name, axes in {"as it is": (), "x": (1,), "y": (2,), "both": (1, 2)}.items()
    }
    seen = []
    for seed in range(100):
        frame = clip_of(still, seed, motion=STILL, zoom=(1, 1))["image"][..., 0]
        seen += [name for name, picture in orientations.items() if (frame - picture).abs().max() < 1e-5]
    assert len(seen) == 100
    assert seen.count("x") + seen.count("both") == pytest.approx(50, abs=15)
    assert seen.count("y") + seen.count("both") == pytest.approx(25, abs=13)


def test_no_motion_gives_the_same_frame_again():
    clip = clip_of(letter(), motion=Motion(**STILL))
    for key in KEYS:
        assert torch.equal(clip[key], clip[key][..., :1].expand_as(clip[key]))


def test_frames_of_one_clip_share_their_amount_of_motion():
    """Between a tenth and one and a half of the motion; a shift of 0.2 half frames of 60 px is 6 px."""
    ratios = []
    for seed in range(200):
        clip = clip_of({"image": ramp((60, 60))}, seed, keys="image", motion={**STILL, "shift": 0.2}, zoom=(1, 1))
        center = 60 * clip["image"][0, 30, 30] - 30  # px, about 0.5 or -0.5 without motion
        ratios.append((center.abs().max() - 0.5).item() / 6)
    assert max(ratios) == pytest.approx(1.5, abs=0.15)
    assert 0.05 < sorted(ratios)[100] < 0.8
    assert sum(ratio < 0.3 for ratio in ratios) > 20


@pytest.mark.parametrize("zoom", [1.0, 2.0])
def test_the_window_is_a_square_of_the_picture_in_proportion(zoom):
    clip = clip_of({"image": ramp()}, keys="image", motion=STILL, zoom=(zoom, zoom))["image"][..., 0]
    step_x, step_y = 90 * clip[0].diff(dim=0), 60 * clip[1].diff(dim=1)  # px of the picture per px of the clip
    torch.testing.assert_close(step_x.abs(), torch.full_like(step_x, 1 / zoom), atol=1e-3, rtol=0)
    torch.testing.assert_close(step_y.abs(), torch.full_like(step_y, 1 / zoom), atol=1e-3, rtol=0)
    assert clip[0].diff(dim=1).abs().max() < 1e-5
    assert clip[1].diff(dim=0).abs().max() < 1e-5


def test_spatial_size_is_x_and_y():
    clip = clip_of({"image": ramp()}, keys="image", motion=STILL, spatial_size=(32, 48))["image"]
    assert clip.shape == (2, 32, 48, 3)
    assert clip[0].diff(dim=0).abs().min() > 0  # x still runs along the first axis


def test_the_window_shows_a_small_object_wherever_it_is():
    """Motion may take one in the corner of a picture out of the frame, but seldom does."""
    for x, y, least in ((41, 26, 50), (80, 2, 45)):
        data = {"image": torch.zeros(3, 90, 60), "label": torch.zeros(1, 90, 60)}
        data["label"][:, x : x + 8, y : y + 8] = 1
        assert sum(bool(clip_of(data, seed)["label"][..., 0].any()) for seed in range(50)) >= least


def test_the_object_is_what_moves_against_its_surroundings_in_mirrored_clips_too():
    data = {"image": ramp((120, 120)), "label": torch.zeros(1, 120, 120)}
    data["label"][:, 58:62, 58:62] = 1
    for seed in range(20):
        still, pushed = (clip_of(data, seed, motion={**STILL, "push": push}, zoom=(2, 2)) for push in (0, 0.2))
        moved = (pushed["image"] - still["image"]).norm(dim=0)[..., 0]  # (X, Y)
        (where,) = (moved == moved.max()).nonzero()[:1]
        center = still["label"][0, ..., 0].nonzero().float().mean(dim=0)
        assert (where - center).norm() < 5  # px


def test_each_object_of_a_picture_is_looked_at():
    data = {"image": torch.zeros(3, 120, 60), "label": torch.zeros(1, 120, 60)}
    data["label"][:, 5:10, 25:35] = 1
    data["label"][:, 100:119, 5:55] = 2
    clips = [clip_of(data, seed, motion=STILL, zoom=(2, 2))["label"] for seed in range(100)]
    assert sum(bool((clip == 1).any()) for clip in clips) == pytest.approx(50, abs=15)


def test_a_real_clip_keeps_the_content_of_its_frames():
    brightness, numbers = torch.tensor([0.1, 0.5, 0.9]), torch.tensor([1.0, 2.0, 3.0])
    clip = clip_of({"image": brightness.expand(3, 70, 50, 3), "label": numbers.expand(1, 70, 50, 3)})
    shown = clip["label"] == numbers
    assert (shown | (clip["label"] == 0)).all()  # outside of the picture there is none
    shown &= apart_from_borders(clip["label"])
    assert shown.float().mean() > 0.5
    assert (clip["image"] - brightness).abs()[shown.expand(3, -1, -1, -1)].max() < 1e-5


def test_outside_of_the_picture_all_is_black_and_unlabelled():
    data = {"image": torch.ones(3, 60, 60), "label": torch.ones(1, 60, 60)}
    clip = clip_of(data, motion=STILL, zoom=(0.5, 0.5))
    inside = torch.zeros(1, 60, 60, 3)
    inside[:, 15:45, 15:45] = 1  # half as wide and high as the window
    assert torch.equal(clip["label"], inside)
    assert (clip["image"][:, 16:44, 16:44] == 1).all()
    assert (clip["image"] * (1 - inside) <= 0.51).all()


def test_a_still_and_a_clip_of_equal_frames_give_the_same():
    still = letter()
    real = {key: value.unsqueeze(-1).expand(-1, -1, -1, 3) for key, value in still.items()}
    from_still, from_clip = clip_of(still), clip_of(real)
    assert all(torch.equal(from_still[key], from_clip[key]) for key in KEYS)


def test_another_number_of_frames_is_refused():
    with pytest.raises(ValueError, match="the clip has 5 frames, expected 3; pick them before"):
        clip_of({"image": torch.rand(3, 60, 60, 5), "label": torch.zeros(1, 60, 60, 5)})


def test_the_seed_decides():
    settings = {"light": 1.0, "hide": 0.5}
    first, again, other = (clip_of(letter(), seed, **settings)["image"] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert (first - other).abs().mean() > 0.01


def test_something_hides_part_of_the_object_in_later_frames_only():
    data = {"image": ramp((60, 60)), "label": torch.ones(1, 60, 60)}
    middle_only = 0
    for seed in range(40):
        free, hidden = (clip_of(data, seed, motion=STILL, zoom=(1, 1), hide=share) for share in (0.0, 1.0))
        cover = hidden["label"][0] == 0  # (X, Y, T)
        changed = (hidden["image"] != free["image"]).any(dim=0)
        assert not cover[..., 0].any()
        assert 0.005 < cover[..., 1].float().mean() < 0.7
        assert changed[cover].float().mean() > 0.9  # another part of the picture
        assert not changed[~cover].any()
        middle_only += not cover[..., 2].any()
    assert middle_only == pytest.approx(20, abs=10)


def test_a_share_of_the_clips_hides_something():
    data = {"image": torch.zeros(3, 60, 60), "label": torch.ones(1, 60, 60)}
    clips = [clip_of(data, seed, motion=STILL, zoom=(1, 1), hide=0.2) for seed in range(100)]
    hidden = sum(not clip["label"].all() for clip in clips)
    assert hidden == pytest.approx(20, abs=12)


def test_light_changes_the_image_and_never_the_label():
    dark, bright = (clip_of(letter(), light=strength) for strength in (0.0, 1.0))
    assert torch.equal(dark["label"], bright["label"])
    assert (dark["image"] - bright["image"]).abs().mean() > 0.01
    assert bright["image"].min() >= 0
    assert bright["image"].max() <= 1


def test_metadata_and_input_are_left_behind():
    still = letter()
    data = {"image": MetaTensor(still["image"].clone()), "label": still["label"].clone(), "name": "a"}
    clip = clip_of(data)
    assert type(clip["image"]) is torch.Tensor
    assert clip["name"] == "a"
    assert all(torch.equal(torch.as_tensor(data[key]), still[key]) for key in KEYS)
    assert torch.equal(clip["image"], clip_of(still)["image"])


def test_a_missing_label_may_be_allowed():
    image = {"image": letter()["image"]}
    with pytest.raises(KeyError):
        clip_of(image)
    assert torch.equal(clip_of(image, allow_missing_keys=True)["image"], clip_of(image, keys="image")["image"])
