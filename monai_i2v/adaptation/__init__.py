# SPDX-License-Identifier: Apache-2.0
"""What happens to a network at test time."""

from monai_i2v.adaptation.consistency_relearner import ConsistencyRelearner, ConsistencyWeights
from monai_i2v.adaptation.displacement import affinity, at_rest, registration
from monai_i2v.adaptation.guard import Guard
from monai_i2v.adaptation.intent import InTEnt, InTEntNet
from monai_i2v.adaptation.presets import (
    IMAGE_NET_PRESETS,
    MEMORY_NET_PRESETS,
    PRESETS,
    RELEARNING_PRESETS,
    image_net_adaptation,
    memory_net_trainer,
    preset_trainer,
    relearner,
)
from monai_i2v.adaptation.rbn import RBN
from monai_i2v.adaptation.reference_trainer import ReferenceTrainer
from monai_i2v.adaptation.schedule import ReferenceSchedule, Schedule
from monai_i2v.adaptation.temporal_terms import TemporalConsistencyRegularization, TemporalPseudoSupervision
from monai_i2v.adaptation.tent import Tent
from monai_i2v.adaptation.terms import FeatureAlignment, FirstFrame, MaskCycle, PredictionAlignment
from monai_i2v.adaptation.test_time_trainer import Adapted, TestTimeTrainer
from monai_i2v.adaptation.weight_average import move_back
from monai_i2v.tracking import AnnotatedVideo
