# SPDX-License-Identifier: Apache-2.0
"""CAMUS: the left heart in ultrasound, from end diastole to end systole."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.file_tree import FileTree
from monai_i2v.data.collections.named_files import NamedFiles
from monai_i2v.data.collections.sample import Sample
from monai_i2v.errors import UsageError

__all__ = ["CAMUS"]

NAME = r"(?P<name>patient\d+_[24]CH)"
PATIENT = r"patient\d+"
FIND_NIFTI = NamedFiles(
    media=(rf"{NAME}_half_sequence\.nii(\.gz)?",),
    masks=(rf"{NAME}_half_sequence_gt\.nii(\.gz)?",),
    group=PATIENT,
    lists={
        "training": r"subgroup_training\.txt",
        "validation": r"subgroup_validation\.txt",
        "test": r"subgroup_testing\.txt",
    },
)
# The first release has whole sequences, with masks at end diastole and end systole only.
FIND_MHD = NamedFiles(media=(rf"{NAME}_sequence\.mhd",), masks=(rf"{NAME}_E[DS]_gt\.mhd",), group=PATIENT)


def find_camus(tree: FileTree) -> list[Sample]:
    """Half sequences where they are, else the part of a whole sequence between its two masks."""
    return FIND_NIFTI(tree) or [
        replace(sample, frames=_read_frames(sample)) if sample.is_complete else sample for sample in FIND_MHD(tree)
    ]


def _read_frames(sample: Sample) -> tuple[int, ...]:
    """End diastole and end systole, in this order, from ``Info_2CH.cfg``, which counts from 1."""
    path = sample.media[0].with_name(f"Info_{sample.name.rpartition('_')[2]}.cfg")
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    numbers = dict(re.findall(r"^\s*(ED|ES)\s*:\s*(\d+)", text, re.MULTILINE))
    if len(numbers) < 2:
        raise UsageError(f"{path} does not tell ED and ES; expected lines such as 'ED: 1'; get it again.")
    masks = [Path(mask).name.rpartition("_gt")[0][-2:].upper() for mask in sample.masks]
    return tuple(int(numbers[phase]) - 1 for phase in masks)


CAMUS = Collection(
    name="camus",
    title="left heart, 2 and 4 chambers",
    modality="ultrasound",
    kind="videos",
    classes={1: "left ventricle (endocardium)", 2: "left ventricle's wall (epicardium)", 3: "left atrium"},
    source="CAMUS, https://www.creatis.insa-lyon.fr/Challenge/camus/",
    terms="for research, with an account, see the page; cite Leclerc et al., IEEE TMI 38, 2019",
    published={"all": 1000},
    layout="database_nifti/patient0001/patient0001_2CH_half_sequence.nii.gz with ..._half_sequence_gt.nii.gz and "
    "database_split/subgroup_training.txt, or patient0001/patient0001_2CH_sequence.mhd with ..._2CH_ED_gt.mhd, "
    "..._2CH_ES_gt.mhd and Info_2CH.cfg",
    find=find_camus,
)
