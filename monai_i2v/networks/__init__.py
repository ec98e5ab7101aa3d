# SPDX-License-Identifier: Apache-2.0
"""Encoders, the parts of the papers' networks, and the networks themselves."""

from monai_i2v.networks.aggregation import occurring_classes, soft_aggregate
from monai_i2v.networks.batch_norms import batch_norms_of, calibrate_batch_norms, collect_statistics
from monai_i2v.networks.encoder import Encoder
from monai_i2v.networks.feature_enhancement import FeatureEnhancement
from monai_i2v.networks.few_shot_net import EpisodePrediction, FewShotNet
from monai_i2v.networks.gated_memory_net import DistanceGate, GatedMemoryNet
from monai_i2v.networks.mask_decoder import MaskDecoder
from monai_i2v.networks.mask_encoder import ResNetMaskEncoder, SlimMaskEncoder
from monai_i2v.networks.matching_net import ClipPrediction, MatchingNet, MatchingState
from monai_i2v.networks.mobilenet_encoder import MobileNetV2Encoder
from monai_i2v.networks.one_shot_memory_net import OneShotMemoryNet, OneShotMemoryState
from monai_i2v.networks.one_shot_net import OneShotNet, Support
from monai_i2v.networks.optimize_for_inference import optimize_for_inference
from monai_i2v.networks.prior_mask import MatchingKey, PriorMask
from monai_i2v.networks.relearning_net import RelearningNet, RelearningState
from monai_i2v.networks.residual_block import ResidualBlock
from monai_i2v.networks.resnet_encoder import ResNetEncoder
from monai_i2v.networks.segmentation_head import SegmentationHead
from monai_i2v.networks.support_query_fusion import SupportQueryFusion
from monai_i2v.networks.temporal_attention_unit import TemporalAttentionUnit
from monai_i2v.networks.temporal_contrastive_memory_net import TemporalContrastiveMemoryNet, TemporalMemoryState
