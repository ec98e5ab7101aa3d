# SPDX-License-Identifier: Apache-2.0
"""MMOTU: ovarian tumors in ultrasound."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["MMOTU"]

# Beside "<id>_binary.PNG" lies "<id>.PNG", which shows the kind of tumor by color and is not read.
MMOTU = Collection(
    name="mmotu",
    title="ovarian tumors",
    modality="ultrasound",
    kind="stills",
    classes={1: "ovarian tumor"},
    source="MMOTU_DS2Net, https://github.com/cv516Buaa/MMOTU_DS2Net",
    terms="see the page; cite Zhao et al., arXiv 2207.06799",
    published={"all": 1469},
    layout="OTU_2d/images/1.JPG with OTU_2d/annotations/1_binary.PNG, and OTU_2d/train.txt, OTU_2d/val.txt",
    find=NamedFiles(
        media=(
            r"OTU_2d/images/(?P<name>\d+)\.jpg",
            r"OTU_2d/(?P<split>train)/train_image/(?P<name>\d+)\.jpg",
            r"OTU_2d/(?P<split>test)/image/(?P<name>\d+)\.jpg",
        ),
        masks=(
            r"OTU_2d/annotations/(?P<name>\d+)(_binary)+\.png",
            r"OTU_2d/(?P<split>train)/train_label/label/(?P<name>\d+)\.png",
            r"OTU_2d/(?P<split>test)/label/black_write/(?P<name>\d+)\.png",
        ),
        lists={"training": r"OTU_2d/train\.txt", "validation": r"OTU_2d/val\.txt"},
    ),
)
