# SPDX-License-Identifier: Apache-2.0
"""Media in and out, and the data that networks learn from."""

from monai_i2v.data.checkpoint import load_checkpoint, save_half_checkpoint
from monai_i2v.data.clips import Clips, ClipSampling
from monai_i2v.data.episodes import Episodes
from monai_i2v.data.epoch_sampler import EpochSampler
from monai_i2v.data.labelled_clips import find_clips
from monai_i2v.data.mask_files import read_mask
from monai_i2v.data.mask_writers import MaskWriter, open_mask_writer
from monai_i2v.data.open_video import open_video
from monai_i2v.data.phantom import Phantom
from monai_i2v.data.save_phantom import save_phantom
from monai_i2v.data.stills import find_stills
from monai_i2v.data.switch import read_switch
from monai_i2v.data.training_list import read_training_list
from monai_i2v.data.truth import Truth
from monai_i2v.data.video import FrameError, Video, VideoInfo
from monai_i2v.data.video_case import VideoCase, list_cases
from monai_i2v.data.video_reader import VideoReader
