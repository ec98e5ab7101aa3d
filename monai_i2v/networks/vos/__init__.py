# SPDX-License-Identifier: Apache-2.0
"""Published trackers in light form: re-implementations of their ideas, to be trained alike and compared."""

from monai_i2v.networks.vos.afb_urr import AFBURR
from monai_i2v.networks.vos.aot import AOT
from monai_i2v.networks.vos.cutie import Cutie
from monai_i2v.networks.vos.deaot import DeAOT
from monai_i2v.networks.vos.joint import JOINT
from monai_i2v.networks.vos.light_forms import LIGHT_FORMS, light_network
from monai_i2v.networks.vos.rde import RDE
from monai_i2v.networks.vos.rpcm import RPCM
from monai_i2v.networks.vos.stcn import STCN
from monai_i2v.networks.vos.xmem import XMem
