# SPDX-License-Identifier: Apache-2.0
"""Networks as files that run without this package, or without PyTorch."""

from monai_i2v.export.image_network import export_image_net
from monai_i2v.export.memory_network import export_memory_net
from monai_i2v.export.onnx_segmenter import OnnxSegmenter
