# SPDX-License-Identifier: Apache-2.0
"""Segment a medical video from the mask of one frame, with networks that learned from still images."""

from monai_i2v import (
    adaptation,
    data,
    engines,
    errors,
    export,
    handlers,
    inferers,
    losses,
    memory,
    metrics,
    networks,
    optimizers,
    propagation,
    report,
    transforms,
)
from monai_i2v.version import __version__
