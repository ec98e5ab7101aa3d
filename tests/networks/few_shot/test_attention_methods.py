# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from tiny_nets import make_net, two_tones
from torch.nn import functional as F

from monai_i2v.networks.few_shot.afa import LargeKernelAttention, PairFusion
from monai_i2v.networks.few_shot.calibrated_cross import CalibratedCrossBlock, align_windows
from monai_i2v.networks.few_shot.dcama import MaskAttention, positions
from monai_i2v.networks.few_shot.sccan import pseudo_mask


def test_a_mask_of_ones_is_carried_over_as_ones():
    images = two_tones(count=2)[0]
    net = make_net("dcama")
    support = net.encode_support(images, torch.ones_like(images[:, :1]))
    for stage in (8, 16, 32):
        masks = net.coarse_masks(net.encode_frame(images), support, stage)
        torch.testing.assert_close(masks, torch.ones_like(masks))


def test_without_positions_the_order_of_support_cells_is_nothing():
    vote = MaskAttention(8, heads=2).eval()
    query, support, cells = torch.rand(1, 5, 8), torch.rand(1, 7, 8), torch.rand(1, 7, 2)
    order = torch.randperm(7, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(vote(query, support[:, order], cells[:, order]), vote(query, support, cells))


def test_no_two_cells_have_the_same_position():
    waves = positions(torch.zeros(1, 16, 5, 7))
    assert waves.shape == (35, 16)
    assert torch.cdist(waves, waves).fill_diagonal_(1).min() > 0.1
    torch.testing.assert_close(waves[0, :8], torch.tensor([0.0] * 4 + [1.0] * 4))  # sine and cosine of row 0


def test_one_window_is_joint_attention_over_both_maps():
    torch.manual_seed(0)
    block = CalibratedCrossBlock(8, window=4, heads=1).eval()
    query, support = torch.rand(2, 1, 4, 4, 8)
    found, _ = block(query, support, torch.ones(1, 4, 4, 1))
    own, other = block.norm(query).flatten(1, 2), block.norm_support(support).flatten(1, 2)
    (q, k, v), (_, k2, v2) = (block.qkv(one).chunk(3, dim=-1) for one in (own, other))
    scaled = q @ k.transpose(1, 2) / 8**0.5
    cosine = block.scale.exp() * F.normalize(q, dim=-1) @ F.normalize(k2, dim=-1).transpose(1, 2)
    share = torch.cat([scaled, cosine], dim=-1).softmax(dim=-1)
    expected = query + block.project(share @ torch.cat([v, v2], dim=1)).view_as(query)
    torch.testing.assert_close(found, expected + block.mlp(expected))


def test_each_query_window_gets_the_support_window_that_is_most_like_it_and_has_an_object():
    windows = torch.eye(4).view(1, 4, 1, 4).expand(-1, -1, 2, -1)  # four windows of two cells
    inside = torch.ones(1, 4, 2, 1)
    assert torch.equal(align_windows(windows.flip(1), windows, inside), windows.flip(1))
    inside[:, 3] = 0
    chosen = align_windows(windows, windows, inside)
    assert torch.equal(chosen[:, :3], windows[:, :3])
    assert not torch.equal(chosen[:, 3], windows[:, 3])


def test_a_shifted_window_does_not_join_opposite_borders():
    torch.manual_seed(0)
    block = CalibratedCrossBlock(8, window=2, heads=1, shift=1).eval()
    support = torch.rand(1, 4, 4, 8)
    changed = support.clone()
    changed[:, 0] += torch.rand(8)
    cells = torch.ones(1, 4, 4, 1)
    difference = block(support, changed, cells)[1] - block(support, support, cells)[1]
    assert (difference.abs().amax(dim=(0, 2, 3)) > 1e-4).tolist() == [True, False, False, False]


def test_the_pseudo_mask_is_high_where_the_object_is_and_spans_0_to_1():
    features = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]).view(1, 2, 2, 2)
    cells = torch.tensor([1.0, 1.0, 0.0, 0.0]).view(1, 1, 2, 2)
    torch.testing.assert_close(pseudo_mask(features, features, cells), cells, atol=1e-5, rtol=0)


def test_fusing_a_pair_is_a_3d_convolution_over_its_two_slices():
    fusion = PairFusion(4)
    query, support = torch.rand(2, 1, 4, 5, 5)
    kernel = torch.stack(fusion.fuse.weight.chunk(2, dim=1), dim=2)  # (4, 4, 2, 3, 3)
    volume = F.conv3d(torch.stack([query, support], dim=2), kernel, fusion.fuse.bias, padding=(0, 1, 1))
    torch.testing.assert_close(fusion(query, support), volume.squeeze(2).relu())


def test_afa_sees_nothing_of_the_support_but_the_object():
    query, _, support, mask = two_tones(count=1)
    net = make_net("afa")
    elsewhere = support + 0.5 * (1 - mask)
    torch.testing.assert_close(net(query, elsewhere, mask), net(query, support, mask))


def test_large_kernels_reach_eleven_cells_far():
    attention, x = LargeKernelAttention(2), torch.zeros(1, 2, 41, 41)
    seen = attention.weigh(x.requires_grad_())[0, 0, 20, 20]
    reached = torch.autograd.grad(seen, x)[0].abs().amax(dim=(0, 1)).nonzero()
    assert (reached.min().item(), reached.max().item()) == (9, 31)


@pytest.mark.parametrize("method", ["sccan", "vat"])
def test_fixed_grids_serve_frames_of_any_shape(method):
    net = make_net(method)
    frame = torch.rand(1, 3, 40, 90)
    assert net(frame, frame, torch.ones(1, 1, 40, 90)).shape == (1, 2, 40, 90)
