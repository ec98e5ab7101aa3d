# SPDX-License-Identifier: Apache-2.0
import torch
from monai.losses import DiceCELoss
from torch import nn

from monai_i2v.losses import EpisodeLoss
from monai_i2v.networks import EpisodePrediction


def test_what_a_method_learns_from_further_is_added():
    logits, mask = torch.randn(2, 2, 8, 8), torch.rand(2, 1, 8, 8).round()
    own = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True)(logits, mask)
    torch.testing.assert_close(EpisodeLoss()(EpisodePrediction(logits, torch.tensor(3.0)), mask), own + 3)


def test_another_loss_of_the_logits_can_be_given():
    class Mean(nn.Module):
        def forward(self, logits, mask):
            return logits.mean() + mask.mean()

    prediction = EpisodePrediction(torch.full((1, 2, 4, 4), 2.0), torch.tensor(0.5))
    assert EpisodeLoss(Mean())(prediction, torch.ones(1, 1, 4, 4)) == 3.5
