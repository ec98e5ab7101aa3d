# SPDX-License-Identifier: Apache-2.0
"""Masks in and out, in the format and geometry of their video."""

from monai_i2v.masks.mask_files import read_mask
from monai_i2v.masks.mask_writers import MaskWriter, open_mask_writer
from monai_i2v.masks.truth import Truth
