# SPDX-License-Identifier: Apache-2.0
"""What happens to a network at test time."""

from monai_i2v.inferers import AnnotatedVideo
from monai_i2v.adaptation.guard import Guard
from monai_i2v.adaptation.presets import PRESETS, test_time_preset
from monai_i2v.adaptation.terms import FeatureAlignment, FirstFrame, MaskCycle, PredictionAlignment
from monai_i2v.adaptation.test_time_trainer import Adapted, TestTimeTrainer
