# SPDX-License-Identifier: Apache-2.0
import copy

import pytest
import torch

from monai_i2v.memory import MemoryPolicy
from monai_i2v.networks import OneShotMemoryNet
from monai_i2v.propagation import propagate
from monai_i2v.tracking import MemoryTree
from monai_i2v.tracking.memory_tree import at_threshold, pathway_score


@pytest.fixture
def one_shot_net(image_net):
    return OneShotMemoryNet(
        image_net, policy=MemoryPolicy(mem_every=2, max_mem_frames=3, top_fraction=0.2), key="matching"
    ).eval()


def run(segmenter, disc):
    frames, masks = disc
    with torch.no_grad():
        return list(propagate(segmenter, frames.unsqueeze(1), masks[:1]))


@pytest.mark.parametrize("name", ["memory_net", "one_shot_net"])
def test_one_pathway_at_the_usual_threshold_is_the_network_itself(name, disc, request):
    net = request.getfixturevalue(name)
    tree = MemoryTree(net, pathways=1, thresholds=[0.5])
    assert all(one.equal(other) for one, other in zip(run(tree, disc), run(net, disc), strict=True))


def test_a_tree_is_as_large_as_asked_and_its_best_pathway_speaks(memory_net, disc):
    frames, masks = disc
    tree = MemoryTree(memory_net, pathways=3)
    state = tree.start(frames[:1], masks[:1])
    sizes = []
    with torch.no_grad():
        for frame in frames[1:]:
            _, state = tree.step(frame.unsqueeze(0), state)
            sizes.append(len(state))
            assert [path.score for path in state] == sorted((path.score for path in state), reverse=True)
    assert sizes == [1, 3, 3, 3, 3]  # every second frame is remembered


def test_pathways_have_memories_of_their_own(memory_net, disc):
    frames, masks = disc
    tree = MemoryTree(memory_net, pathways=3)
    state = tree.start(frames[:1], masks[:1])
    with torch.no_grad():
        for frame in frames[1:3]:
            _, state = tree.step(frame.unsqueeze(0), state)
    first, second, third = (path.state.bank.values for path in state)
    assert first.shape[2] == 2
    assert first[:, :, 0].equal(second[:, :, 0])  # the reference
    assert not first[:, :, 1].equal(second[:, :, 1])
    assert not second[:, :, 1].equal(third[:, :, 1])


def test_the_scorer_decides_which_masks_are_remembered(memory_net, disc):
    large = MemoryTree(memory_net, pathways=1, scorer=lambda prob: (prob > 0.5).float().mean().item())
    small = MemoryTree(memory_net, pathways=1, scorer=lambda prob: 1 - (prob > 0.5).float().mean().item())
    areas = [[(prob > 0.5).sum().item() for prob in run(tree, disc)] for tree in (large, small)]
    assert areas[0][1] == areas[1][1]  # nothing was remembered yet
    assert areas[0][2] > areas[1][2]


def test_a_network_can_be_copied_and_the_given_one_stays(memory_net, disc):
    before = copy.deepcopy(memory_net.state_dict())
    tree = copy.deepcopy(MemoryTree(memory_net))
    run(tree, disc)
    assert all(value.equal(memory_net.state_dict()[name]) for name, value in before.items())


def test_thresholds_move_the_outline_and_keep_shares():
    prob = torch.tensor([[0.4, 0.2], [0.3, 0.6], [0.0, 0.0]]).t().view(1, 2, 1, 3)
    wide = at_threshold(prob, 0.35)
    assert (at_threshold(torch.tensor([0.34, 0.36]).view(1, 1, 1, 2), 0.35) > 0.5).flatten().tolist() == [False, True]
    torch.testing.assert_close(wide[:, 0] * prob[:, 1], wide[:, 1] * prob[:, 0])
    assert (wide.sum(dim=1) <= 1).all()
    assert at_threshold(prob, 0.5) is prob
    covered = torch.tensor([0.7, 0.3]).view(1, 2, 1, 1)  # no background
    torch.testing.assert_close(at_threshold(covered, 0.65), covered)


def test_confidence_is_the_distance_from_the_threshold_and_of_absence_too():
    prob = torch.zeros(1, 1, 2, 2)
    assert pathway_score(prob) == 1  # surely not there
    prob[..., 0, 0] = 0.45
    assert pathway_score(prob) == pytest.approx(0.1)
    prob[..., 0, 0], prob[..., 1, 1] = 0.9, 0.7
    assert pathway_score(prob) == pytest.approx((0.8 + 0.4) / 2)


def test_settings_that_make_no_sense_are_refused(memory_net):
    with pytest.raises(ValueError, match="pathways must be 1 or more, got 0"):
        MemoryTree(memory_net, pathways=0)
    with pytest.raises(ValueError, match=r"thresholds must be between 0 and 1, got \(0.5, 1.0\)"):
        MemoryTree(memory_net, thresholds=(0.5, 1.0))
