# SPDX-License-Identifier: Apache-2.0
import math

import pytest
import torch

from monai_i2v.memory import MemoryPolicy, embed_keys
from monai_i2v.networks import (
    DistanceGate,
    GatedMemoryNet,
    MobileNetV2Encoder,
    SlimMaskEncoder,
    TemporalContrastiveMemoryNet,
)
from monai_i2v.networks.gated_memory_net import _compare, _compare_once, _keeps_few, nearest_distance

SIZE = (48, 64)
MEMORY = MemoryPolicy(mem_every=2, max_mem_frames=3, top_k=8, reference_crops=(1.5,))
SMALL = {"key_channels": 16, "value_channels": 32, "widths": (32, 16, 16), "policy": MEMORY}
NEVER, ALWAYS = DistanceGate(1e6), DistanceGate(-1e6)


def small(network, **settings):
    torch.manual_seed(0)
    return network(MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(32), **{**SMALL, **settings}).eval()


def clip(frames=6, videos=2):
    return torch.rand(videos, frames, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def halves(videos=2):
    """Two objects, left and right."""
    masks = torch.zeros(videos, 2, *SIZE)
    masks[:, 0, :, :24], masks[:, 1, :, 40:] = 1, 1
    return masks


def masks_of(net, **options):
    with torch.no_grad():
        return net(clip(**options), halves())


@pytest.mark.parametrize("background", [False, True])
def test_without_a_gate_masks_are_the_base_network_s_bit_for_bit(background):
    base = masks_of(small(TemporalContrastiveMemoryNet, background=background))
    assert torch.equal(masks_of(small(GatedMemoryNet, background=background)), base)


def test_a_gate_that_trusts_everything_changes_nothing_but_rounding():
    torch.testing.assert_close(
        masks_of(small(GatedMemoryNet, gate=ALWAYS)), masks_of(small(TemporalContrastiveMemoryNet)), atol=1e-5, rtol=0
    )


def test_a_gate_that_trusts_nothing_gives_the_masks_of_a_memory_of_the_drawn_frame():
    drawn_only = MemoryPolicy(mem_every=2, max_mem_frames=1, top_k=8, reference_crops=(1.5,))
    torch.testing.assert_close(
        masks_of(small(GatedMemoryNet, gate=NEVER)),
        masks_of(small(TemporalContrastiveMemoryNet, policy=drawn_only)),
        atol=1e-5,
        rtol=0,
    )


def test_seen_from_nearer_and_further_drawn_frames_count_as_drawn():
    net = small(GatedMemoryNet, gate=NEVER)
    frames, masks = clip().unbind(1), halves()
    with torch.no_grad():
        state = net.start(frames[0], masks)
        assert (state.bank.permanent, len(state.bank)) == (5, 5)  # and four views at 1.5
        net.add_support(frames[1], masks, state)
        assert (state.bank.permanent, len(state.bank)) == (6, 6)
        for frame in frames[2:]:
            _, state = net.step(frame, state)
    assert state.bank.permanent == 6 < len(state.bank)


def test_training_is_the_base_network_s():
    net, base = (small(network, policy=MemoryPolicy()) for network in (GatedMemoryNet, TemporalContrastiveMemoryNet))
    net.gate = NEVER
    found, expected = (one.train()(clip(3), halves()).prob for one in (net, base))
    assert torch.equal(found, expected)


def test_distances_are_those_to_the_nearest_cells():
    generator = torch.Generator().manual_seed(0)
    query, keys = torch.randn(2, 300, 8, generator=generator), torch.randn(2, 50, 8, generator=generator)
    expected = torch.cdist(query, keys).square().amin(-1) / math.sqrt(8)
    torch.testing.assert_close(nearest_distance(query, embed_keys(keys)), expected, atol=1e-4, rtol=1e-4)


def test_a_gate_with_a_reach_judges_by_the_neighborhood():
    trust = DistanceGate(60.0, 5.0, reach=3)(torch.tensor([[[0.0, 0.0, 180.0]]]))
    torch.testing.assert_close(trust, torch.tensor([[[0.0, 0.5, 0.9975]]]), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("settings", "reason"), [({"width": 0.0}, "width must be pos"), ({"reach": 4}, "reach must be")]
)
def test_a_gate_that_makes_no_sense_is_refused(settings, reason):
    with pytest.raises(ValueError, match=reason):
        DistanceGate(60.0, **settings)


def test_a_trust_that_is_nearly_0_or_1_throughout_is_rounded():
    net = small(GatedMemoryNet, gate=DistanceGate(60.0, 1.0, reach=1))
    for distance, expected in ((50.0, 0.0), (70.0, 1.0), (60.0, 0.5)):
        assert net.trust(torch.full((1, 2, 2), distance)).unique().item() == expected


def test_comparing_once_reads_the_same_as_comparing_for_each_read():
    """Few cells are kept of many, so that the drawn ones are searched once for gate, drawn and joint read."""
    few = MemoryPolicy(mem_every=1, max_mem_frames=4, top_k=2, reference_crops=(1.5,))
    net = small(GatedMemoryNet, gate=DistanceGate(5.0, 2.0, reach=1), policy=few)
    frames = clip(videos=2).unbind(1)
    with torch.no_grad():
        state = net.start(frames[0], halves())
        for frame in frames[1:]:
            key = net.encode_key(net.encode_frame(frame))
            if len(state.bank) > state.bank.permanent:
                once, apart = _compare_once(key, state.bank), _compare(key, state.bank)
                torch.testing.assert_close(once[0], apart[0], atol=1e-4, rtol=1e-5)
                for read, expected in zip(once[1:], apart[1:], strict=True):
                    torch.testing.assert_close(read(), expected(), atol=1e-5, rtol=1e-5)
            assert _keeps_few(state.bank)
            _, state = net.step(frame, state)
        assert len(state.bank) > state.bank.permanent


def test_shares_weights_and_gradients_are_read_as_before():
    net = small(GatedMemoryNet, gate=NEVER)
    with torch.no_grad():
        bank = net.start(clip().unbind(1)[0], halves()).bank
        assert not _keeps_few(bank)  # 8 of 60 cells
        bank.top_k = 1
        assert _keeps_few(bank)
        bank.weigh = lambda bank: torch.zeros(len(bank))
        assert not _keeps_few(bank)
        bank.weigh, bank.top_fraction = None, 0.01
        assert not _keeps_few(bank)
    bank.top_fraction = None
    assert not _keeps_few(bank)  # gradients are asked for
