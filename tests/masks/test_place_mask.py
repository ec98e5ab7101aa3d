# SPDX-License-Identifier: Apache-2.0
"""Masks whose files keep the same space in another order, and masks that lie elsewhere."""

from __future__ import annotations

from itertools import permutations, product

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from nibabel.orientations import inv_ornt_aff

from monai_i2v.errors import UsageError
from monai_i2v.masks.mask_files import read_mask
from monai_i2v.masks.truth import Truth
from monai_i2v.media.open_video import open_video

WIDTH, HEIGHT, LENGTH = 9, 6, 4
SERIES = np.zeros((LENGTH, HEIGHT, WIDTH), np.uint8)
for index in range(LENGTH):
    SERIES[index, 1:3, 1 : 4 + index], SERIES[index, 5, 8] = 3, index + 1
TILT = np.deg2rad(25)
OBLIQUE = np.array(  # columns of 0.5 mm, rows of 0.4 mm, frames 1.5 mm apart; turned about x
    [
        [-0.5, 0, 0, 40],
        [0, -0.4 * np.cos(TILT), 1.5 * np.sin(TILT), 30],
        [0, 0.4 * np.sin(TILT), 1.5 * np.cos(TILT), -12],
        [0, 0, 0, 1],
    ]
)
ORDERS = [np.column_stack([order, signs]) for order in permutations(range(3)) for signs in product([1, -1], repeat=3)]


def save_nifti(path, frames, affine=OBLIQUE, shape=None):
    pixels = frames.transpose(2, 1, 0)
    image = nib.Nifti1Image(pixels.reshape(shape or pixels.shape), affine)
    image.to_filename(path)
    return path


def reordered(frames, order, affine=OBLIQUE):
    """The same voxels in the same space, in another order."""
    pixels = frames.transpose(2, 1, 0)
    turned = affine @ inv_ornt_aff(order, pixels.shape)
    return nib.Nifti1Image(nib.apply_orientation(pixels, order), turned)


@pytest.fixture
def video(tmp_path):
    return open_video(save_nifti(tmp_path / "video.nii.gz", SERIES))


@pytest.mark.parametrize("order", ORDERS)
def test_a_series_in_every_order_of_voxels_is_turned_and_so_is_time(tmp_path, video, order):
    reordered(SERIES, order).to_filename(tmp_path / "mask.nii.gz")
    for frame in range(LENGTH):
        assert np.array_equal(read_mask(tmp_path / "mask.nii.gz", video.info, frame), SERIES[frame])
    assert np.array_equal(Truth(tmp_path / "mask.nii.gz", video)[2], SERIES[2])


@pytest.mark.parametrize("order", ORDERS)
def test_a_single_mask_in_every_order_of_voxels_is_turned(tmp_path, video, order):
    reordered(SERIES[:1], order).to_filename(tmp_path / "mask.nii")
    assert np.array_equal(read_mask(tmp_path / "mask.nii", video.info, 3), SERIES[0])


