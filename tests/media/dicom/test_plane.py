# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import Dataset

from monai_i2v.media.dicom.plane import find_planes
from monai_i2v.media.video import SourceFrame

AXIAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]


def dataset(**elements) -> Dataset:
    result = Dataset()
    for keyword, value in elements.items():
        setattr(result, keyword, value)
    return result


def single(position, orientation=AXIAL, frame_of_reference="1.5"):
    return dataset(
        FrameOfReferenceUID=frame_of_reference, ImagePositionPatient=position, ImageOrientationPatient=orientation
    )


def planes_of(*headers):
    paths = [Path(str(number)) for number in range(len(headers))]
    return find_planes(dict(zip(paths, headers, strict=True)), [SourceFrame(path, path.name, 1) for path in paths])


def test_planes_of_files_are_their_own():
    planes = planes_of(single([1, 2, 3]), single([1, 2, 8]))
    assert planes.frame_of_reference == "1.5"
    assert planes.orientation == tuple(AXIAL)
    assert planes.positions == ((1, 2, 3), (1, 2, 8))


def test_planes_of_an_enhanced_file_stand_in_its_functional_groups():
    header = dataset(
        FrameOfReferenceUID="1.5",
        SharedFunctionalGroupsSequence=[
            dataset(PlaneOrientationSequence=[dataset(ImageOrientationPatient=AXIAL)]),
        ],
        PerFrameFunctionalGroupsSequence=[
            dataset(PlanePositionSequence=[dataset(ImagePositionPatient=[0, 0, depth])]) for depth in (4, 9)
        ],
    )
    path = Path("a.dcm")
    planes = find_planes({path: header}, [SourceFrame(path, "1.2", number) for number in (2, 1)])
    assert planes.positions == ((0, 0, 9), (0, 0, 4))
    assert planes.orientation == tuple(AXIAL)


@pytest.mark.parametrize(
    "second",
    [dataset(), single([1, 2, 8], SAGITTAL), single([1, 2, 8], frame_of_reference="1.6"), single([1, 2, 8], None)],
)
def test_there_are_none_when_one_is_unknown_or_they_do_not_belong_together(second):
    assert planes_of(single([1, 2, 3]), second) is None
