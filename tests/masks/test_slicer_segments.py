# SPDX-License-Identifier: Apache-2.0
"""Segmentations as 3D Slicer saves them: cropped, and in layers."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.media.open_video import open_video
from monai_i2v.media.video import VideoInfo

WIDTH, HEIGHT, LENGTH = 12, 8, 4
MOVIE = VideoInfo("cine.mp4", "movie", LENGTH, HEIGHT, WIDTH)


def save_segmentation(path, layers, offset=None, segments=((0, 1),), spacing=(0.5, 0.5, 1.0)):
    """Write layers (C, T, H, W); the grid's first voxel is at the origin of LPS."""
    count, length, height, width = layers.shape
    lines = ["NRRD0004", "type: unsigned char", "space: left-posterior-superior", "encoding: raw"]
    axes = " ".join(f"({','.join('0' if k != i else str(s) for k in range(3))})" for i, s in enumerate(spacing))
    if count > 1:
        lines += ["dimension: 4", f"sizes: {count} {width} {height} {length}", f"space directions: none {axes}"]
        lines += ["kinds: list domain domain domain"]
    else:
        lines += ["dimension: 3", f"sizes: {width} {height} {length}", f"space directions: {axes}"]
        lines += ["kinds: domain domain domain"]
    origin = ",".join(str(o * s) for o, s in zip(offset or (0, 0, 0), spacing, strict=True))
    lines += [f"space origin: ({origin})"]
    for number, (layer, value) in enumerate(segments):
        lines += [f"Segment{number}_Name:=part {number}", f"Segment{number}_Layer:={layer}"]
        lines += [f"Segment{number}_LabelValue:={value}"]
    if offset is not None:
        lines += [f"Segmentation_ReferenceImageExtentOffset:={' '.join(map(str, offset))}"]
    path.write_bytes(("\n".join(lines) + "\n\n").encode() + layers.transpose(1, 2, 3, 0).tobytes())
    return path


def crop(*frames):
    """Layers (1, T, 3, 5)."""
    return np.stack([np.full((3, 5), value, np.uint8) for value in frames])[None]


def whole(value, left=4, top=2):
    labels = np.zeros((HEIGHT, WIDTH), np.int32)
    labels[top : top + 3, left : left + 5] = value
    return labels


def video_of(tmp_path, affine):
    nib.Nifti1Image(np.zeros((WIDTH, HEIGHT, LENGTH), np.uint8), affine).to_filename(tmp_path / "video.nii.gz")
    return open_video(tmp_path / "video.nii.gz").info


LPS = np.diag([-0.5, -0.5, 1.0, 1.0])
CANONICAL = np.diag([0.5, 0.5, 1.0, 1.0])
CANONICAL[:2, 3] = -0.5 * (WIDTH - 1), -0.5 * (HEIGHT - 1)


def test_a_cropped_segmentation_is_put_in_its_place_and_frame(tmp_path):
    path = save_segmentation(tmp_path / "a.seg.nrrd", crop(7, 8), offset=(4, 2, 1), segments=((0, 7), (0, 8)))
    info = video_of(tmp_path, LPS)
    assert np.array_equal(read_mask(path, info, 1), whole(7))
    assert np.array_equal(read_mask(path, info, 2), whole(8))
    with pytest.raises(UsageError, match=r"a\.seg\.nrrd is empty \(all 0\) in frame 0"):
        read_mask(path, info, 0)


def test_the_place_is_turned_with_the_video(tmp_path):
    path = save_segmentation(tmp_path / "a.seg.nrrd", crop(1), offset=(4, 2, 0))
    expected = whole(1)[::-1, ::-1]
    assert np.array_equal(read_mask(path, video_of(tmp_path, CANONICAL), 0), expected)


