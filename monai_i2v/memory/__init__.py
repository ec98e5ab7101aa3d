# SPDX-License-Identifier: Apache-2.0
"""The space-time memory: affinity and read-out as functions, the bank as a small class."""

from monai_i2v.memory.adaptive_bank import AdaptiveBank
from monai_i2v.memory.affinity import affinity
from monai_i2v.memory.bank import MemoryBank, oldest_frame
from monai_i2v.memory.confident_policy import ConfidentPolicy
from monai_i2v.memory.mask_confidence import mask_confidence
from monai_i2v.memory.memory_state import MemoryState
from monai_i2v.memory.policy import MemoryPolicy
from monai_i2v.memory.readout import Cells, find_cells, read_cells, read_memory
from monai_i2v.memory.similarity import embed_keys, embed_query, similarity
