# SPDX-License-Identifier: Apache-2.0
import torch
import torch.nn.functional as F

from monai_i2v.networks import EpisodePrediction, soft_aggregate


def test_the_image_network_computes_what_it_did_before_it_had_a_base(image_net, disc):
    frames, masks = disc
    two = torch.cat([masks[:1], masks[:1].roll(20, dims=-1)], dim=1)
    support = image_net.encode_support(frames[:1], two)
    cells = image_net.head(image_net.embed(image_net.encode_frame(frames[1:2]), support))
    logits = F.interpolate(cells, scale_factor=8, mode="bilinear", align_corners=False)[..., :64, :80]
    foreground = (logits[:, 1] - logits[:, 0]).unflatten(0, (-1, 2))
    prob, _ = image_net.step(frames[1:2], image_net.start(frames[:1], two))
    assert torch.equal(prob, soft_aggregate(foreground, support.present))


def test_a_query_mask_is_looked_at_in_training_only(image_net, disc):
    frames, masks = disc
    logits = image_net(frames[1:2], frames[:1], masks[:1])
    assert torch.equal(image_net(frames[1:2], frames[:1], masks[:1], masks[1:2]), logits)
    prediction = image_net.train()(frames[1:2], frames[:1], masks[:1], masks[1:2])
    assert isinstance(prediction, EpisodePrediction)
    assert prediction.further == 0


def test_several_annotated_frames_are_averaged(image_net, disc):
    frames, masks = disc
    once = image_net.start(frames[:1], masks[:1])
    twice = image_net.add_support(frames[:1], masks[:1], once)
    prob, state = image_net.step(frames[1:2], twice)
    assert len(state) == 2
    torch.testing.assert_close(prob, image_net.step(frames[1:2], once)[0], atol=1e-5, rtol=0)
