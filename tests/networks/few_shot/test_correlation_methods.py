# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from tiny_nets import make_net, two_tones
from torch.nn import functional as F

from monai_i2v.networks.few_shot.center_pivot import CenterPivotConv4d, make_squeeze, upsample_query
from monai_i2v.networks.few_shot.patnet import transform
from monai_i2v.networks.few_shot.volume_windows import VolumeWindowBlock, from_windows, shift_regions, to_windows


def test_an_image_correlates_fully_with_itself_and_never_negatively():
    images = two_tones(count=2)[0]
    net = make_net("hsnet")
    features, support = net.encode_frame(images), net.encode_support(images, torch.ones_like(images[:, :1]))
    for stage, volume in net.volumes(features, support).items():
        n, blocks, h, w = volume.shape[:4]
        assert (n, blocks, h, w) == (2, 2, 64 // stage, 64 // stage)
        diagonal = volume.flatten(4).flatten(2, 3).diagonal(dim1=2, dim2=3)
        torch.testing.assert_close(diagonal, torch.ones_like(diagonal))
        assert 0 <= volume.min() <= volume.max() <= 1 + 1e-6


@pytest.mark.parametrize("method", ["hsnet", "patnet", "restnet"])
def test_the_squeeze_sees_as_many_support_cells_in_every_frame(method):
    net, sizes = make_net(method), set()
    for frame in ((64, 64), (100, 300)):
        image = torch.rand(1, 3, *frame)
        features, support = net.encode_frame(image), net.encode_support(image, torch.ones(1, 1, *frame))
        sizes.add(tuple(net.squeeze["8"](net.volumes(features, support)[8]).shape[-2:]))
    assert sizes == {(1, 1)}


def test_what_lies_outside_of_the_mask_correlates_with_nothing():
    images, masks = two_tones(count=1)[:2]
    net = make_net("hsnet")
    volume = net.volumes(net.encode_frame(images), net.encode_support(images, masks))[8]
    outside = net.cells_of(masks, (8, 8))[0, 0] == 0
    assert outside.any()
    assert (volume[..., outside] == 0).all()


def test_a_one_by_one_kernel_in_one_plane_is_a_2d_convolution_there():
    conv, volume = CenterPivotConv4d(3, 5, kernel=1), torch.rand(1, 3, 4, 6, 2, 3)
    with torch.no_grad():
        conv.in_support.weight.zero_()
    alone = F.conv2d(volume[..., 1, 2], conv.in_query.weight, conv.in_query.bias)
    torch.testing.assert_close(conv(volume)[..., 1, 2], alone)


def test_strides_are_the_supports_alone_and_agree_in_both_planes():
    conv, volume = CenterPivotConv4d(2, 3, kernel=3, stride=2), torch.rand(1, 2, 3, 4, 5, 6)
    with torch.no_grad():
        conv.in_query.weight.zero_()
        conv.in_query.bias.zero_()
    found = conv(volume)
    assert found.shape == (1, 3, 3, 4, 3, 3)
    in_support = F.conv2d(volume[:, :, 2, 1], conv.in_support.weight, stride=2, padding=1)
    torch.testing.assert_close(found[:, :, 2, 1], in_support)


def test_upsampling_the_query_leaves_each_support_cell_to_itself():
    volume = torch.arange(6.0).view(1, 1, 1, 1, 2, 3).expand(-1, -1, 2, 2, -1, -1)
    finer = upsample_query(volume, (4, 4))
    torch.testing.assert_close(finer, volume[:, :, :1, :1].expand(-1, -1, 4, 4, -1, -1))


def test_the_supports_prototypes_come_to_lie_at_the_anchors():
    prototypes, anchors = torch.rand(2, 2, 16), torch.randn(2, 16)
    features = prototypes.transpose(1, 2).unsqueeze(2)  # two cells, one at each prototype
    turned = transform(features, prototypes, anchors).squeeze(2).transpose(1, 2)
    torch.testing.assert_close(F.normalize(turned, dim=-1), F.normalize(anchors, dim=-1).expand(2, -1, -1))
    lengths = prototypes.norm(dim=-1, keepdim=True)
    expected = lengths * F.normalize(anchors, dim=-1)
    torch.testing.assert_close(turned, expected, atol=1e-4, rtol=0)


def test_the_transformation_is_float32_under_autocast():
    prototypes, anchors, features = torch.rand(1, 2, 16), torch.randn(2, 16), torch.rand(1, 16, 3, 3)
    alone = transform(features, prototypes, anchors)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(transform(features, prototypes, anchors), alone)


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_restnet_looks_twice_and_by_the_supports_prototypes_alone_sees_the_same(share):
    query, _, support, mask = two_tones(count=1)
    net = make_net("restnet")
    with torch.no_grad():
        net.support_share.fill_(share)
    features, kept = net.encode_frame(query), net.encode_support(support, mask)
    once = net.decode(net.volumes(features, kept))
    assert torch.equal(net.match(features, kept), once) == (share == 1.0)


def test_restnets_own_prototypes_are_those_of_its_prediction():
    query, query_mask = two_tones(count=1)[:2]
    net = make_net("restnet")
    features = net.encode_frame(query)
    given = net.prototypes_of(net.encode_support(query, query_mask))
    own = net.query_prototypes(features, query_mask)
    torch.testing.assert_close(own[8], given[8])


def test_windows_of_a_volume_go_back_to_where_they_were():
    volume = torch.rand(2, 3, 4, 8, 2, 6)
    windows = to_windows(volume, 2)
    assert windows.shape == (2, 2 * 4 * 1 * 3, 16, 3)
    torch.testing.assert_close(windows[1, 0, 1], volume[1, :, 0, 0, 0, 1])
    assert torch.equal(from_windows(windows, 2, volume.shape[2:]), volume)


def test_a_shift_lets_no_cell_see_one_from_the_opposite_border():
    regions = shift_regions((4, 4, 4, 4), window=2, shift=1)[0, 0]
    assert regions[0, 0, 0, 0] == regions[1, 1, 1, 1]
    assert regions[2, 0, 0, 0] != regions[3, 0, 0, 0]  # row 3 was row 0
    block = VolumeWindowBlock(4, window=2, heads=1, shift=1)
    volume = torch.rand(1, 4, 4, 4, 4, 4)
    changed = volume.clone()
    changed[:, :, 0] += 1
    difference = (block(changed) - block(volume)).abs().amax(dim=(0, 1, 3, 4, 5))
    assert (difference > 1e-4).tolist() == [True, False, False, False]


def test_without_attention_vat_sees_the_sum_of_its_stems():
    query, _, support, mask = two_tones(count=1)
    net = make_net("vat")
    for stage in ("32", "16", "8"):
        net.aggregate[stage] = torch.nn.Sequential()  # depth 0
    features, kept = net.encode_frame(query), net.encode_support(support, mask)
    stems = {stage: net.stem[str(stage)](net.correlations(features, kept, stage)) for stage in (32, 16, 8)}
    middle = stems[16] + upsample_query(stems[32], (4, 4))
    volume = stems[8] + upsample_query(middle, (8, 8))
    x = volume.mean(dim=(-2, -1))
    for block, appearance in zip(net.decode, features.appearance, strict=True):
        x = block(x, appearance)
    torch.testing.assert_close(net.match(features, kept), net.classify(x))


def test_vat_works_on_grids_of_its_own_whatever_the_frame():
    net = make_net("vat")
    for size in ((64, 64), (96, 33)):
        support = net.encode_support(torch.rand(1, 3, *size), torch.ones(1, 1, *size))
        assert [cells.shape[-1] for cells in support.cells.values()] == [2, 4, 8]


def test_squeezing_ends_at_few_support_cells():
    assert make_squeeze(2, (4, 8), (5, 3), (4, 2))(torch.rand(1, 2, 8, 8, 8, 8)).shape == (1, 8, 8, 8, 1, 1)
