# SPDX-License-Identifier: Apache-2.0
"""Transforms that MONAI lacks."""

from monai_i2v.transforms.clip_motion import Motion
from monai_i2v.transforms.fold_time import FoldTime, FoldTimed, UnfoldTime, UnfoldTimed
from monai_i2v.transforms.frame_layout import FromFrames, FromFramesd, ToFrames, ToFramesd
from monai_i2v.transforms.label_masks import labels_to_masks, masks_to_labels, occurring_labels
from monai_i2v.transforms.label_to_masks import LabelToMasks, LabelToMasksd, MasksToLabel, MasksToLabeld
from monai_i2v.transforms.regions import Regions, Regionsd
from monai_i2v.transforms.synthetic_clip import SyntheticClipd
