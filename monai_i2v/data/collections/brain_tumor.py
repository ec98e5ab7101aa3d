# SPDX-License-Identifier: Apache-2.0
"""Brain tumors in T1-weighted MRI."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["BRAIN_TUMOR"]

BRAIN_TUMOR = Collection(
    name="brain_tumor",
    title="brain tumors",
    modality="MRI",
    kind="stills",
    classes={1: "brain tumor"},
    source="Brain Tumor Segmentation, https://www.kaggle.com/datasets/nikhilroxtomar/brain-tumor-segmentation "
    "(from https://doi.org/10.6084/m9.figshare.1512427)",
    terms="original CC BY 4.0; cite Cheng et al., PLoS ONE 10, 2015",
    published={"all": 3064},
    layout="images/1.png with masks/1.png",
    find=NamedFiles(media=(r"images/(?P<name>[^/]+)\.png",), masks=(r"masks/(?P<name>[^/]+)\.png",)),
)
