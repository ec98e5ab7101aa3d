# SPDX-License-Identifier: Apache-2.0
"""The data that networks learn from, and lists of videos."""

from monai_i2v.data.checkpoint import load_checkpoint, save_half_checkpoint
from monai_i2v.data.clips import Clips, ClipSampling
from monai_i2v.data.episodes import Episodes
from monai_i2v.data.epoch_sampler import EpochSampler
from monai_i2v.data.labelled_clips import find_clips
from monai_i2v.data.stills import find_stills
from monai_i2v.data.training_list import read_training_list
from monai_i2v.data.video_case import VideoCase, list_cases
from monai_i2v.data.video_reader import VideoReader
