# SPDX-License-Identifier: Apache-2.0
"""The papers' losses, on tensors."""

from monai_i2v.losses.bootstrapped_cross_entropy import BootstrappedCrossEntropy, hard_share
from monai_i2v.losses.clip_segmentation import ClipSegmentationLoss, soft_mask_loss
from monai_i2v.losses.episode_loss import EpisodeLoss
from monai_i2v.losses.feature_alignment import FeatureAlignmentLoss
from monai_i2v.losses.temporal_consistency import TemporalConsistencyLoss
from monai_i2v.losses.temporal_contrastive import TemporalContrastiveLoss
