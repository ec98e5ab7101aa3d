# SPDX-License-Identifier: Apache-2.0
"""Transforms that MONAI lacks."""

from monai_i2v.transforms.clip_motion import Motion
from monai_i2v.transforms.deinterlace import Deinterlace, Deinterlaced
from monai_i2v.transforms.endoscope_view_crop import EndoscopeViewCrop, EndoscopeViewCropd, find_endoscope_view
from monai_i2v.transforms.fill_specular_highlights import FillSpecularHighlights, FillSpecularHighlightsd
from monai_i2v.transforms.find_sector import find_sector
from monai_i2v.transforms.fold_time import FoldTime, FoldTimed, UnfoldTime, UnfoldTimed
from monai_i2v.transforms.frame_layout import FromFrames, FromFramesd, ToFrames, ToFramesd
from monai_i2v.transforms.label_masks import labels_to_masks, masks_to_labels, occurring_labels
from monai_i2v.transforms.label_to_masks import LabelToMasks, LabelToMasksd, MasksToLabel, MasksToLabeld
from monai_i2v.transforms.rand_acoustic_shadow import RandAcousticShadow, RandAcousticShadowd
from monai_i2v.transforms.rand_clip_sample import RandClipSample, RandClipSampled
from monai_i2v.transforms.rand_color_cast import RandColorCast, RandColorCastd
from monai_i2v.transforms.rand_gain_compensation import RandGainCompensation, RandGainCompensationd
from monai_i2v.transforms.rand_speckle import RandSpeckle, RandSpeckled
from monai_i2v.transforms.rand_vignette import RandVignette, RandVignetted
from monai_i2v.transforms.regions import Regions, Regionsd
from monai_i2v.transforms.remove_burnt_in_marks import RemoveBurntInMarks, RemoveBurntInMarksd
from monai_i2v.transforms.scan_convert import InverseScanConvert, InverseScanConvertd, ScanConvert, ScanConvertd
from monai_i2v.transforms.sector import Fan, Rectangle, Sector
from monai_i2v.transforms.synthetic_clip import SyntheticClipd
from monai_i2v.transforms.ultrasound_sector_crop import UltrasoundSectorCrop, UltrasoundSectorCropd
