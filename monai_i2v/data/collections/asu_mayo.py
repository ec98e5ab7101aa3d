# SPDX-License-Identifier: Apache-2.0
"""ASU-Mayo: polyps in colonoscopy videos."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles

__all__ = ["ASU_MAYO"]

NAME = r"(?P<name>ShortVD_wp_\w+?)"  # "np" are without polyp
COPY = r"ASU-Mayo[^/]*/Train"  # as the collection lies in MICCAI-VPS-dataset
PICTURE = r"(?P<name>[^/]+)/[^/]+\.(png|jpg|tif|bmp)"

# 10 of the 20 videos with masks show a polyp, not all of them from the first frame on: the reference is the first frame
# that does.
ASU_MAYO = Collection(
    name="asu_mayo",
    title="polyps",
    modality="endoscopy",
    kind="videos",
    classes={1: "polyp"},
    source="ASU-Mayo Clinic Colonoscopy Video Database, https://polyp.grand-challenge.org/AsuMayo/",
    terms="for research, after registration; cite Tajbakhsh et al., IEEE TMI 35, 2016",
    published={"all": 10},
    layout="TrainingSet_NewGT/ShortVD_wp_2/ShortVD_wp_2.wmv with ShortVD_wp_2/GT/ShortVD_wp_2_frame_1_GT.tiff",
    find=NamedFiles(
        media=(rf"{NAME}\.wmv", rf"{COPY}/Frame/{PICTURE}"),
        masks=(rf"GT/{NAME}_frame_\d+_GT\.tiff?", rf"{COPY}/GT/{PICTURE}"),
    ),
    may_have_spare_frames=True,
)
