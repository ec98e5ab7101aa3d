# SPDX-License-Identifier: Apache-2.0
"""Masks carried through a video."""

from monai_i2v.tracking.absence_gate import AbsenceGate
from monai_i2v.tracking.annotated_video import AnnotatedVideo
from monai_i2v.tracking.memory_tree import MemoryTree
from monai_i2v.tracking.tracker import Tracker
from monai_i2v.tracking.working_frames import WorkingFrames, working_size