@pytest.mark.parametrize("suffix", [".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("axes", ["RAS", "LPS", "SRA", "AIL"])
def test_other_formats_are_turned_too(tmp_path, video, suffix, axes):
    save_nifti(tmp_path / "same.nii", SERIES)
    image = sitk.DICOMOrient(sitk.ReadImage(str(tmp_path / "same.nii")), axes)
    sitk.WriteImage(image, str(tmp_path / f"mask{suffix}"))
    assert np.array_equal(read_mask(tmp_path / f"mask{suffix}", video.info, 2), SERIES[2])


@pytest.mark.parametrize("axes", ["RAS", "LPS", "SRA"])
def test_a_nifti_is_turned_to_a_video_of_another_format(tmp_path, axes):
    save_nifti(tmp_path / "same.nii", SERIES)
    image = sitk.ReadImage(str(tmp_path / "same.nii"))
    sitk.WriteImage(image, str(tmp_path / "video.mha"))
    sitk.WriteImage(sitk.DICOMOrient(image, axes), str(tmp_path / "mask.nii"))
    assert np.array_equal(read_mask(tmp_path / "mask.nii", open_video(tmp_path / "video.mha").info, 1), SERIES[1])


@pytest.mark.parametrize("order", ORDERS[::5])
@pytest.mark.parametrize("several", [True, False])
def test_time_may_be_a_fourth_axis(tmp_path, order, several):
    shape = (WIDTH, HEIGHT, 1, LENGTH)
    info = open_video(save_nifti(tmp_path / "video.nii", SERIES, shape=shape)).info
    single = reordered(SERIES[:1], order)
    masks = [reordered(frame[None], order).get_fdata() for frame in SERIES] if several else [single.get_fdata()]
    nib.Nifti1Image(np.stack(masks, axis=-1).astype(np.uint8), single.affine).to_filename(tmp_path / "mask.nii")
    assert np.array_equal(read_mask(tmp_path / "mask.nii", info, 2), SERIES[2 if several else 0])


def test_a_flat_mask_of_simpleitk_is_turned(tmp_path):
    flat = np.diag([-0.5, -0.4, 1.5, 1.0])
    flat[:3, 3] = 40, 30, -12
    info = open_video(save_nifti(tmp_path / "video.nii", SERIES, flat)).info
    image = sitk.ReadImage(str(tmp_path / "video.nii"))[:, :, 1]
    sitk.WriteImage(sitk.Flip(image, [True, False]), str(tmp_path / "mask.mha"))
    assert np.array_equal(read_mask(tmp_path / "mask.mha", info, 1), SERIES[1])


def moved(x=0.0, y=0.0, z=0.0, scale=1.0):
    affine = OBLIQUE.copy()
    affine[:3, 3] += OBLIQUE[:3, :3] @ [x, y, z]
    affine[:3, :2] *= scale
    return affine


@pytest.mark.parametrize("affine", [moved(x=1), moved(y=-0.5), moved(z=-1), moved(scale=2), np.diag([0.5, 0.4, 1, 1])])
def test_a_mask_of_another_space_is_refused_with_both(tmp_path, video, affine):
    path = save_nifti(tmp_path / "mask.nii", SERIES[:1], affine)
    sentence = (
        r"mask\.nii lies elsewhere than the video .*: its first pixel is at \(.*\) mm .* but .* resample the mask"
    )
    with pytest.raises(UsageError, match=sentence):
        read_mask(path, video.info)
    with pytest.raises(UsageError, match=sentence):
        Truth(path, video)


@pytest.mark.parametrize("shift", [0.05, 0.2])
def test_what_files_round_does_not_matter(tmp_path, video, shift):
    path = save_nifti(tmp_path / "mask.nii", SERIES[1:2], moved(x=shift, y=shift))
    assert np.array_equal(read_mask(path, video.info), SERIES[1])


def test_a_single_mask_that_lies_at_another_frame_is_refused(tmp_path, video):
    path = save_nifti(tmp_path / "mask.nii", SERIES[2:3], moved(z=2))
    assert np.array_equal(read_mask(path, video.info, 2), SERIES[2])
    with pytest.raises(UsageError, match=r"lies at frame 2 of the video .*, but is given for frame 0; .* ref_frame to"):
        read_mask(path, video.info, 0)


@pytest.mark.parametrize("affine", [np.eye(4), np.diag([-1.0, -1, 1, 1]), np.diag([1.0, 1, 0.04, 1]), None])
def test_a_file_that_knows_no_space_is_taken_as_it_lies(tmp_path, video, affine):
    path = save_nifti(tmp_path / "mask.nii", SERIES, affine)
    assert np.array_equal(read_mask(path, video.info, 2), SERIES[2])
    info = open_video(save_nifti(tmp_path / "plain.nii", SERIES, affine)).info
    assert np.array_equal(read_mask(save_nifti(tmp_path / "placed.nii", SERIES), info, 2), SERIES[2])


def with_forms(path, sform, qform, frames=SERIES):
    image = nib.Nifti1Image(frames.transpose(2, 1, 0), None)
    image.set_sform(sform, 1 if sform is not None else 0)
    image.set_qform(qform, 1 if qform is not None else 0)
    image.to_filename(path)
    return path


MIRRORED = OBLIQUE @ inv_ornt_aff(np.array([[0, -1], [1, 1], [2, 1]]), (WIDTH, HEIGHT, LENGTH))


def test_the_form_that_fits_counts_where_both_differ(tmp_path, video):
    path = with_forms(tmp_path / "a.nii", OBLIQUE, moved(x=40))
    assert np.array_equal(read_mask(path, video.info, 1), SERIES[1])
    path = with_forms(tmp_path / "b.nii", moved(x=40), MIRRORED, SERIES[..., ::-1])
    assert np.array_equal(read_mask(path, video.info, 1), SERIES[1])
    path = with_forms(tmp_path / "c.nii", None, OBLIQUE)
    assert np.array_equal(read_mask(path, video.info, 1), SERIES[1])


def test_forms_that_differ_in_both_files_alike_are_no_contradiction(tmp_path):
    info = open_video(with_forms(tmp_path / "video.nii", OBLIQUE, MIRRORED)).info
    path = with_forms(tmp_path / "mask.nii", OBLIQUE, MIRRORED)
    assert np.array_equal(read_mask(path, info, 1), SERIES[1])


def test_forms_that_put_a_mask_in_two_places_are_refused(tmp_path, video):
    path = with_forms(tmp_path / "mask.nii", OBLIQUE, MIRRORED)
    with pytest.raises(UsageError, match=r"the qform and the sform of the mask .* contradict each other, so its place"):
        read_mask(path, video.info)


def test_units_of_both_files_may_differ(tmp_path, video):
    image = nib.Nifti1Image(SERIES.transpose(2, 1, 0), np.diag([1000, 1000, 1000, 1]) @ OBLIQUE)
    image.header.set_xyzt_units("micron")
    image.to_filename(tmp_path / "mask.nii")
    assert np.array_equal(read_mask(tmp_path / "mask.nii", video.info, 1), SERIES[1])


def test_several_slices_over_time_are_refused(tmp_path, video):
    nib.Nifti1Image(np.ones((WIDTH, HEIGHT, 2, 3), np.uint8), None).to_filename(tmp_path / "mask.nii")
    with pytest.raises(UsageError, match=r"mask\.nii has 9 x 6 x 2 x 3 voxels; expected one slice over time"):
        read_mask(tmp_path / "mask.nii", video.info)


def write_cine(tmp_path, write_dicom, step):
    (tmp_path / "cine").mkdir()
    for number, frame in enumerate(SERIES):
        place = {
            "ImagePositionPatient": [-40, -30 + step * number, 12],
            "ImageOrientationPatient": [1, 0, 0, 0, 0, -1],
            **{"PixelSpacing": [0.4, 0.5], "FrameOfReferenceUID": "1.5", "InstanceNumber": number},
        }
        write_dicom(tmp_path / f"cine/{number}.dcm", frame[None], **place)
    return open_video(tmp_path / "cine").info


def lps_image(frames, step):
    """An image as 3D Slicer and SimpleITK make it of the DICOM files."""
    image = sitk.GetImageFromArray(frames)
    image.SetSpacing([0.5, 0.4, abs(step) or 1])
    image.SetOrigin([-40, -30, 12])
    image.SetDirection([1, 0, 0, 0, 0, -1 if step < 0 else 1, 0, -1, 0])
    return image


@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz"])
@pytest.mark.parametrize("axes", ["LPS", "RAS", "RSA"])
def test_dicom_with_positions_takes_a_mask_of_other_order(tmp_path, write_dicom, suffix, axes):
    info = write_cine(tmp_path, write_dicom, step=0)
    sitk.WriteImage(sitk.DICOMOrient(lps_image(SERIES[2:3], 0), axes), str(tmp_path / f"mask{suffix}"))
    assert np.array_equal(read_mask(tmp_path / f"mask{suffix}", info, 2), SERIES[2])


@pytest.mark.parametrize("step", [2.0, -2.0])
@pytest.mark.parametrize("axes", ["LPS", "RAI", "PIR"])
def test_dicom_whose_frames_move_takes_a_series_of_other_order(tmp_path, write_dicom, step, axes):
    info = write_cine(tmp_path, write_dicom, step)
    sitk.WriteImage(sitk.DICOMOrient(lps_image(SERIES, step), axes), str(tmp_path / "mask.nrrd"))
    assert np.array_equal(read_mask(tmp_path / "mask.nrrd", info, 3), SERIES[3])


def test_dicom_takes_its_own_masks_that_know_spacing_only_and_none_of_another_slice(tmp_path, write_dicom):
    info = write_cine(tmp_path, write_dicom, step=0)
    save_nifti(tmp_path / "masks.nii.gz", SERIES, np.diag([0.5, 0.4, 0.04, 1]))
    assert np.array_equal(read_mask(tmp_path / "masks.nii.gz", info, 1), SERIES[1])
    other = lps_image(SERIES[:1], 0)
    other.SetOrigin([-40, -22, 12])
    sitk.WriteImage(other, str(tmp_path / "other.nrrd"))
    with pytest.raises(UsageError, match=r"other\.nrrd lies elsewhere than the video"):
        read_mask(tmp_path / "other.nrrd", info)
