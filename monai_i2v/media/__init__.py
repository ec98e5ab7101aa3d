# SPDX-License-Identifier: Apache-2.0
"""Videos in and out: movies, DICOM, volumes, pictures."""

from monai_i2v.media.open_video import open_video
from monai_i2v.media.video import FrameError, Video, VideoInfo
