# SPDX-License-Identifier: Apache-2.0
"""MONAI engines for videos."""

from monai_i2v.engines.video_evaluator import SegmentedFrame, VideoEvaluator, VideoEvents, VideoRun
