# SPDX-License-Identifier: Apache-2.0
"""Ignite and MONAI handlers."""

from monai_i2v.handlers.clip_gradients import ClipGradients
from monai_i2v.handlers.hardest_pixels import HardestPixels
from monai_i2v.handlers.resume import Resume
from monai_i2v.handlers.save_video_results import SaveVideoResults
from monai_i2v.handlers.score_videos import FrameScore, ScoreVideos, mean_scores
from monai_i2v.handlers.summarize_videos import SummarizeVideos
from monai_i2v.handlers.video_progress import VideoProgress
