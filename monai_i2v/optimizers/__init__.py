# SPDX-License-Identifier: Apache-2.0
"""Optimizers of the papers that torch does not have."""

from monai_i2v.optimizers.adam_then_sgd import AdamThenSGD
