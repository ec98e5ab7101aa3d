# SPDX-License-Identifier: Apache-2.0
"""A page in the browser to draw, correct and review masks. It holds no segmentation: a `VideoSession` does all."""

from monai_i2v.app.annotate import annotate
from monai_i2v.app.bundle_parts import BundleParts, read_bundle
from monai_i2v.app.desk import Desk
from monai_i2v.app.workplace import Workplace
