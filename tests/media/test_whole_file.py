# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

from monai_i2v.media.whole_file import is_whole


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "cut"),
    [
        ("a.mkv", "ffv1", "bgr0", False),
        ("a.webm", "libvpx-vp9", "yuv420p", False),
        ("a.gif", "gif", "rgb8", False),
        ("a.avi", "mjpeg", "yuvj420p", None),
        ("a.mp4", "libx264", "yuv420p", None),
    ],
)
def test_whole_and_cut_files(tmp_path, write_movie, name, codec, pixels, cut):
    path = write_movie(tmp_path / name, codec=codec, pixels=pixels)
    content = path.read_bytes()
    assert is_whole(path) is (None if name == "a.mp4" else True)
    assert is_whole(path, content) is is_whole(path)
    for part in (content[:-200], content[: len(content) // 2]):
        path.write_bytes(part)
        assert is_whole(path) is cut


def test_a_live_stream_does_not_know_its_length():
    assert is_whole("a.mkv", b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + 7 * b"\xff" + b"data") is None


def test_a_long_avi_has_several_parts():
    part = b"RIFF" + (12).to_bytes(4, "little") + b"AVI 00000000"
    assert is_whole("a.avi", 2 * part) is True
    assert is_whole("a.avi", (2 * part)[:-1]) is None
