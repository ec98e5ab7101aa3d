# SPDX-License-Identifier: Apache-2.0
"""MONAI engines for videos."""

from monai_i2v.engines.device import select_device
from monai_i2v.engines.processes import fair_shares, join_processes, share_cases
from monai_i2v.engines.video_evaluator import SegmentedFrame, VideoEvaluator, VideoEvents, VideoRun
