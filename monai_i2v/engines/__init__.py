# SPDX-License-Identifier: Apache-2.0
"""MONAI engines for videos."""

from monai_i2v.engines.video_evaluator import VideoEvaluator, VideoEvents
from monai_i2v.engines.video_run import SegmentedFrame, VideoRun
