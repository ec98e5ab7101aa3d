# SPDX-License-Identifier: Apache-2.0
"""Synthetic ultrasound and endoscopy with exact masks."""

from monai_i2v.phantoms.phantom import Phantom
from monai_i2v.phantoms.save_phantom import save_phantom
