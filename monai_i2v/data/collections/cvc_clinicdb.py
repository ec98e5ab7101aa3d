# SPDX-License-Identifier: Apache-2.0
"""CVC-ClinicDB: polyps in 29 short colonoscopy sequences."""

from __future__ import annotations

from itertools import pairwise

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.file_tree import FileTree
from monai_i2v.data.collections.named_files import NamedFiles
from monai_i2v.data.collections.sample import Sample

__all__ = ["CVC_CLINICDB", "SEQUENCE_ENDS"]

# The number of the last picture of each sequence, as the collection's description lists them (Bernal et al.,
# "WM-DOVA maps for accurate polyp highlighting in colonoscopy", Computerized Medical Imaging and Graphics 43, 2015).
SEQUENCE_ENDS = (
    *(25, 50, 67, 78, 103, 126, 151, 177, 199, 205, 227, 252, 277, 297, 317),
    *(342, 363, 383, 408, 428, 447, 466, 478, 503, 528, 546, 571, 591, 612),
)

FIND_PICTURES = NamedFiles(
    media=(r"Original/(?P<name>\d+)\.png", r"Original/(?P<name>\d+)\.tiff?"),
    masks=(r"Ground Truth/(?P<name>\d+)\.png", r"Ground Truth/(?P<name>\d+)\.tiff?"),
)


def find_cvc_clinicdb(tree: FileTree) -> list[Sample]:
    """The sequences; pictures that lack a mask are missing in them."""
    pictures = {int(sample.name): sample for sample in FIND_PICTURES(tree)}
    found = []
    for number, (last, end) in enumerate(pairwise((0, *SEQUENCE_ENDS)), start=1):
        frames = [pictures[index] for index in range(last + 1, end + 1) if index in pictures]
        complete = [frame for frame in frames if frame.is_complete]
        if complete:
            media, masks = zip(*((frame.media[0], frame.masks[0]) for frame in complete), strict=True)
            name = f"sequence_{number:02d}"
            found.append(Sample(name, media, masks, name))
    return found


CVC_CLINICDB = Collection(
    name="cvc_clinicdb",
    title="polyps",
    modality="endoscopy",
    kind="videos",
    classes={1: "polyp"},
    source="CVC-ClinicDB, https://polyp.grand-challenge.org/CVCClinicDB/",
    terms="for research and education; cite Bernal et al., CMIG 43, 2015",
    published={"all": len(SEQUENCE_ENDS)},
    layout="Original/1.tif with 'Ground Truth/1.tif', or both as PNG",
    find=find_cvc_clinicdb,
)
