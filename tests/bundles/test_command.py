# SPDX-License-Identifier: Apache-2.0
"""The real command, in processes of its own: that the other tests, which run it in theirs, see the same."""

from bundle_command import assert_explained, finish

from monai_i2v.phantoms import Phantom, save_phantom


def test_the_command_itself_fails_in_the_same_way_and_shows_a_traceback_when_debugging(
    start_command, run_bundle, recording
):
    given = {"video": recording / "no.mp4", "ref_mask": recording / "mask.png", "output_dir": recording / "out"}
    processes = [start_command(**given), start_command(debug="1", **given)]
    here = run_bundle(**given)
    plain, debugged = map(finish, processes)
    assert_explained(plain, "no.mp4 does not exist", "expected a file", "check the name")
    assert (plain.status, plain.sentence) == (here.status, here.sentence)
    assert debugged.status == plain.status == 1
    assert "Traceback" in debugged.stderr
    assert "UsageError: " + plain.sentence.removeprefix("monai_i2v: ") in debugged.stderr
    assert not (recording / "out").exists()


def test_the_command_itself_succeeds_in_the_same_way(start_command, run_bundle, recording):
    save_phantom(Phantom(length=2, size=(64, 80)), recording)
    given = {"video": recording / "video.mp4", "ref_mask": recording / "masks/00000.png"}
    process = start_command(**given, output_dir=recording / "there")
    here = run_bundle(**given, output_dir=recording / "here")
    there = finish(process)
    assert here.status == there.status == 0, there.stderr
    results = {path.relative_to(recording / "here") for path in (recording / "here").rglob("*")}
    assert results == {path.relative_to(recording / "there") for path in (recording / "there").rglob("*")}
    for name in ("masks/00000.png", "masks/00001.png", "measurements.csv"):
        paths = [recording / folder / "video" / name for folder in ("here", "there")]
        assert paths[0].read_bytes() == paths[1].read_bytes()
