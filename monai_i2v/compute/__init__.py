# SPDX-License-Identifier: Apache-2.0
"""Where to compute: devices, processes and threads."""

from monai_i2v.compute.ahead import ahead
from monai_i2v.compute.device import clock, device_of, select_device
from monai_i2v.compute.processes import batch_share, fair_shares, join_processes, share_cases
from monai_i2v.compute.transfers import Download, Upload
