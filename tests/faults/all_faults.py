# SPDX-License-Identifier: Apache-2.0
"""Every fault, in the order of the table."""

from __future__ import annotations

from fault_files import damage, no_files, odd_names, wrong_names
from fault_folders import folders
from fault_lists import lists
from fault_masks import kinds, labels, sizes
from fault_movies import movies
from fault_outputs import outputs
from fault_sessions import sessions
from fault_volumes import dicoms, volumes
from fault_weights import weights

GROUPS = (
    damage,
    wrong_names,
    no_files,
    odd_names,
    movies,
    dicoms,
    volumes,
    folders,
    labels,
    sizes,
    kinds,
    lists,
    weights,
    sessions,
    outputs,
)
FAULTS = {fault.id: fault for group in GROUPS for fault in group()}
