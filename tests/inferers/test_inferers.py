# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.errors import UsageError
from monai_i2v.inferers import AutocastInferer, PropagationInferer
from monai_i2v.media import FrameError
from monai_i2v.phantoms import Phantom
from monai_i2v.tracking import WorkingFrames, working_size


class Recorder:
    """A segmenter whose masks carry the brightness of the frame, and that notes the order of the frames."""

    def __init__(self):
        self.seen = []

    def start(self, frame, masks):
        self.seen.append(round(frame.mean().item() * 100))
        return masks

    def step(self, frame, state):
        self.seen.append(round(frame.mean().item() * 100))
        return frame.mean() * torch.ones_like(state), state


def numbered(length=6, size=(20, 24)):
    """Frames whose gray is their number in hundredths."""
    return [torch.full((3, *size), index / 100) for index in range(length)]


class Damaged(Phantom):
    """A phantom of which some frames cannot be decoded."""

    def __init__(self, broken, length=5):
        super().__init__(length=length, size=(20, 24))
        self.broken = broken

    def read(self, index):
        if index in self.broken:
            raise FrameError(f"frame {index} cannot be decoded.")
        return super().read(index)


def masks(size=(20, 24)):
    mask = torch.zeros(1, *size)
    mask[:, 5:10, 3:20] = 1
    return mask


@pytest.mark.parametrize(
    ("ref_frame", "order"),
    [(0, [0, 1, 2, 3, 4, 5]), (2, [2, 1, 0, 2, 3, 4, 5]), (5, [5, 4, 3, 2, 1, 0])],
)
def test_masks_go_both_ways_from_the_reference_and_come_in_the_order_of_time(ref_frame, order):
    segmenter = Recorder()
    results = list(PropagationInferer(None).stream(numbered(), segmenter, masks(), ref_frame))
    assert segmenter.seen == order
    assert [result.index for result in results] == list(range(6))
    assert torch.equal(results[ref_frame].prob, masks())
    others = [result for result in results if result.index != ref_frame]
    assert [result.prob.mean().item() for result in others] == pytest.approx([r.index / 100 for r in others], abs=1e-5)
    assert all(result.frame.mean().item() == pytest.approx(result.index / 100) for result in results)


def test_the_network_sees_its_size_and_results_have_the_videos():
    class SizeCheck(Recorder):
        def step(self, frame, state):
            assert frame.shape == (1, 3, 32, 38)
            assert state.shape == (1, 1, 32, 38)
            return state, state

    results = list(PropagationInferer(32).stream(numbered(), SizeCheck(), masks()))
    assert results[3].prob.shape == (1, 20, 24)
    assert ((results[3].prob > 0.5) == (masks() > 0.5)).float().mean() > 0.97


def test_a_monai_batch_keeps_its_axes():
    image = torch.zeros(1, 1, 24, 20, 3)  # (B, C, X, Y, T)
    image[:, :, 4:9, 2:5] = 1

    class Bright(Recorder):
        def step(self, frame, state):
            assert frame.shape == (1, 3, 20, 24)
            return frame[:, :1], state

    prob = PropagationInferer(None)(image, Bright(), image[..., 0])
    torch.testing.assert_close(prob, image)


@pytest.mark.parametrize("broken", [{2}, {2, 3}, {4}])
def test_an_unreadable_frame_keeps_the_masks_before_it_and_is_marked(broken):
    results = list(PropagationInferer(None).stream(Damaged(broken), Recorder(), masks()))
    assert {result.index for result in results if result.error} == broken
    first = min(broken)
    assert torch.equal(results[first].prob, results[first - 1].prob)
    assert torch.equal(results[first].frame, results[first - 1].frame)
    assert f"frame {first} cannot be decoded" in results[first].error


def test_unreadable_frames_at_the_start_get_the_masks_of_the_first_readable_one():
    results = list(PropagationInferer(None).stream(Damaged({0, 1}), Recorder(), masks(), ref_frame=4))
    assert [bool(result.error) for result in results] == [True, True, False, False, False]
    assert torch.equal(results[0].prob, results[2].prob)
    assert torch.equal(results[1].prob, results[2].prob)


