# SPDX-License-Identifier: Apache-2.0
"""PASCAL-5i: 20 kinds of everyday objects, in four folds."""

from __future__ import annotations

from monai_i2v.data.collections.collection import Collection
from monai_i2v.data.collections.named_files import NamedFiles
from monai_i2v.errors import UsageError

__all__ = ["PASCAL_5I", "fold_classes"]

NAMES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle"),
    *("bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person"),
    *("pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)

PASCAL_5I = Collection(
    name="pascal_5i",
    title="everyday objects",
    modality="photography",
    kind="stills",
    classes=dict(enumerate(NAMES, start=1)),  # 255, the void border, becomes background
    source="PASCAL VOC 2012, http://host.robots.ox.ac.uk/pascal/VOC/voc2012/, with the masks of SBD merged in "
    "(SegmentationClassAug)",
    terms="flickr's terms of use, see the page; cite Everingham et al., IJCV 88, 2010, and Hariharan et al., ICCV 2011",
    published={"training": 10582, "validation": 1449},
    layout="VOC2012/JPEGImages/2007_000032.jpg with VOC2012/SegmentationClassAug/2007_000032.png, and "
    "VOC2012/ImageSets/Segmentation/val.txt",
    find=NamedFiles(
        media=(r"JPEGImages/(?P<name>\d+_\d+)\.jpg",),
        masks=(r"SegmentationClassAug/(?P<name>\d+_\d+)\.png", r"SegmentationClass/(?P<name>\d+_\d+)\.png"),
        lists={"validation": r"ImageSets/Segmentation/val\.txt"},
        otherwise="training",
    ),
    min_pixels=2 * 32 * 32 + 1,  # as few-shot segmentation has it
)


def fold_classes(fold: int) -> list[int]:
    """The five classes of a fold; the others are those to train on when it is held out.

    Args:
        fold: 0 to 3.

    Raises:
        UsageError: When there is no such fold.

    Example::

        >>> from monai_i2v.data.collections.pascal_5i import PASCAL_5I, fold_classes
        >>> [PASCAL_5I.classes[value] for value in fold_classes(0)]
        ['aeroplane', 'bicycle', 'bird', 'boat', 'bottle']
    """
    if fold not in range(4):
        raise UsageError(f"fold is {fold}, expected 0 to 3; choose one of these.")
    return list(range(5 * fold + 1, 5 * fold + 6))
