# SPDX-License-Identifier: Apache-2.0
"""Options of the bundles, as a config or a command line gives them."""

from monai_i2v.options.check_options import check_options
from monai_i2v.options.numbers import MAX_SEED, read_choice, read_number, read_numbers, read_whole_number
from monai_i2v.options.switch import read_switch
