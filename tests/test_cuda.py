# SPDX-License-Identifier: Apache-2.0
"""What only a GPU shows, shown by one that is none: see `fake_cuda`."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_cuda import CUDA, OnDevice, fake_cuda
from monai.bundle import ConfigParser

from monai_i2v.adaptation import TestTimeTrainer
from monai_i2v.adaptation.intent import InTEntNet
from monai_i2v.adaptation.schedule import Schedule
from monai_i2v.adaptation.terms import FeatureAlignment, PredictionAlignment
from monai_i2v.inferers import PropagationInferer
from monai_i2v.media import Video, VideoInfo
from monai_i2v.memory import ConfidentPolicy, MemoryPolicy
from monai_i2v.networks import OneShotMemoryNet, RelearningNet
from monai_i2v.phantoms import Phantom
from monai_i2v.propagation import follow
from monai_i2v.session import LiveSession
from monai_i2v.tracking import AbsenceGate, AnnotatedVideo
from monai_i2v.tracking.frame_upload import FrameUpload

BUNDLES = Path(__file__).parents[1] / "bundles"
FRAMES = 6


@pytest.fixture
def device():
    with fake_cuda() as device:
        yield device


def shipped_memory_net():
    """What the memory bundle runs, with its weights."""
    config = ConfigParser()
    folder = BUNDLES / "temporal_contrastive_memory_video_segmentation"
    config.read_config(folder / "configs" / "inference.json")
    config.update({"bundle_root": str(folder)})
    return config.get_parsed_content("network").eval()


def moving(size=(96, 128)):
    """Frames (1, 3, H, W) of a phantom, and masks (1, 2, H, W) of the first, of which the second object is drawn."""
    phantom = Phantom(length=FRAMES, size=size)
    masks = torch.zeros(1, 2, *size)
    masks[0, 0] = torch.from_numpy(phantom.label_map(0) == 1)
    masks[0, 1, :20, :30] = 1
    return [frame.unsqueeze(0) for frame in phantom], masks


@torch.no_grad()
def carried(network, frames, masks):
    return [prob for prob, _ in follow(network, frames[1:], network.start(frames[0], masks))]


def on_device(network, frames, masks):
    return copy.deepcopy(network).to(CUDA), [frame.to(CUDA) for frame in frames], masks.to(CUDA)


def waits_of_the_loop(device, network, frames, masks):
    """Masks of the loop on the device, and how often the host waited."""
    with torch.no_grad():
        state = network.start(frames[0], masks)
        device.waits.clear()
        device.moved.clear()
        found = [prob for prob, _ in follow(network, frames[1:], state)]
    assert all(prob.device == CUDA for prob in found)
    assert not device.moved
    return [prob.held for prob in found], device.waits.total()


def test_the_device_refuses_what_cuda_refuses(device):
    weight, frame = torch.ones(3, device=CUDA), torch.ones(3)
    with pytest.raises(RuntimeError, match="expected all tensors to be on the same device"):
        weight + frame
    with pytest.raises((TypeError, RuntimeError), match="numpy"):
        weight.numpy()
    assert not device.waits
    assert weight[weight > 0].sum().item() == 3
    assert device.waits.total() == 2


@pytest.mark.parametrize("objects", [1, 2])
def test_the_shipped_memory_network_waits_once_per_frame_to_know_what_it_remembers(device, objects):
    network, (frames, masks) = shipped_memory_net(), moving()
    masks = masks[:, :objects]
    expected = carried(network, frames, masks)
    found, waits = waits_of_the_loop(device, *on_device(network, frames, masks))
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert waits <= FRAMES - 1


@pytest.mark.parametrize("objects", [1, 2])
def test_the_image_network_never_waits(device, image_net, objects):
    network, (frames, masks) = image_net, moving((64, 80))
    masks = masks[:, :objects]
    expected = carried(network, frames, masks)
    found, waits = waits_of_the_loop(device, *on_device(network, frames, masks))
    assert all(map(torch.equal, found, expected))
    assert waits == 0


@pytest.mark.parametrize("policy", [MemoryPolicy(mem_every=2, max_mem_frames=3), ConfidentPolicy(mem_every=2)])
def test_a_memory_of_every_nth_frame_never_waits_and_a_confident_one_once(device, image_net, policy):
    network, (frames, masks) = OneShotMemoryNet(image_net, policy=policy).eval(), moving((64, 80))
    expected = carried(network, frames, masks)
    found, waits = waits_of_the_loop(device, *on_device(network, frames, masks))
    assert all(map(torch.equal, found, expected))
    assert waits == (FRAMES - 1 if isinstance(policy, ConfidentPolicy) else 0)


def test_the_gate_of_absent_objects_adds_no_wait(device, memory_net):
    memory_net.policy = ConfidentPolicy(mem_every=2, max_mem_frames=3)
    network, (frames, masks) = AbsenceGate(memory_net).eval(), moving((64, 80))
    expected = carried(network, frames, masks)
    found, waits = waits_of_the_loop(device, *on_device(network, frames, masks))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert waits <= FRAMES - 1


@pytest.mark.parametrize("wrap", [OneShotMemoryNet, RelearningNet])
def test_what_is_made_of_a_network_lies_beside_it(device, image_net, wrap):
    network, (frames, masks) = wrap(copy.deepcopy(image_net).to(CUDA)).eval(), moving((64, 80))
    assert {param.device for param in network.parameters()} == {CUDA}
    expected = carried(wrap(image_net).eval(), frames, masks)
    found, waits = waits_of_the_loop(device, network, [frame.to(CUDA) for frame in frames], masks.to(CUDA))
    assert waits == 0
    torch.testing.assert_close(found[0], expected[0], atol=1e-5, rtol=0)


def test_frames_go_up_as_bytes_and_once(device, memory_net):
    phantom, (_, masks) = Phantom(length=FRAMES, size=(64, 80)), moving((64, 80))
    expected = [result.prob for result in PropagationInferer(None).stream(phantom, memory_net, masks[0])]
    network, there = copy.deepcopy(memory_net).to(CUDA), masks[0].to(CUDA)
    device.waits.clear()
    device.moved.clear()
    results = list(PropagationInferer(None).stream(phantom, network, there))
    assert all(isinstance(result.prob, OnDevice) for result in results)
    assert [result.frame.device.type for result in results] == ["cpu"] * FRAMES
    assert all(torch.equal(result.prob.held, prob) for result, prob in zip(results, expected, strict=True))
    assert device.moved[torch.uint8] == FRAMES * 64 * 80
    # The drawn masks go up once more, as they are resized; shades of gray are 256 numbers per frame.
    assert device.moved[torch.float32] <= 4 * (2 * 64 * 80 * 2 + FRAMES * 256)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_what_the_device_makes_of_stored_bytes_is_what_the_cpu_sees(device, channels, kind):
    pixels = np.random.RandomState(0).randint(0, 200, (9, 7, channels), kind)
    stored = Stored(pixels, window=(30.0, 170.0)).stored(0)
    assert torch.equal(FrameUpload(stored, CUDA).arrived().held, stored.frame.unsqueeze(0))
    assert torch.equal(FrameUpload(stored.frame, CUDA).arrived().held, stored.frame.unsqueeze(0))
    assert device.moved[torch.uint8] == (9 * 7 * channels if kind == np.uint8 else 0)
    assert not device.waits


class Stored(Video):
    """One frame."""

    def __init__(self, pixels, window):
        super().__init__(VideoInfo("stored", "array", 1, *pixels.shape[:2]), window)
        self.pixels = pixels

    def read(self, index):
        return self.pixels


@pytest.mark.parametrize("ref_frame", [0, 3])
def test_a_video_waits_per_frame_for_writing_alone(device, memory_net, ref_frame):
    """Frames before the reference are written to disk; those after it are only looked at, by nobody here."""
    phantom, (_, masks) = Phantom(length=FRAMES, size=(64, 80)), moving((64, 80))
    network, there = copy.deepcopy(memory_net).to(CUDA), masks[0].to(CUDA)
    begin = fewer_frames_waits(device, network, there, ref_frame, phantom, ref_frame + 2)
    assert fewer_frames_waits(device, network, there, ref_frame, phantom, FRAMES) == begin


def fewer_frames_waits(device, network, masks, ref_frame, phantom, count):
    """Waits of a video that ends earlier."""
    device.waits.clear()
    list(PropagationInferer(None).stream([phantom[index] for index in range(count)], network, masks, ref_frame))
    return device.waits.total()


def test_a_camera_waits_once_per_frame(device, memory_net):
    phantom = Phantom(length=FRAMES, size=(64, 80))
    session = LiveSession(copy.deepcopy(memory_net).to(CUDA), size=64)
    session.annotate(phantom[0], phantom.label_map(0))
    device.waits.clear()
    found = [session.step(phantom[index]) for index in range(1, FRAMES)]
    assert device.waits.total() == FRAMES - 1
    assert {frame.label_map.shape for frame in found} == {(64, 80)}


def test_intent_leaves_the_network_as_it_is(image_net):
    """Statistics of one video never reach another one that is segmented by the same network."""
    before = copy.deepcopy(image_net.state_dict())
    network, (frames, masks) = InTEntNet(image_net, mixtures=2), moving((64, 80))
    carried(network, frames[:2], masks)
    assert all(torch.equal(value, before[name]) for name, value in image_net.state_dict().items())


@pytest.mark.parametrize("scope", ["sliding", "stream"])
def test_learning_along_a_video_is_never_in_mixed_precision(image_net, scope, monkeypatch):
    seen = []

    class Watched(PredictionAlignment):
        def __call__(self, step):
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().__call__(step)

    trainer = TestTimeTrainer((Watched(), FeatureAlignment()), schedule=Schedule(passes=1, window=2))
    frames, masks = moving((64, 80))
    video = AnnotatedVideo(frames, masks)
    along = getattr(trainer, f"adapt_{scope}")
    inferer = PropagationInferer(None, dtype="bfloat16")
    list(inferer.stream([frame[0] for frame in video.frames], image_net, masks[0], predict=along))
    assert seen
    assert not any(seen)
