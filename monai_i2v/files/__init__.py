# SPDX-License-Identifier: Apache-2.0
"""Files and folders on disk: complete or not there."""

from monai_i2v.files.complete_file import complete_file
from monai_i2v.files.complete_folder import complete_folder
from monai_i2v.files.work_folder import WorkFolder
