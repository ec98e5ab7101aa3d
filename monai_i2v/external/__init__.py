# SPDX-License-Identifier: Apache-2.0
"""Published systems, with code and weights of the user: SAM 2.1, MedSAM2, Cutie, XMem, STCN, AOT, DeAOT."""

from monai_i2v.external.aot import AotSegmenter
from monai_i2v.external.clone import Clone
from monai_i2v.external.cutie import CutieSegmenter
from monai_i2v.external.external_segmenter import ExternalSegmenter, ExternalState
from monai_i2v.external.load_external import EXTERNAL, build_external, load_external
from monai_i2v.external.sam2 import Sam2Segmenter
from monai_i2v.external.stcn import StcnSegmenter
from monai_i2v.external.xmem import XMemSegmenter
