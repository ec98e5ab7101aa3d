# SPDX-License-Identifier: Apache-2.0
"""ISIC 2017 and 2018: lesions of the skin."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["ISIC_2017", "ISIC_2018"]

SPLIT = r"(?P<split>training|validation|test)"
NAME = r"(?P<name>ISIC_\d+)"  # not "ISIC_0000000_superpixels"
SET = "isic"  # the years share images: one that both have is taken once

ISIC_2017 = Collection(
    name="isic_2017",
    title="skin lesions",
    modality="dermoscopy",
    kind="stills",
    classes={1: "skin lesion"},
    source="ISIC Challenge 2017, task 1, https://challenge.isic-archive.com/data/#2017",
    terms="CC0; cite Codella et al., arXiv 1710.05006",
    published={"training": 2000, "validation": 150, "test": 600},
    layout="ISIC-2017_Training_Data/ISIC_0000000.jpg with "
    "ISIC-2017_Training_Part1_GroundTruth/ISIC_0000000_segmentation.png, and Validation, Test_v2",
    find=NamedFiles(
        media=(rf"ISIC-2017_{SPLIT}(_v2)?_Data/{NAME}\.jpg",),
        masks=(rf"ISIC-2017_{SPLIT}(_v2)?_Part1_GroundTruth/{NAME}_segmentation\.png",),
    ),
    set=SET,
)

ISIC_2018 = Collection(
    name="isic_2018",
    title="skin lesions",
    modality="dermoscopy",
    kind="stills",
    classes={1: "skin lesion"},
    source="ISIC Challenge 2018, task 1, https://challenge.isic-archive.com/data/#2018",
    terms="CC BY-NC 4.0; cite Codella et al., arXiv 1902.03368, and Tschandl et al., Scientific Data 5, 2018",
    published={"training": 2594, "validation": 100, "test": 1000},
    layout="ISIC2018_Task1-2_Training_Input/ISIC_0000000.jpg with "
    "ISIC2018_Task1_Training_GroundTruth/ISIC_0000000_segmentation.png, and Validation, Test",
    find=NamedFiles(
        media=(rf"ISIC2018_Task1-2_{SPLIT}_Input/{NAME}\.jpg",),
        masks=(rf"ISIC2018_Task1_{SPLIT}_GroundTruth/{NAME}_segmentation\.png",),
    ),
    set=SET,
)
