# SPDX-License-Identifier: Apache-2.0
"""The space-time memory: affinity and read-out as functions, the bank as a small class."""

from monai_i2v.memory.bank import MemoryBank
from monai_i2v.memory.readout import (
    affinity,
    effective_neighbors,
    embed_keys,
    embed_query,
    read_memory,
    similarity,
)
