# SPDX-License-Identifier: Apache-2.0
import pytest
import torch

from monai_i2v.networks import (
    EvidenceMemoryNet,
    ForgetfulTraining,
    MemorySettings,
    MobileNetV2Encoder,
    SlimMaskEncoder,
    TemporalContrastiveMemoryNet,
)
from monai_i2v.networks.evidence_memory_net import DISTANCE, DistanceGate, DrawnLook, EvidenceHead

SIZE = (48, 64)
MEMORY = MemorySettings(every=2, max_frames=3, top=8, zooms=(1.5,))


def small(network, **settings):
    torch.manual_seed(0)
    settings = {"key_channels": 16, "value_channels": 32, "widths": (32, 16, 16), "memory": MEMORY, **settings}
    return network(MobileNetV2Encoder(last_stage=16), SlimMaskEncoder(32), **settings)


@pytest.fixture
def net():
    return small(EvidenceMemoryNet).eval()


def clip(frames=6, videos=2):
    return torch.rand(videos, frames, 3, *SIZE, generator=torch.Generator().manual_seed(1))


def halves(videos=2):
    """Two objects, left and right."""
    masks = torch.zeros(videos, 2, *SIZE)
    masks[:, 0, :, :24], masks[:, 1, :, 40:] = 1, 1
    return masks


@pytest.mark.parametrize("background", [False, True])
def test_an_untrained_head_leaves_the_base_network_s_masks_bit_for_bit(background):
    base = small(TemporalContrastiveMemoryNet, background=background).eval()
    net = small(EvidenceMemoryNet, background=background).eval()
    missing = net.load_state_dict(base.state_dict(), strict=False).missing_keys
    assert all(name.startswith("head.") for name in missing)
    with torch.no_grad():
        assert torch.equal(net(clip(), halves()), base(clip(), halves()))


def test_the_head_s_gate_goes_from_the_joint_to_the_drawn_read_out():
    head = EvidenceHead(8, evidence=6).eval()
    joint, drawn = torch.zeros(1, 2, 8, 3, 4), torch.ones(1, 2, 8, 3, 4)
    signs = torch.rand(1, 6, 3, 4), torch.rand(1, 2, 4, 3, 4)
    assert torch.equal(head(joint, drawn, *signs), joint)
    torch.nn.init.constant_(head.gate.bias, 20.0)
    assert torch.allclose(head(joint, drawn, *signs), drawn)


def test_seen_from_nearer_and_further_drawn_frames_count_as_drawn(net):
    frames, masks = clip().unbind(1), halves()
    state = net.start(frames[0], masks)
    assert (state.drawn, len(state.bank)) == (5, 5)  # and four views at 1.5
    net.add_support(frames[1], masks, state)
    assert (state.drawn, len(state.bank)) == (6, 6)
    for frame in frames[2:]:
        _, state = net.step(frame, state)
    assert state.drawn == 6 < len(state.bank)


def test_a_place_looks_like_the_object_whose_color_it_has():
    features = torch.zeros(1, 2, 1, 4)
    features[0, 0, 0, :2], features[0, 1, 0, 2:] = 1, 1  # left one color, right another
    masks = torch.zeros(1, 1, 16, 64)
    masks[..., :32] = 1
    nearest, more, _, _ = DrawnLook.of(features, masks).likeness(features)[0, 0, :, 0]
    assert nearest.tolist() == [1, 1, 0, 0]
    assert more.tolist() == [4, 4, -4, -4]


def test_training_changes_the_head_only():
    net = small(EvidenceMemoryNet).freeze_all_but_head().train()
    net(clip(4), halves()).prob.square().mean().backward()
    learned = {name.partition(".")[0] for name, weight in net.named_parameters() if weight.grad is not None}
    assert learned == {"head"}


def test_in_training_a_mistake_is_remembered_now_and_then():
    torch.manual_seed(0)
    prob = halves(videos=1)
    assert torch.equal(ForgetfulTraining(spoiled=0.0).spoil(prob), prob)
    spoiled = [ForgetfulTraining(spoiled=1.0).spoil(prob) for _ in range(20)]
    assert all((one.sum(dim=1) <= 1 + 1e-5).all() and (one >= 0).all() for one in spoiled)
    assert sum(((one > 0.5) != (prob > 0.5)).any().item() for one in spoiled) > 10


def test_in_training_unsure_frames_are_never_remembered_and_new_ones_always():
    settings = ForgetfulTraining(turns=0.0, sure=0.5, familiar=0.8)
    for value, turn in ((0.6, False), (0.8, True), (1.0, False)):  # as sure as 0.2, 0.6 and 1
        assert settings.is_turn(torch.full((1, 1, 4, 4), value)) is turn


def test_the_distance_gate_reads_what_was_drawn_where_it_is_near_and_everything_where_it_is_far():
    joint, drawn = torch.zeros(1, 2, 8, 1, 3), torch.ones(1, 2, 8, 1, 3)
    evidence = torch.zeros(1, 6, 1, 3)
    evidence[0, 0, 0] = torch.tensor([0.0, 60.0, 120.0]) / DISTANCE
    found = DistanceGate(60.0, 5.0)(joint, drawn, evidence, torch.zeros(1, 2, 4, 1, 3))
    torch.testing.assert_close(found[0, 1, 7, 0], torch.tensor([1.0, 0.5, 0.0]), atol=1e-4, rtol=0)


def test_a_distance_gate_with_a_reach_judges_by_the_neighborhood():
    joint, drawn = torch.zeros(1, 1, 8, 1, 3), torch.ones(1, 1, 8, 1, 3)
    evidence = torch.zeros(1, 6, 1, 3)
    evidence[0, 0, 0] = torch.tensor([0.0, 0.0, 180.0]) / DISTANCE
    found = DistanceGate(60.0, 5.0, reach=3)(joint, drawn, evidence, torch.zeros(1, 1, 4, 1, 3))
    torch.testing.assert_close(found[0, 0, 0, 0], torch.tensor([1.0, 0.5, 0.0025]), atol=1e-4, rtol=0)
