# SPDX-License-Identifier: Apache-2.0
"""What is open in one process is read in others: workers of a DataLoader, forked or spawned."""

from __future__ import annotations

import pickle

import nibabel as nib
import numpy as np
import pytest
import SimpleITK
from PIL import Image
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian
from torch.utils.data import ConcatDataset, DataLoader

from monai_i2v.media import open_video

FRAMES = np.random.default_rng(0).integers(0, 255, (4, 32, 48)).astype(np.uint8)  # (T, H, W)


def pictures():
    return [Image.fromarray(frame) for frame in FRAMES]


@pytest.fixture
def videos(tmp_path, write_movie, write_dicom):
    """One recording of each kind, opened, the first frame read."""
    color = [np.repeat(frame[..., None], 3, axis=2) for frame in FRAMES]
    write_movie(tmp_path / "a.mp4", color, codec="libx264", pixels="yuv420p")
    write_movie(tmp_path / "a.ts", color, codec="mpeg2video", pixels="yuv420p")
    write_movie(tmp_path / "a.mkv", color)
    first, *others = pictures()
    first.save(tmp_path / "a.gif", save_all=True, append_images=others)
    first.save(tmp_path / "a.png", save_all=True, append_images=others)
    first.save(tmp_path / "a.tif", save_all=True, append_images=others)
    write_dicom(tmp_path / "a.dcm", FRAMES)
    deflated = dcmread(tmp_path / "a.dcm")
    deflated.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    deflated.save_as(tmp_path / "deflated.dcm", enforce_file_format=True)
    nib.Nifti1Image(FRAMES.T, np.eye(4)).to_filename(tmp_path / "a.nii.gz")
    SimpleITK.WriteImage(SimpleITK.GetImageFromArray(FRAMES), tmp_path / "a.nrrd")
    np.save(tmp_path / "a.npy", FRAMES)
    np.savez_compressed(tmp_path / "a.npz", frames=FRAMES)
    for folder in ("frames", "series"):
        (tmp_path / folder).mkdir()
    for number, frame in enumerate(FRAMES):
        Image.fromarray(frame).save(tmp_path / "frames" / f"{number}.png")
        write_dicom(tmp_path / "series" / f"{number}", frame[None], InstanceNumber=number)
    opened = [open_video(path) for path in sorted(tmp_path.iterdir())]
    assert len(opened) == 14
    return opened


def read_all(loader):
    return [frame.numpy() for frame in loader]


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_every_kind_is_read_by_workers(videos, context):
    frames = ConcatDataset(videos)
    here = read_all(DataLoader(frames, batch_size=None))
    there = read_all(DataLoader(frames, batch_size=None, num_workers=1, multiprocessing_context=context, timeout=900))
    assert len(here) == 4 * 14
    assert all(np.array_equal(one, other) for one, other in zip(here, there, strict=True))
    assert np.array_equal(read_all(DataLoader(frames, batch_size=None))[-1], here[-1])  # the place here stayed


def test_every_kind_can_be_pickled(videos):
    for video in videos:
        again = pickle.loads(pickle.dumps(video))
        assert again.info == video.info
        assert np.array_equal(again.read(3), video.read(3))
        again.close()
