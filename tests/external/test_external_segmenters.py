# SPDX-License-Identifier: Apache-2.0
"""The adapters on stand-ins that move masks one pixel to the right per frame; the real ones: benchmarks/external.py."""

import sys

import pytest
import torch
from stand_ins import CLONES

from monai_i2v.errors import UsageError
from monai_i2v.external import build_external
from monai_i2v.propagation import follow, propagate
from monai_i2v.session import VideoSession

SIDE = 65  # px, which AOT takes as it is
PACKAGE = ("sam2.1_tiny", "medsam2")


@pytest.fixture(params=CLONES)
def system(request, clone):
    method = request.param
    return build_external(method, None if method in PACKAGE else clone(method), 64 if method in PACKAGE else None)


def scene(frames=4, size=(SIDE, SIDE)):
    """A clip (T, 1, 3, H, W), and masks (1, 3, H, W), of which the second is empty."""
    torch.manual_seed(0)
    masks = torch.zeros(1, 3, *size)
    masks[:, 0, 4:20, 4:20] = 1
    masks[:, 2, 30:60, 24:40] = 1
    return torch.rand(frames, 1, 3, *size), masks


def test_two_objects_move_and_the_absent_one_has_no_probability(system):
    clip, masks = scene()
    probs = list(propagate(system, clip, masks))
    for frame, prob in enumerate(probs[1:], start=1):
        assert prob.shape == masks.shape
        assert prob.dtype == torch.float32
        assert not prob[:, 1].any()
        assert prob.sum(1).max() <= 1 + 1e-5
        for one in (0, 2):
            best = prob[0, one] > prob[0, one].max() * 0.9
            assert torch.equal(best, masks[0, one].roll(frame, -1) > 0)
    assert not any(prob.is_inference() for prob in probs)


def test_videos_take_turns(system):
    clip, masks = scene()
    alone = [prob for prob, _ in follow(system, clip[1:], system.start(clip[0], masks))]
    other = masks.flip(-1)
    state, second = system.start(clip[0], masks), system.start(clip[0], other)
    for frame, expected in zip(clip[1:], alone, strict=True):
        prob, state = system.step(frame, state)
        _, second = system.step(frame, second)
        assert torch.equal(prob, expected)


def test_without_any_object_there_is_nothing(system):
    clip, masks = scene()
    prob, _ = system.step(clip[1], system.start(clip[0], 0 * masks))
    assert prob.shape == masks.shape
    assert not prob.any()


def test_several_videos_at_a_time_are_refused(system):
    clip, masks = scene()
    with pytest.raises(
        UsageError, match=r"2 videos came at a time, expected 1 for .*Segmenter; give one after another"
    ):
        system.start(clip[:2, 0], masks.expand(2, -1, -1, -1))


def test_odd_sizes_come_back_as_they_are(system):
    clip, masks = scene(2, (62, 75))
    assert [prob.shape[-2:] for prob in propagate(system, clip, masks)] == [(62, 75)] * 2


def test_a_session_goes_both_ways(system):
    clip, masks = scene()
    session = VideoSession(system, list(clip[:, 0]), size=system.frame_size and SIDE)
    session.annotate(1, (masks[0, 0] + 3 * masks[0, 2]).int().numpy())
    assert sorted(frame.index for frame in session.propagate()) == [0, 1, 2, 3]
    assert session.labels == [1, 3]
    assert session.probabilities(0).flatten(1).any(1).all()


@pytest.mark.parametrize("method", ["sam2.1_tiny", "cutie_small", "xmem"])
def test_what_is_remembered_does_not_grow_over_two_thousand_frames(method, clone):
    system = build_external(method, None if method in PACKAGE else clone(method), 64 if method in PACKAGE else None)
    clip, masks = scene(2)
    with torch.no_grad():
        system.network.keep.fill_(1.0)
    state = system.start(clip[0], masks)
    sizes = []
    for count, (_, last) in enumerate(follow(system, [clip[1]] * 2000, state), start=1):
        if count in (100, 2000):
            sizes.append(size_of(last.engine))
    assert sizes[0] == sizes[1] < 60


def size_of(engine):
    """How many things an engine keeps."""
    if hasattr(engine, "fifo"):
        return len(engine.fifo)
    if hasattr(engine, "stored"):
        return len(engine.stored)
    state = engine.state
    kept = [len(outputs["non_cond_frame_outputs"]) for outputs in state["output_dict_per_obj"].values()]
    return sum(kept) + sum(map(len, state["frames_tracked_per_obj"].values())) + len(state["images"]) - 20


def test_few_cells_are_fewer_than_the_best_thirty(clone):
    system = build_external("cutie_small", clone("cutie_small"))
    clip, masks = scene(1)
    assert system.start(clip[0], masks).engine.top_k == 25  # 5 x 5 cells
    assert system.config.top_k == 30


def test_a_small_cutie_has_the_small_configuration(clone):
    depths = [build_external(name, clone(name)).network.depth for name in ("cutie_small", "cutie_base")]
    assert depths == [18, 50]


def test_sam2_says_when_an_object_is_too_small_to_be_seen(packages, caplog):
    system = build_external("sam2.1_tiny", None, 64)
    masks = torch.zeros(1, 1, 512, 512)
    masks[:, :, 100, 100] = 1
    system.start(torch.rand(1, 3, 512, 512), masks)
    assert "Object 1 is too small to be seen at 64 x 64 px." in caplog.text


def test_sam2_may_be_a_clone_and_shows_no_bars(clone, capfd):
    system = build_external("medsam2", clone("medsam2"))
    assert (system.size, system.frame_size) == (512, None)
    assert system.source.startswith("facebookresearch/sam2")
    clip, masks = scene(3)
    list(propagate(system, clip, masks))
    assert "it/s" not in capfd.readouterr().err


def test_nothing_is_printed_while_a_network_is_built(clone, capsys):
    build_external("xmem", clone("xmem"))
    assert capsys.readouterr().out == ""


def test_two_systems_of_the_same_module_names_work_in_one_process(clone):
    xmem, stcn = build_external("xmem", clone("xmem", "a")), build_external("stcn", clone("stcn", "b"))
    clip, masks = scene()
    ends = [list(propagate(system, clip, masks))[-1] for system in (xmem, stcn, xmem)]
    assert torch.equal(ends[0], ends[2])
    assert "inference" not in sys.modules
