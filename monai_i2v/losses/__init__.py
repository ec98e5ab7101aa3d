# SPDX-License-Identifier: Apache-2.0
"""The papers' losses, on tensors."""

from monai_i2v.losses.bootstrapped_cross_entropy import BootstrappedCrossEntropy
from monai_i2v.losses.feature_alignment import FeatureAlignmentLoss
