# SPDX-License-Identifier: Apache-2.0
"""TN3K: thyroid nodules in ultrasound."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["TN3K"]

TN3K = Collection(
    name="tn3k",
    title="thyroid nodules",
    modality="ultrasound",
    kind="stills",
    classes={1: "thyroid nodule"},
    source="TRFE-Net, https://github.com/haifangong/TRFE-Net-for-thyroid-nodule-segmentation",
    terms="open access for research; cite Gong et al., ISBI 2021",
    published={"training": 2879, "test": 614},
    layout="tn3k/trainval-image/0000.jpg with tn3k/trainval-mask/0000.jpg, and test-image, test-mask",
    find=NamedFiles(
        media=(r"(?P<split>trainval|test)-image/(?P<name>\d+)\.jpg",),
        masks=(r"(?P<split>trainval|test)-mask/(?P<name>\d+)\.jpg",),  # JPEG: more than middle gray is foreground
    ),
)
