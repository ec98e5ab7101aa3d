# SPDX-License-Identifier: Apache-2.0
"""What random changes of echoes have in common, and what is special about each."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from monai.data import MetaTensor
from monai.transforms import Compose
from phantoms import phantom_clip

from monai_i2v.errors import UsageError
from monai_i2v.transforms import (
    Fan,
    RandAcousticShadow,
    RandAcousticShadowd,
    RandGainCompensation,
    RandGainCompensationd,
    RandSpeckle,
    RandSpeckled,
    Rectangle,
    find_sector,
)
from monai_i2v.transforms.rand_echo import RandEcho, decibels, scale_echo
from monai_i2v.transforms.sector import beams_of_pixels, sector_mask

LINEAR = Rectangle((-0.5, -0.5), (63.5, 79.5))
ALL = (RandSpeckle, RandGainCompensation, RandAcousticShadow)
FORMS = {
    RandSpeckle: RandSpeckled,
    RandGainCompensation: RandGainCompensationd,
    RandAcousticShadow: RandAcousticShadowd,
}


def flat(value: float = 0.5, frames: int = 4) -> torch.Tensor:
    return torch.full((1, 64, 80, frames), value)


def test_a_factor_of_a_tenth_is_a_third_of_60_db() -> None:
    gray = scale_echo(torch.tensor([0.0, 0.9, 1.0]), torch.tensor(0.1))
    assert gray.tolist() == pytest.approx([0, 0.9 - 1 / 3, 2 / 3], abs=0.003)
    torch.testing.assert_close(scale_echo(gray, torch.tensor(10.0)), torch.tensor([0.0, 0.9, 1.0]))
    assert scale_echo(torch.tensor([1.0]), decibels(torch.tensor(-20.0)), 40).item() == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("transform", ALL)
def test_what_is_outside_of_the_sector_stays(transform: type[RandEcho]) -> None:
    clip = phantom_clip()["image"]
    clip[:, 2:10, 2:6] = 0.9  # letters
    result = transform(prob=1).set_random_state(0)(clip)
    outside = ~sector_mask(find_sector(clip), clip.shape[1:3])
    torch.testing.assert_close(result[:, outside].as_tensor(), clip[:, outside].as_tensor())
    assert (result - clip).abs().mean() > 0.001
    assert torch.equal(result.affine, clip.affine)


@pytest.mark.parametrize("transform", ALL)
def test_the_seed_decides_and_black_stays_black(transform: type[RandEcho]) -> None:
    clip = flat()
    clip[:, :, 40:45] = 0
    first, again, other = (transform(prob=1, sector=LINEAR).set_random_state(seed)(clip) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert first[:, :, 40:45].max() == 0


@pytest.mark.parametrize("transform", ALL)
def test_type_range_and_stills(transform: type[RandEcho]) -> None:
    still = torch.randint(0, 256, (3, 64, 80), dtype=torch.uint8)
    result = transform(prob=1, sector=LINEAR).set_random_state(0)(still)
    assert (result.dtype, result.shape) == (torch.uint8, still.shape)
    as_float = transform(prob=1, sector=LINEAR).set_random_state(0)(still / 255)
    assert (255 * as_float - result).abs().max() <= 0.51
    assert torch.equal(transform(prob=0)(still), still)


@pytest.mark.parametrize("transform", ALL)
def test_dictionary_form_changes_images_by_one_draw_and_leaves_labels(transform: type[RandEcho]) -> None:
    data: dict[str, Any] = {"image": flat(), "again": flat(), "label": flat()}
    form = FORMS[transform](("image", "again"), prob=1.0, sector=LINEAR)
    changed = Compose([form]).set_random_state(3)(data)
    assert torch.equal(changed["image"], changed["again"])
    assert changed["label"] is data["label"]
    assert not torch.equal(changed["image"], data["image"])
    repeated = Compose([form]).set_random_state(3)(data)
    assert torch.equal(changed["image"], repeated["image"])


def test_a_share_of_the_clips_changes() -> None:
    gain = RandGainCompensation(prob=0.3, sector=LINEAR).set_random_state(0)
    assert sum(bool((gain(flat()) != 0.5).any()) for _ in range(200)) == pytest.approx(60, abs=20)


def test_without_a_sector_it_says_so() -> None:
    with pytest.raises(UsageError, match="no echo was found"):
        RandSpeckle(prob=1)(flat(0.0))


def test_gain_alone_is_the_same_at_every_depth_and_within_its_limits() -> None:
    gain = RandGainCompensation(gain=6, slider=0, prob=1, sector=LINEAR).set_random_state(0)
    levels = []
    for _ in range(100):
        result = gain(flat(0.9))
        assert result.max() - result.min() < 1e-6
        levels.append(60 * (float(result[0, 0, 0, 0]) - 0.9))
    assert min(levels) == pytest.approx(-6, abs=0.6)
    assert max(levels) == pytest.approx(6, abs=0.6)


def test_sliders_change_gain_smoothly_with_depth_in_a_fan() -> None:
    fan = Fan(apex=(31.5, -20.0), radii=(20.0, 95.0), angles=(-25.0, 25.0))
    result = RandGainCompensation(gain=0, slider=8, prob=1, sector=fan).set_random_state(1)(flat(0.7, frames=1))
    beam, depth = beams_of_pixels(fan, (64, 80))
    ring = (depth > 0.5) & (depth < 0.51) & (beam > 0) & (beam < 1)
    assert result[0, ..., 0][ring].std() < 0.003
    column = result[0, 31, 2:74, 0]
    assert column.diff().abs().max() < 0.02
    assert column.max() - column.min() > 0.03


def test_a_shadow_is_a_fan_from_the_probe_with_its_width_and_loss() -> None:
    fan = Fan(apex=(31.5, -20.0), radii=(20.0, 95.0), angles=(-25.0, 25.0))
    shadow = RandAcousticShadow((0.3, 0.3), (0.4, 0.4), (20, 20), prob=1, sector=fan).set_random_state(0)
    result = shadow(flat(0.9, frames=2))
    assert torch.equal(result[..., 0], result[..., 1])
    beam, depth = beams_of_pixels(fan, (64, 80))
    inside = sector_mask(fan, (64, 80))
    dark = (result[0, ..., 0] < 0.75) & inside
    assert depth[dark].min() == pytest.approx(0.41, abs=0.02)
    assert depth[dark].max() > 0.97
    assert (beam[dark].max() - beam[dark].min()).item() == pytest.approx(0.27, abs=0.04)
    assert result[0, ..., 0][inside].min().item() == pytest.approx(0.9 - 20 / 60, abs=0.005)
    near, far = (dark & (depth > low) & (depth < high) for low, high in ((0.45, 0.55), (0.85, 0.95)))
    assert abs(beam[near].mean() - beam[far].mean()) < 0.03


def test_full_speckle_is_rayleigh_distributed() -> None:
    """The mean of a Rayleigh distribution is 1.913 times its standard deviation (Wagner et al., 1983)."""
    speckle = RandSpeckle((1, 1), grain=(1.0, 1.0), correlation=0, prob=1, sector=LINEAR)
    speckle.set_random_state(0).randomize()
    factor = speckle.factor(LINEAR, (20, 64, 80))
    assert factor.mean().item() == pytest.approx(1, abs=0.001)
    assert (factor.mean() / factor.std()).item() == pytest.approx(1.913, rel=0.03)


@pytest.mark.parametrize("correlation", [0.0, 0.8, 1.0])
def test_noise_is_as_correlated_over_time_as_asked(correlation: float) -> None:
    speckle = RandSpeckle(correlation=correlation, prob=1, sector=LINEAR)
    noise = speckle._correlated(torch.randn(30, 2, 60, 60, generator=torch.Generator().manual_seed(0)))
    assert noise.std().item() == pytest.approx(1, abs=0.02)
    if correlation < 1:
        for lag in (1, 2):
            found = (noise[lag:] * noise[:-lag]).mean().item()
            assert found == pytest.approx(correlation**lag, abs=0.02)
    clip = speckle.set_random_state(0)(flat(frames=6))
    assert torch.equal(clip[..., 0], clip[..., 5]) == (correlation == 1)


def test_grain_lies_across_the_beams_and_widens_with_depth() -> None:
    fan = Fan(apex=(95.5, 0.0), radii=(10.0, 150.0), angles=(-35.0, 35.0))
    speckle = RandSpeckle((1, 1), grain=(3.0, 0.7), correlation=0, prob=1, sector=fan).set_random_state(0)
    speckle.randomize()
    factor = speckle.factor(fan, (20, 192, 160))[:, 0]

    def likeness(shift: int, axis: int, rows: slice) -> float:
        part = factor[:, 80:112, rows] - 1
        moved = factor.roll(-shift, dims=axis)[:, 80:112, rows] - 1
        return float((part * moved).mean() / part.square().mean())

    assert likeness(3, 1, slice(110, 140)) > likeness(3, 2, slice(110, 140)) + 0.3  # across more than along
    assert likeness(3, 1, slice(110, 140)) > likeness(3, 1, slice(30, 50)) + 0.15  # deep more than near


def test_metadata_are_kept_when_nothing_changes() -> None:
    clip = MetaTensor(flat(), meta={"name": "a"})
    assert RandSpeckle(prob=0)(clip).meta["name"] == "a"
