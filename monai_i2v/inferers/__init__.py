# SPDX-License-Identifier: Apache-2.0
"""MONAI inferers for videos."""

from monai_i2v.inferers.absence_gate import AbsenceGate
from monai_i2v.inferers.annotated_video import AnnotatedVideo
from monai_i2v.inferers.autocast_inferer import AutocastInferer
from monai_i2v.inferers.memory_tree import MemoryTree
from monai_i2v.inferers.propagation_inferer import FrameResult, PropagationInferer, propagate_both_ways
from monai_i2v.inferers.working_frames import WorkingFrames, working_size
