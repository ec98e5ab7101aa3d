# SPDX-License-Identifier: Apache-2.0
"""Few-shot segmentation methods of others, in one frame, to compare with."""

from monai_i2v.networks.few_shot.afa import AFA
from monai_i2v.networks.few_shot.dcama import DCAMA
from monai_i2v.networks.few_shot.dcp import DCP
from monai_i2v.networks.few_shot.dra import DRA
from monai_i2v.networks.few_shot.hsnet import HSNet
from monai_i2v.networks.few_shot.light_forms import (
    LIGHT_FORMS,
    LightForm,
    light_learning_rate,
    light_network,
    light_optimizer,
    light_schedule,
)
from monai_i2v.networks.few_shot.panet import PANet
from monai_i2v.networks.few_shot.patnet import PATNet
from monai_i2v.networks.few_shot.restnet import RestNet
from monai_i2v.networks.few_shot.sccan import SCCAN
from monai_i2v.networks.few_shot.ssp import SSP
from monai_i2v.networks.few_shot.vat import VAT
