# SPDX-License-Identifier: Apache-2.0
"""Segment a medical video from the mask of one frame, with networks that learned from still images."""

from monai_i2v import (
    adaptation,
    compute,
    data,
    engines,
    errors,
    export,
    external,
    files,
    handlers,
    inferers,
    losses,
    masks,
    media,
    memory,
    metrics,
    networks,
    optimizers,
    options,
    phantoms,
    propagation,
    report,
    session,
    tracking,
    transforms,
)
from monai_i2v.version import __version__
