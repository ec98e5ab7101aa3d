# SPDX-License-Identifier: Apache-2.0
"""BUSI: breast lesions in ultrasound."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["BUSI"]

# The 133 normal images have empty masks. 17 images have several lesions, "_mask_1" and "_mask_2": they are united.
NAME = r"(?P<name>(benign|malignant) \(\d+\))"

BUSI = Collection(
    name="busi",
    title="breast lesions",
    modality="ultrasound",
    kind="stills",
    classes={1: "breast lesion"},
    source="Dataset of breast ultrasound images, https://scholar.cu.edu.eg/?q=afahmy/pages/dataset",
    terms="for research; cite Al-Dhabyani et al., Data in Brief 28, 2020",
    published={"all": 647},
    layout="Dataset_BUSI_with_GT/benign/benign (1).png beside benign (1)_mask.png",
    find=NamedFiles(media=(rf"{NAME}\.png",), masks=(rf"{NAME}_mask(_\d+)?\.png",)),
)