@pytest.mark.parametrize("frame", [0, 3])
def test_without_a_video_in_space_the_extent_tells_the_place(tmp_path, frame):
    path = save_segmentation(tmp_path / "a.seg.nrrd", crop(1), offset=(4, 2, 0))
    assert np.array_equal(read_mask(path, MOVIE, frame), whole(1))
    (tmp_path / "frames").mkdir()
    for number in range(LENGTH):
        Image.new("L", (WIDTH, HEIGHT)).save(tmp_path / f"frames/{number}.png")
    assert np.array_equal(read_mask(path, open_video(tmp_path / "frames").info, frame), whole(1))


def test_a_segmentation_that_reaches_out_of_the_video_is_refused(tmp_path):
    path = save_segmentation(tmp_path / "a.seg.nrrd", crop(1), offset=(9, 2, 0))
    with pytest.raises(UsageError, match=r"is 5 x 3 from column 9 and row 2 on, but the video cine\.mp4 is 12 x 8"):
        read_mask(path, MOVIE)
    with pytest.raises(UsageError, match=r"a\.seg\.nrrd is 5 x 3, but the video|lies elsewhere than the video"):
        read_mask(path, video_of(tmp_path, LPS))


def test_a_cropped_segmentation_of_other_spacing_is_refused(tmp_path):
    path = save_segmentation(tmp_path / "a.seg.nrrd", crop(1), offset=(4, 2, 0), spacing=(0.25, 0.25, 1.0))
    with pytest.raises(UsageError, match=r"a\.seg\.nrrd is 5 x 3, but the video|lies elsewhere than the video"):
        read_mask(path, video_of(tmp_path, LPS))


def test_a_small_mask_without_an_extent_is_refused(tmp_path):
    path = save_segmentation(tmp_path / "a.nrrd", crop(1), segments=())
    with pytest.raises(UsageError, match=r"a\.nrrd is 5 x 3, but the video .* is 12 x 8"):
        read_mask(path, video_of(tmp_path, LPS))


def layers_of(*columns):
    """A layer (1, H, W) for each range of columns, with the value 1."""
    layers = np.zeros((len(columns), 1, HEIGHT, WIDTH), np.uint8)
    for layer, (first, last) in zip(layers, columns, strict=True):
        layer[:, :, first:last] = 1
    return layers


@pytest.mark.parametrize("count", [2, 3, 4])
def test_layers_become_one_label_map_with_the_labels_of_the_segments(tmp_path, count, caplog):
    layers = layers_of(*[(3 * k, 3 * k + 2) for k in range(count)]) * np.arange(5, 5 + count)[:, None, None, None]
    segments = [(k, 5 + k) for k in range(count)]
    path = save_segmentation(tmp_path / "a.seg.nrrd", layers.astype(np.uint8), (0, 0, 0), segments)
    assert np.array_equal(read_mask(path, MOVIE), layers.sum(axis=0)[0])
    assert caplog.text == ""


def test_overlaps_are_told_and_the_later_segment_counts(tmp_path, caplog):
    path = save_segmentation(tmp_path / "a.seg.nrrd", layers_of((0, 4), (3, 6)), (0, 0, 0), [(0, 1), (1, 1)])
    labels = read_mask(path, MOVIE)
    assert labels[0].tolist() == [1, 1, 1, 2, 2, 2] + [0] * 6
    assert f"segments overlap in {HEIGHT} pixels, where the later one counts" in caplog.text
    assert "segments share a label value, so they are numbered: 1 part 0, 2 part 1" in caplog.text


def test_segmentations_of_old_versions_have_a_layer_for_each_segment(tmp_path):
    path = save_segmentation(tmp_path / "a.seg.nrrd", layers_of((0, 2), (5, 6)), (0, 0, 0))
    content = path.read_bytes().replace(b"Segment0_Layer:=0\nSegment0_LabelValue:=1", b"Segment1_Name:=other")
    path.write_bytes(content)
    assert read_mask(path, MOVIE)[0].tolist() == [1, 1, 0, 0, 0, 2] + [0] * 6
