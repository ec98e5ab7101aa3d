# SPDX-License-Identifier: Apache-2.0
"""MONAI inferers for videos."""

from monai_i2v.inferers.autocast_inferer import AutocastInferer
from monai_i2v.inferers.propagation_inferer import FrameResult, PropagationInferer
