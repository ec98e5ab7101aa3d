# SPDX-License-Identifier: Apache-2.0
"""Options of the bundles, as a config or a command line gives them."""

from monai_i2v.options.switch import read_switch