@pytest.mark.parametrize("ref_frame", [-1, 5])
def test_a_reference_that_the_video_does_not_have_is_an_error(ref_frame):
    with pytest.raises(UsageError, match=rf"ref_frame is {ref_frame}, expected 0 to 4; the video has 5 frames"):
        list(PropagationInferer(None).stream(numbered(5), Recorder(), masks(), ref_frame))


def test_an_unreadable_reference_is_an_error():
    with pytest.raises(FrameError, match="frame 2 cannot be decoded"):
        list(PropagationInferer(None).stream(Damaged({2}), Recorder(), masks(), 2))


def test_a_video_without_any_readable_frame_is_an_error():
    with pytest.raises(FrameError, match="cannot be decoded"):
        WorkingFrames(Damaged({0, 1, 2, 3, 4}), None)[0]


def test_frames_are_decoded_once():
    class Counting(Damaged):
        reads = 0

        def read(self, index):
            Counting.reads += 1
            return super().read(index)

    list(PropagationInferer(16).stream(Counting(set()), Recorder(), masks()))
    assert Counting.reads == 5


@pytest.mark.parametrize(
    ("frame", "size", "expected"),
    [((480, 640), 256, (256, 341)), ((640, 480), 256, (341, 256)), ((20, 900), 32, (32, 64)), ((8, 9), None, (16, 16))],
)
def test_working_size_keeps_proportions_within_reason(frame, size, expected):
    assert working_size(*frame, size) == expected


def test_a_slice_of_working_frames_is_a_list():
    frames = WorkingFrames(numbered(), None)
    assert [round(frame.mean().item() * 100) for frame in frames[1:6:2]] == [1, 3, 5]
    assert len(frames) == 6


def test_autocast_computes_in_bfloat16_and_answers_in_float32():
    seen = []
    network = torch.nn.Linear(8, 8)
    network.register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    assert AutocastInferer()(torch.ones(1, 8), network).dtype == torch.float32
    AutocastInferer(enabled=False)(torch.ones(1, 8), network)
    assert seen == [torch.bfloat16, torch.float32]


class Projection(torch.nn.Module):
    """A segmenter whose masks are a matrix product of the frame, and that notes in what precision."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.full((24, 24), 1 / 3))
        self.seen = []

    def start(self, frame, masks):
        return masks

    def step(self, frame, state):
        product = frame[:, :1] @ self.weight
        self.seen.append(product.dtype)
        return product.clamp(0, 1), state


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_frames_are_computed_in_the_precision_asked_for_and_nothing_else_is(dtype):
    network, matrix = Projection(), torch.ones(2, 2)
    inferer = PropagationInferer(size=None, dtype=dtype)
    with torch.no_grad():
        for result in inferer.stream(numbered(), network, torch.ones(1, 20, 24), ref_frame=2):
            assert result.prob.dtype == (matrix @ matrix).dtype == torch.float32
    assert network.seen == [getattr(torch, dtype)] * 5


def test_an_unknown_precision_is_answered_with_the_choices():
    with pytest.raises(UsageError, match="dtype is 'half', expected one of float32, bfloat16, float16; use 'float32'"):
        PropagationInferer(dtype="half")


def test_an_absence_is_told_by_a_memory_network_and_asked_of_others_in_vain(image_net, memory_net, disc):
    frames, masks = disc
    inferer = PropagationInferer(None, absence="true")
    gated = list(inferer.stream(list(frames), memory_net, masks[0]))
    assert [result.index for result in gated] == list(range(len(frames)))
    with pytest.raises(UsageError, match="absence is true, but OneShotNet has no memory that could tell"):
        next(inferer.stream(list(frames), image_net, masks[0]))


def test_float16_is_not_trained_in_on_a_cpu_and_asks_for_a_scaled_loss():
    inferer = AutocastInferer(dtype="float16")
    assert inferer.scales_loss
    assert not AutocastInferer(dtype="float16", enabled=False).scales_loss
    assert not AutocastInferer().scales_loss
    with pytest.raises(UsageError, match=r"amp_dtype is 'float16' and the device a CPU, .* use 'bfloat16', or CUDA"):
        inferer(torch.ones(1, 4), torch.nn.Linear(4, 2))
