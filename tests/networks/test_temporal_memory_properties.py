# SPDX-License-Identifier: Apache-2.0
"""What must hold for any input, also where the published networks of this family fail."""

import copy

import pytest
import torch

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import MobileNetV2Encoder, SlimMaskEncoder, TemporalContrastiveMemoryNet
from monai_i2v.propagation import propagate
from monai_i2v.transforms import labels_to_masks, masks_to_labels

ROUNDING = 1e-5
HALF_ERROR = 0.03  # mean over pixels, of an untrained network


@pytest.fixture(scope="module")
def small_net():
    """A light, untrained network that remembers every frame, in evaluation mode; tests change a copy of it."""
    torch.manual_seed(0)
    return TemporalContrastiveMemoryNet(
        MobileNetV2Encoder(last_stage=16),
        SlimMaskEncoder(16),
        key_channels=16,
        value_channels=16,
        widths=(16, 8, 8),
        policy=MemoryPolicy(mem_every=1),
    ).eval()


@pytest.fixture
def net(small_net):
    return copy.deepcopy(small_net)


def noise(size=(64, 80), length=4, seed=0):
    """Frames (T, 3, H, W)."""
    return torch.rand(length, 3, *size, generator=torch.Generator().manual_seed(seed))


def halves(size=(64, 80)):
    """Masks (1, 3, H, W): the left half, nothing, the right half."""
    masks = torch.zeros(1, 3, *size)
    masks[:, 0, :, : size[1] // 2] = 1
    masks[:, 2, :, size[1] // 2 :] = 1
    return masks


@torch.no_grad()
def segment(net, frames, masks):
    """Probabilities (T, K, H, W), checked for what must always hold."""
    prob = torch.cat(list(propagate(net, frames.split(1), masks)))
    assert prob.shape == (len(frames), *masks.shape[1:])
    assert prob.isfinite().all()
    assert prob.min() >= 0
    assert prob.sum(dim=1).max() <= 1 + ROUNDING
    assert not prob[:, masks[0].amax(dim=(-2, -1)) == 0].any()  # an empty mask stays empty
    return prob


@pytest.mark.parametrize("scale", [0.1, 1, 10, 100])
@pytest.mark.parametrize("top", [None, 3])
@pytest.mark.parametrize("seed", range(2))
def test_keys_of_any_size(net, scale, top, seed):
    net.policy = MemoryPolicy(mem_every=1, top_k=top)
    net.project_key.weight.data.mul_(scale / net.project_key(net.encode_frame(noise())[16]).std())
    segment(net, noise(seed=seed), halves())


@pytest.mark.parametrize("size", [(16, 16), (17, 16), (16, 600), (601, 23), (63, 65), (250, 333)])
def test_frames_of_any_size(net, size):
    segment(net, noise(size, length=3), halves(size))


@pytest.mark.parametrize(
    "kept", [*({"top_k": top} for top in (1, 2, 30, 79, 80, 81, 10**4)), {"top_fraction": 0.001}, {"top_fraction": 1.0}]
)
def test_any_number_of_kept_cells(net, kept):
    net.policy = MemoryPolicy(mem_every=1, **kept)  # four frames of 20 cells
    segment(net, noise(length=5), halves())


@pytest.mark.parametrize("max_frames", [1, 2, 3])
def test_any_number_of_remembered_frames(net, max_frames):
    net.policy = MemoryPolicy(mem_every=1, max_mem_frames=max_frames)
    segment(net, noise(length=6), halves())


@pytest.mark.parametrize("labels", [[1], [255], [256], [70_000], [1, 255, 256, 70_000]])
def test_label_values_of_any_size(net, labels):
    label_map = torch.zeros(1, 64, 80, dtype=torch.int32)
    for row, label in enumerate(labels):
        label_map[:, 16 * row : 16 * (row + 1)] = label
    prob = segment(net, noise(), labels_to_masks(label_map, labels))
    found = masks_to_labels(prob, labels)
    assert torch.equal(found[:1], label_map)
    assert set(found.unique().tolist()) <= {0, *labels}


@pytest.mark.parametrize("labels", [[1], [256, 70_000]])
def test_a_decoder_that_repeats_the_read_out_repeats_the_labels(net, labels, monkeypatch):
    """The way through the memory, without what is learned: keys say where, values say what."""
    h, w = 4, 5
    places = torch.eye(h * w).view(1, h * w, h, w)
    monkeypatch.setattr(net, "encode_key", lambda features: 100 * places)
    monkeypatch.setattr(
        net, "encode_value", lambda features, masks: masks.unflatten(2, (h, 16))[:, :, None, :, 0, ::16]
    )
    monkeypatch.setattr(
        net.decoder,
        "forward",
        lambda readout, features: 20 * readout[:, :, 0].repeat_interleave(16, -1).repeat_interleave(16, -2) - 10,
    )
    label_map = torch.zeros(1, 64, 80, dtype=torch.int32)
    label_map[:, 16:48, 32:64] = labels[0]
    label_map[:, 48:, :16] = labels[-1]
    found = masks_to_labels(segment(net, noise(), labels_to_masks(label_map, labels)), labels)
    assert torch.equal(found, label_map.expand_as(found))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("input_dtype", [torch.float32, None])
@pytest.mark.parametrize("top", [None, 3])
def test_a_network_in_half_precision(net, dtype, input_dtype, top):
    net.policy = MemoryPolicy(mem_every=1, top_k=top)
    exact = segment(net, noise(), halves())
    rounded = segment(net.to(dtype), noise().to(input_dtype or dtype), halves().to(input_dtype or dtype))
    assert (rounded - exact).abs().mean() < HALF_ERROR


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("top", [None, 3])
def test_autocast_changes_little(net, dtype, top):
    net.policy = MemoryPolicy(mem_every=1, top_k=top)
    exact = segment(net, noise(), halves())
    with torch.autocast("cpu", dtype):
        rounded = segment(net, noise(), halves())
    assert rounded.dtype == torch.float32
    assert (rounded - exact).abs().mean() < HALF_ERROR


@pytest.mark.parametrize("fill", [0.0, 1.0])
def test_frames_without_contrast(net, fill):
    segment(net, torch.full_like(noise(), fill), halves())


def test_no_object_at_all_gives_zeros(net):
    assert not segment(net, noise(), torch.zeros(1, 2, 64, 80)).any()


@pytest.mark.parametrize("size", [(64, 96), (80, 64), (63, 80)])
def test_a_change_of_frame_size_is_an_error_that_says_where(net, size):
    frames = [*noise().split(1)[:2], *noise(size).split(1)]
    message = f"frame 2 is {size[1]}x{size[0]} px, but the video began with 80x64 px"
    with pytest.raises(ValueError, match=message), torch.no_grad():
        list(propagate(net, frames, halves()))
