# SPDX-License-Identifier: Apache-2.0
"""Reading and writing of volumes, checked with both nibabel and SimpleITK."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from monai_i2v.errors import UsageError
from monai_i2v.media.volume import VolumeVideo
from monai_i2v.media.volume_files import read_volume, save_labels_like, suffix_of

SHAPE = (6, 4, 3)  # (x, y, time)
PIXELS = np.arange(72).reshape(SHAPE).astype(np.int16)  # value = 12 x + 3 y + t
ANGLE = np.deg2rad(30)
ROTATED = np.array(
    [  # rotated by 30 degrees, x flipped, 0.5 x 0.4 x 0.04
        [-0.5 * np.cos(ANGLE), -0.4 * np.sin(ANGLE), 0, 11],
        [-0.5 * np.sin(ANGLE), 0.4 * np.cos(ANGLE), 0, -7],
        [0, 0, 0.04, 3],
        [0, 0, 0, 1],
    ]
)
ITK_SUFFIXES = [".mhd", ".mha", ".nrrd"]
SUFFIXES = [".nii", ".nii.gz", *ITK_SUFFIXES]


def write_volume(path, pixels=PIXELS, affine=ROTATED, units=("mm", "sec")) -> Path:
    """Write (x, y, ...) with an affine, as nibabel does; other formats are converted by SimpleITK."""
    image = nib.Nifti1Image(pixels, affine)
    image.header.set_xyzt_units(*units)
    if suffix_of(path) in (".nii", ".nii.gz"):
        image.to_filename(path)
    else:
        image.to_filename(path.with_name("source.nii"))
        sitk.WriteImage(sitk.ReadImage(str(path.with_name("source.nii"))), str(path))
    return path


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_frames_and_affine_are_those_of_the_file(tmp_path, suffix):
    volume = read_volume(write_volume(tmp_path / f"a{suffix}"))
    assert volume.frames.shape == (3, 4, 6, 1)  # (T, H, W, C)
    assert volume.frames[2, 1, 5, 0] == 12 * 5 + 3 * 1 + 2
    assert np.allclose(volume.affine, ROTATED, atol=1e-6)
    assert volume.spacing == pytest.approx((0.4, 0.5))  # (row, column)


@pytest.mark.parametrize(
    ("shape", "zooms"),
    [((6, 4, 3), (0.5, 0.4, 1.54)), ((6, 4, 1, 3), (0.5, 0.4, 8, 40)), ((6, 4, 3, 1), (0.5, 0.4, 1.54, 9))],
)
@pytest.mark.parametrize(("unit", "seconds"), [("sec", 40), ("msec", 0.04), ("usec", 0.00004), ("unknown", None)])
def test_nifti_has_a_frame_time_when_its_fourth_axis_has_a_unit_of_time(tmp_path, shape, zooms, unit, seconds):
    image = nib.Nifti1Image(PIXELS.reshape(shape), np.diag([0.5, 0.4, zooms[2], 1]))
    image.header.set_zooms(zooms)
    image.header.set_xyzt_units("mm", unit)
    image.to_filename(tmp_path / "a.nii")
    volume = read_volume(tmp_path / "a.nii")
    if shape != (6, 4, 1, 3):
        seconds = None  # frames lie along z, in mm
    assert volume.frame_time == (None if seconds is None else pytest.approx(seconds))
    assert volume.frames[2, 1, 5, 0] == 65
    last = zooms[2] if shape != (6, 4, 1, 3) else seconds or 1  # a z axis becomes the time axis
    assert np.allclose(np.diag(volume.affine), [0.5, 0.4, last, 1])


def test_unknown_codes_of_units_tell_nothing(tmp_path):
    path = write_volume(tmp_path / "a.nii")
    content = bytearray(path.read_bytes())
    content[123] = 7  # xyzt_units
    path.write_bytes(content)
    volume = read_volume(path)
    assert (volume.frame_time, volume.spacing) == (None, pytest.approx((0.4, 0.5)))


def test_units_of_space_become_millimeters(tmp_path):
    path = write_volume(tmp_path / "a.nii", affine=np.diag([500, 400, 1, 1]), units=("micron", "sec"))
    assert read_volume(path).spacing == pytest.approx((0.4, 0.5))


def test_4d_volume_of_simpleitk(tmp_path):
    slices = [sitk.GetImageFromArray(PIXELS[..., t].T[None]) for t in range(3)]
    image = sitk.JoinSeries(slices)  # (x, y, 1, t)
    image.SetSpacing([0.5, 0.4, 8, 1])
    sitk.WriteImage(image, str(tmp_path / "a.nrrd"))
    volume = read_volume(tmp_path / "a.nrrd")
    assert volume.frames[2, 1, 5, 0] == 65
    assert np.allclose(volume.affine, np.diag([-0.5, -0.4, 1, 1]))
    labels = PIXELS.T.astype(np.uint8)
    save_labels_like(tmp_path / "a.nrrd", tmp_path, labels)
    masks = sitk.ReadImage(str(tmp_path / "masks.nrrd"))
    assert masks.GetSize() == (6, 4, 1, 3)
    assert masks.GetSpacing() == image.GetSpacing()
    assert masks[5, 1, 0, 2] == 65


def test_nrrd_says_that_an_axis_is_time(tmp_path):
    size = "type: unsigned char\ndimension: 3\nsizes: 2 1 3\nencoding: ascii\n"
    axes = 'kinds: domain domain time\nspacings: 0.5 0.4 40\nunits: "mm" "mm" "ms"\n'
    (tmp_path / "a.nrrd").write_text(f"NRRD0004\n{size}{axes}\n1 2 3 4 5 6\n")
    volume = read_volume(tmp_path / "a.nrrd")
    assert volume.frame_time == pytest.approx(0.04)
    assert volume.frames[..., 0].tolist() == [[[1, 2]], [[3, 4]], [[5, 6]]]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_color(tmp_path, suffix):
    pixels = np.stack([PIXELS.T, PIXELS.T + 50, PIXELS.T + 100], -1).astype(np.uint8)  # (t, y, x, 3)
    sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=True), str(tmp_path / f"a{suffix}"))
    volume = read_volume(tmp_path / f"a{suffix}")
    assert volume.frames.shape == (3, 4, 6, 3)
    assert volume.frames[2, 1, 5].tolist() == [65, 115, 165]


def test_nifti_with_rgb_voxels(tmp_path):
    pixels = np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    pixels["G"] = PIXELS
    nib.Nifti1Image(pixels, np.eye(4)).to_filename(tmp_path / "a.nii")
    assert read_volume(tmp_path / "a.nii").frames[2, 1, 5].tolist() == [0, 65, 0]


def test_single_slice_is_one_frame(tmp_path):
    path = write_volume(tmp_path / "a.nii", PIXELS[..., 1])
    assert read_volume(path).frames.shape == (1, 4, 6, 1)


def test_scaled_values_are_real_ones(tmp_path):
    image = nib.Nifti1Image(PIXELS, np.eye(4))
    image.header.set_slope_inter(0.5, -3)
    image.to_filename(tmp_path / "a.nii")
    assert read_volume(tmp_path / "a.nii").frames[2, 1, 5, 0] == 0.5 * 65 - 3


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("labels", [[0, 1, 7], [0, 300, 70000]])
def test_labels_keep_values_and_geometry(tmp_path, suffix, labels):
    source = write_volume(tmp_path / f"a{suffix}")
    masks = np.zeros((3, 4, 6), np.min_scalar_type(max(labels)))
    masks[2, 1, 5], masks[0, 3, 0] = labels[1:]
    save_labels_like(source, tmp_path, masks)
    written = tmp_path / f"masks{'.nii.gz' if 'nii' in suffix else suffix}"

    by_itk, like = sitk.ReadImage(str(written)), sitk.ReadImage(str(source))
    assert by_itk.GetSize() == SHAPE
    assert by_itk[5, 1, 2] == labels[1]
    assert by_itk[0, 3, 0] == labels[2]
    assert np.allclose(by_itk.GetOrigin(), like.GetOrigin())
    assert np.allclose(by_itk.GetSpacing(), like.GetSpacing())
    assert np.allclose(by_itk.GetDirection(), like.GetDirection())
    assert np.array_equal(read_volume(written).frames[..., 0], masks)
    assert np.allclose(read_volume(written).affine, ROTATED, atol=1e-6)
    if "nii" in suffix:
        by_nibabel = nib.load(written)
        assert by_nibabel.shape == SHAPE
        assert by_nibabel.get_data_dtype() == masks.dtype
        assert np.allclose(by_nibabel.affine, ROTATED, atol=1e-6)
        assert np.asanyarray(by_nibabel.dataobj)[5, 1, 2] == labels[1]
        assert by_nibabel.header.get_xyzt_units() == ("mm", "sec")


@pytest.mark.parametrize("shape", [(6, 4, 1, 3), (6, 4, 3, 1), (6, 4, 3)])
def test_nifti_masks_have_the_shape_and_no_text_of_the_source(tmp_path, shape):
    sheared = ROTATED.copy()
    sheared[0, 1] += 0.1  # SimpleITK refuses this one
    image = nib.Nifti1Image(PIXELS.reshape(shape), sheared)
    image.header["descrip"] = b"Secret^Name"
    image.header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"Secret^Name"))
    image.to_filename(tmp_path / "a.nii")
    save_labels_like(tmp_path / "a.nii", tmp_path, PIXELS.T.astype(np.uint8))
    masks = nib.load(tmp_path / "masks.nii.gz")
    assert masks.shape == shape
    assert np.allclose(masks.affine, sheared, atol=1e-6)
    assert np.array_equal(np.asanyarray(masks.dataobj), PIXELS.reshape(shape))
    assert not masks.header.extensions
    assert masks.header["descrip"].item() == b""


def test_masks_of_a_color_nifti_have_no_color(tmp_path):
    pixels = np.zeros((3, 4, 6, 3), np.uint8)
    sitk.WriteImage(sitk.GetImageFromArray(pixels, isVector=True), str(tmp_path / "a.nii"))
    assert nib.load(tmp_path / "a.nii").shape == (6, 4, 3, 1, 3)
    save_labels_like(tmp_path / "a.nii", tmp_path, PIXELS.T.astype(np.uint8))
    assert sitk.ReadImage(str(tmp_path / "masks.nii.gz"))[5, 1, 2] == 65


def test_window_is_robust_and_without_nan(tmp_path):
    pixels = np.tile(np.arange(1001, dtype=np.float32), (2, 1))[..., None]  # (x, y, t)
    pixels[0, 0], pixels[1, 1000] = np.nan, 1e6
    video = VolumeVideo(tmp_path, read_volume(write_volume(tmp_path / "a.nii", pixels, np.eye(4))))
    assert video.window[0] == pytest.approx(5, abs=1)
    assert video.window[1] == pytest.approx(995, abs=1)
    assert video[0][0, 0, 0] == 0  # NaN is black
    assert video[0][0, 1000, 1] == 1


def test_constant_volume_is_black_and_8_bit_is_shown_as_it_is(tmp_path):
    constant = VolumeVideo(tmp_path, read_volume(write_volume(tmp_path / "a.nii", np.full(SHAPE, 7.0), np.eye(4))))
    assert (constant[1] == 0).all()
    path = write_volume(tmp_path / "b.nii", PIXELS.astype(np.uint8), np.eye(4))
    assert VolumeVideo(path, read_volume(path)).window == (0, 255)


@pytest.mark.parametrize("suffix", [".nii", ".nrrd"])
def test_several_slices_over_time(tmp_path, suffix):
    image = sitk.JoinSeries([sitk.GetImageFromArray(np.zeros((3, 4, 6), np.uint8)) for _ in range(2)])
    sitk.WriteImage(image, str(tmp_path / f"a{suffix}"))
    with pytest.raises(
        UsageError, match=r"has 6 x 4 x 3 x 2 voxels; expected one slice over time, .* cut out one slice"
    ):
        read_volume(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".nii", ".mha"])
def test_voxels_with_two_values(tmp_path, suffix):
    image = sitk.GetImageFromArray(np.zeros((3, 4, 6, 2), np.uint8), isVector=True)
    sitk.WriteImage(image, str(tmp_path / f"a{suffix}"))
    with pytest.raises(UsageError, match=r"has 2 values of type uint8 per voxel; expected 1 \(gray\) or 3 \(RGB\)"):
        read_volume(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("kept", [0.5, 0.0])
def test_damaged_volume(tmp_path, suffix, kept, capfd):
    path = write_volume(
        tmp_path / f"a{suffix}", np.random.default_rng(0).integers(0, 999, (60, 40, 3)).astype(np.int16)
    )
    content = path.read_bytes()
    path.write_bytes(content[: int(kept * len(content))])
    with pytest.raises(UsageError, match=r"cannot be read as (NIfTI|a volume); it is damaged, cut off,"):
        read_volume(path)


def test_mhd_without_its_data(tmp_path):
    path = write_volume(tmp_path / "a.mhd")
    (tmp_path / "a.raw").unlink()
    with pytest.raises(UsageError, match="or the file with its data is missing; export it again"):
        read_volume(path)


def test_unwritable_place(tmp_path):
    for suffix in (".mhd", ".nii"):
        source = write_volume(tmp_path / f"a{suffix}")
        with pytest.raises(OSError, match=r"SimpleITK cannot write it|No such file"):
            save_labels_like(source, tmp_path / "missing", PIXELS.T.astype(np.uint8))


def test_simpleitk_writes_no_frame_time(tmp_path):
    image = sitk.GetImageFromArray(PIXELS.T)
    image.SetSpacing([0.5, 0.5, 1.54])
    sitk.WriteImage(image, str(tmp_path / "a.nii"))
    assert nib.load(tmp_path / "a.nii").header.get_xyzt_units() == ("mm", "sec")
    assert read_volume(tmp_path / "a.nii").frame_time is None


@pytest.mark.parametrize("zoom", [0, 1e-9, 1e9])
def test_a_frame_time_that_cannot_be_is_left_out(tmp_path, zoom):
    image = nib.Nifti1Image(PIXELS.reshape(6, 4, 1, 3), np.eye(4))
    image.header["pixdim"][4] = zoom
    image.header.set_xyzt_units("mm", "sec")
    image.to_filename(tmp_path / "a.nii")
    assert read_volume(tmp_path / "a.nii").frame_time is None


def write_nrrd(path, kinds, sizes, more="", pixels=None) -> Path:
    pixels = np.arange(np.prod(sizes), dtype=np.uint8) if pixels is None else pixels
    axes = f"dimension: {len(sizes)}\nsizes: {' '.join(map(str, sizes))}\nkinds: {kinds}\n"
    path.write_bytes(f"NRRD0004\ntype: uint8\n{axes}{more}encoding: raw\n\n".encode() + pixels.tobytes())
    return path


IN_SPACE = "space: left-posterior-superior\nspace directions: none (0.5,0,0) (0,0.4,0) (0,0,1)\nspace origin: (3,2,1)\n"


@pytest.mark.parametrize("length", [3, 12])
def test_a_slicer_sequence_is_a_video_and_its_masks_are_one(tmp_path, length):
    path = write_nrrd(tmp_path / "a.seq.nrrd", "list domain domain domain", (length, 3, 2, 1), IN_SPACE)
    volume = read_volume(path)
    assert volume.frames.shape == (length, 2, 3, 1)
    assert volume.frames[2, 0, :, 0].tolist() == [2, 2 + length, 2 + 2 * length]
    assert volume.spacing == (0.4, 0.5)
    labels = np.arange(length * 6, dtype=np.uint8).reshape(length, 2, 3)
    save_labels_like(path, tmp_path, labels)
    masks = read_volume(tmp_path / "masks.nrrd")
    assert np.array_equal(masks.frames[..., 0], labels)
    assert np.allclose(masks.affine, volume.affine)
    assert b"kinds: list domain domain domain" in (tmp_path / "masks.nrrd").read_bytes()


def test_times_of_a_slicer_sequence_are_those_of_its_index(tmp_path):
    index = 'units: "ms" "mm" "mm"\naxis 0 index type:=numeric\naxis 0 index values:=0%20500 2000\n'
    path = write_nrrd(tmp_path / "a.seq.nrrd", "list domain domain", (3, 4, 2), index)
    volume = read_volume(path)
    assert VolumeVideo(path, volume).info.frame_times == (0, 0.5, 2)
    save_labels_like(path, tmp_path, np.zeros((3, 2, 4), np.uint8))
    assert read_volume(tmp_path / "masks.nrrd").frame_times == volume.frame_times


@pytest.mark.parametrize(
    ("kinds", "sizes"),
    [
        ("time domain domain", (3, 4, 2)),
        ("domain time domain", (4, 3, 2)),
        ("domain domain time", (4, 2, 3)),
        ("domain domain list", (4, 2, 3)),
    ],
)
def test_the_axis_of_time_may_be_any(tmp_path, kinds, sizes):
    frame = kinds.split().index("time" if "time" in kinds else "list")
    pixels = np.moveaxis(np.arange(24, dtype=np.uint8).reshape(3, 2, 4), 0, 2 - frame)  # (t, y, x), the last fastest
    units = " ".join('"s"' if axis == frame else '"mm"' for axis in range(3))
    spacings = " ".join("0.2" if axis == frame else "0.5" for axis in range(3))
    more = f"spacings: {spacings}\nunits: {units}\n"
    path = write_nrrd(tmp_path / "a.nrrd", kinds, sizes, more, np.ascontiguousarray(pixels))
    volume = read_volume(path)
    assert volume.frames[..., 0].tolist() == np.arange(24).reshape(3, 2, 4).tolist()
    assert (volume.spacing, volume.frame_time) == ((0.5, 0.5), 0.2 if "time" in kinds else None)
    save_labels_like(path, tmp_path, volume.frames[..., 0])
    masks = read_volume(tmp_path / "masks.nrrd")
    assert np.array_equal(masks.frames, volume.frames)
    assert np.allclose(masks.affine, volume.affine)


@pytest.mark.parametrize(("kind", "shape"), [("RGB-color", (2, 2, 3, 3)), ("vector", (2, 2, 3, 3))])
def test_colors_are_no_frames(tmp_path, kind, shape):
    path = write_nrrd(tmp_path / "a.nrrd", f"{kind} domain domain time", (3, 3, 2, 2))
    assert read_volume(path).frames.shape == shape
    assert read_volume(path).frames[0, 0, 1].tolist() == [3, 4, 5]


def test_time_beside_directions_in_space_is_told(tmp_path):
    path = write_nrrd(tmp_path / "a.nrrd", "time domain domain domain", (3, 4, 2, 1), IN_SPACE)
    with pytest.raises(UsageError, match=r"has an axis of kind 'time' without a direction in space.*write 'list'"):
        read_volume(path)


def test_time_stamps_of_a_plus_sequence(tmp_path):
    stamps = "".join(f"Seq_Frame000{rank}_Timestamp = {time}\n" for rank, time in enumerate([7.0, 7.5, 9.0]))
    header = f"ObjectType = Image\nNDims = 3\nDimSize = 4 2 3\nElementType = MET_UCHAR\n{stamps}"
    (tmp_path / "a.mha").write_bytes(f"{header}ElementDataFile = LOCAL\n".encode() + bytes(range(24)))
    video = VolumeVideo(tmp_path, read_volume(tmp_path / "a.mha"))
    assert video.info.frame_times == (0, 0.5, 2)


def test_masks_of_an_rgb_nifti_have_its_shape(tmp_path):
    pixels = np.zeros((6, 4, 1, 3), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.Nifti1Image(pixels, ROTATED).to_filename(tmp_path / "a.nii")
    assert read_volume(tmp_path / "a.nii").frames.shape == (3, 4, 6, 3)
    save_labels_like(tmp_path / "a.nii", tmp_path, PIXELS.T.astype(np.uint8))
    masks = nib.load(tmp_path / "masks.nii.gz")
    assert (masks.shape, int(np.asanyarray(masks.dataobj)[5, 1, 0, 2])) == ((6, 4, 1, 3), 65)
    assert np.allclose(masks.affine, ROTATED, atol=1e-6)
