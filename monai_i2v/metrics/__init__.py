# SPDX-License-Identifier: Apache-2.0
"""Metrics of video segmentation."""

from monai_i2v.metrics.bootstrap import paired_bootstrap
from monai_i2v.metrics.boundary import boundary_f
from monai_i2v.metrics.overlap import dice, iou
from monai_i2v.metrics.video_metric import (
    BoundaryAccuracy,
    FalsePositiveArea,
    FBIoU,
    RegionSimilarity,
    TemporalInstability,
    VideoDice,
    VideoMetric,
)
