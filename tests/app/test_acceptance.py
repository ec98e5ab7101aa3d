# SPDX-License-Identifier: Apache-2.0
"""What a person must be able to rely on, in a real browser."""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import httpx
import monai.bundle
import numpy as np
import pytest
from page_user import TOKEN, Served, Still, maps
from PIL import Image
from pydicom import dcmread
from pydicom.examples import get_path

from monai_i2v.app.bundle_parts import read_bundle
from monai_i2v.files.bundle_folders import find_bundle
from monai_i2v.media import open_video
from monai_i2v.session import VideoSession

CINE = get_path("ybr_color")


def visit(user, served):
    return user.visit(f"{served.address}/?t={TOKEN}")


def wait_until(holds):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def cpu_seconds(pid):
    """User and system time of a process and those that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def test_1_the_first_frame_of_a_cine_is_there_within_10_s_and_nothing_leaves_the_machine(command, user, tmp_path):
    requests, problems = [], []
    user.page.on("request", lambda request: requests.append(request.url))
    user.page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    user.page.on("pageerror", lambda error: problems.append(str(error)))
    program = command(CINE, "--output_dir", tmp_path, "--device", "cpu")
    address = program.address()
    user.page.goto(address)
    user.page.wait_for_selector("body[data-shown='0']", timeout=120_000)
    wall, cpu = time.perf_counter() - program.begun, cpu_seconds(program.process.pid)
    assert min(wall, cpu) < 10  # other processes may keep the machine busy
    user.page.wait_for_selector("body[data-ready]", timeout=60_000)
    origin = address.partition("/?")[0]
    assert requests
    assert all(url.startswith(origin) for url in requests)
    assert problems == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"cookie": "monai_i2v_{port}=wrong"},
        {"cookie": "monai_i2v_{port}={token}", "host": "evil.example:{port}"},
        {"cookie": "monai_i2v_{port}={token}", "host": "127.0.0.1:1"},
        {"cookie": "monai_i2v_{port}={token}", "origin": "http://evil.example"},
        {"cookie": "monai_i2v_{port}={token}", "origin": "null"},
        {"cookie": "monai_i2v_{port}={token}", "sec-fetch-site": "cross-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/session", "/api/frames/0", "/page/main.js", "/api/events"])
def test_2_strangers_get_403(served_once, headers, path):
    filled = {key: value.format(port=served_once.port, token=TOKEN) for key, value in headers.items()}
    assert httpx.get(served_once.address + path, headers=filled).status_code == 403


@pytest.fixture(scope="module")
def served_once(tmp_path_factory):
    served = Served(CINE, tmp_path_factory.mktemp("out"))
    yield served
    served.close()


def test_2_the_port_listens_on_the_loopback_address_only(served_once):
    assert served_once.socket.getsockname()[0] == "127.0.0.1"
    others = {info[4][0] for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"} - {a for a in others if a.startswith("127.")}:
        with pytest.raises(OSError, match="refused"):
            socket.create_connection((address, served_once.port), timeout=2)


def test_3_a_spline_round_trips_and_the_page_finds_what_a_python_session_finds(
    serve, user, movie, memory_net, tmp_path
):
    served = serve(movie, tmp_path, memory_net)
    visit(user, served)
    user.spline(64, 48, 20, 26)
    drawn = user.shown_labels()
    assert 0.9 < drawn.sum() / (np.pi * 20 * 26) < 1.1
    assert np.array_equal(served.session.drawn[0][1], drawn == 1)
    assert np.array_equal(user.label_map(0), drawn)
    user.find_masks()
    plain = VideoSession(memory_net, movie, size=64)
    plain.annotate(0, drawn)
    for _ in plain.carry():
        pass
    assert np.array_equal(np.stack([user.label_map(index) for index in range(len(plain))]), maps(plain))


def seconds_to_stop(user):
    user.page.evaluate("document.body.dataset.ended = ''")
    begun = time.perf_counter()
    user.press("Escape")
    user.wait_for_end("propagating")
    return time.perf_counter() - begun


def test_4_masks_come_within_2_s_stop_works_within_half_a_second_and_drawn_frames_stay(serve, user, movie, tmp_path):
    served = serve(movie, tmp_path, Still(0.15))
    visit(user, served)
    user.spline(64, 48, 20, 26)
    user.go(3)
    user.spline(40, 48, 12, 12)
    before = {index: user.label_map(index).tobytes() for index in (0, 3)}
    begun, computed = time.perf_counter(), time.process_time()
    user.press("Enter")
    while not user.get("/api/frames/1/labels")["confidence"]:
        assert time.perf_counter() - begun < 20
    # Other processes may keep the machine busy: what this one computed counts too, and the best of three stops.
    assert min(time.perf_counter() - begun, time.process_time() - computed) < 2
    stops = [seconds_to_stop(user)]
    while stops[-1] >= 0.5 and len(stops) < 3:
        user.press("Enter")
        user.page.wait_for_timeout(300)
        stops.append(seconds_to_stop(user))
    assert served.place.worker.busy == ""
    assert min(stops) < 0.5
    assert user.label_map(1).any()
    assert not user.label_map(11).any()
    user.find_masks()
    assert {index: user.label_map(index).tobytes() for index in (0, 3)} == before


def test_5_a_correction_costs_only_the_passes_that_begin_there_and_undo_and_redo_restore_all_masks(
    serve, user, movie, memory_net, tmp_path
):
    served = serve(movie, tmp_path, memory_net)
    session = visit(user, served) and served.session
    user.spline(64, 48, 20, 26)
    user.find_masks()
    seen = {(one.anchor, one.direction): dict(one.frames) for one in session.tracker.tracks}
    before = served.maps()
    user.go(6)
    user.press("b")
    user.drag((64, 48), (90, 60))
    user.settle()
    user.find_masks()
    assert all(one.frames == seen[0, one.direction] for one in session.tracker.tracks if one.anchor == 0)
    assert {one.anchor for one in session.tracker.tracks} == {0, 6}
    after = served.maps()
    user.press("Control+z", "Control+z")
    user.settle()
    assert np.array_equal(served.maps(), before)
    user.press("Control+Shift+z", "Control+Shift+z")
    user.settle()
    assert np.array_equal(served.maps(), after)


def test_6_a_stroke_outlives_a_kill(command, new_user, tmp_path):
    program = command(CINE, "--output_dir", tmp_path, "--device", "cpu")
    user = new_user(stranger=True).visit(program.address())
    user.spline(150, 110, 30, 40)
    drawn = user.shown_labels()
    program.kill()
    again = new_user(stranger=True).visit(command(CINE, "--output_dir", tmp_path, "--device", "cpu").address())
    assert drawn.any()
    assert np.array_equal(again.label_map(0), drawn)


def variable_movie(folder):
    path = folder / "variable.mkv"
    frames = [np.random.default_rng(i).integers(0, 256, (48, 64, 3), np.uint8) for i in range(5)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for stamp, picture in zip([0, 40, 200, 230, 700], frames, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def deep_tiff(folder):
    path = folder / "deep.tif"
    pages = [Image.fromarray(np.random.default_rng(i).integers(0, 60000, (48, 64)).astype(np.uint16)) for i in range(3)]
    pages[0].save(path, save_all=True, append_images=pages[1:])
    return path


@pytest.mark.parametrize("make", [variable_movie, deep_tiff, lambda folder: CINE])
def test_7_the_frame_on_the_screen_is_the_frame_that_is_segmented_and_the_window_changes_no_mask(
    serve, user, make, tmp_path
):
    path = make(tmp_path)
    served = serve(path, tmp_path / "out")
    visit(user, served)
    with open_video(path) as video:
        for index in (0, 2, 1):
            user.go(index)
            expected = video[index].mul(255).round().byte().permute(1, 2, 0).numpy()
            assert np.array_equal(user.shown_picture(), expected)
    height, width = user.size
    user.spline(width / 2, height / 2, width / 5, height / 5)
    before, picture = user.label_map(1), user.shown_picture()
    user.drag((width / 2, height / 2), (width / 2 + width / 4, height / 2 + 5), button="right")
    wait_until(lambda: not np.array_equal(user.shown_picture(), picture))
    assert np.array_equal(user.label_map(1), before)
    user.press("w")
    wait_until(lambda: np.array_equal(user.shown_picture(), picture))


def test_7_a_movie_is_played_at_its_own_times(tmp_path):
    with open_video(variable_movie(tmp_path)) as video:
        assert video.info.frame_times == pytest.approx([0, 0.04, 0.2, 0.23, 0.7])


def test_8_the_whole_job_by_keyboard_alone(serve, user, movie, memory_net, tmp_path):
    served = serve(movie, tmp_path, memory_net)
    visit(user, served)
    user.press("m")
    for dx, dy in ((-1, -1), (2, 0), (0, 2), (-2, 0)):
        user.press(*["Shift+ArrowLeft" if dx < 0 else "Shift+ArrowRight"] * abs(dx))
        user.press(*["Shift+ArrowUp" if dy < 0 else "Shift+ArrowDown"] * abs(dy))
        user.press("Space")
    user.press("Enter", "m")
    user.settle()
    assert 300 < served.session.drawn[0][1].sum() < 700  # a rounded square of 20 px
    user.find_masks()
    user.press("ArrowRight", "ArrowRight", "b", "m", "Space", "m")
    user.settle()
    assert sorted(served.session.drawn) == [0, 2]
    user.find_masks()
    user.press("a")
    user.settle()
    assert user.get("/api/frames/2/labels")["review"] == "accepted"
    user.press("Control+s")
    user.wait_for_end("exporting")
    assert (tmp_path / "video" / "run.json").is_file()


def test_9_the_export_is_what_the_command_line_writes_for_the_same_masks(serve, user, tmp_path, monkeypatch):
    options = {"size": 64, "device": "cpu"}
    parts = read_bundle(find_bundle(), {"output_dir": str(tmp_path / "page"), **options})
    served = serve(CINE, tmp_path / "page", parts=parts)
    visit(user, served)
    user.spline(150, 110, 30, 40)
    user.go(9)
    user.spline(150, 110, 26, 38)
    user.find_masks()
    user.press("Control+s")
    user.wait_for_end("exporting")
    name = served.place.case.name
    masks = sorted((tmp_path / "page" / f"{name}.session" / "drawn").glob("*.png"))
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monai.bundle.run(
        config_file=str(find_bundle() / "configs" / "inference.json"),
        bundle_root=str(find_bundle()),
        video=str(CINE),
        ref_mask=[str(path) for path in masks],
        ref_frame=[0, 9],
        output_dir=str(tmp_path / "line"),
        **options,
    )
    assert_same_files(tmp_path / "page" / name, tmp_path / "line" / name)


def assert_same_files(page: Path, line: Path) -> None:
    """Byte for byte, but for what says when it was written and how long it took."""
    found, expected = ({path.relative_to(root) for path in root.rglob("*.*")} for root in (page, line))
    assert found == expected
    timed = {"run.json", "report.html", "masks.dcm"}
    same = [path for path in found if path.name not in timed]
    assert [path for path in same if (page / path).read_bytes() != (line / path).read_bytes()] == []
    ours, theirs = (dcmread(root / "masks.dcm") for root in (page, line))
    assert ours.PixelData == theirs.PixelData
    assert ours.SegmentSequence == theirs.SegmentSequence
    assert ours.PerFrameFunctionalGroupsSequence == theirs.PerFrameFunctionalGroupsSequence


def test_10_a_second_tab_looks_on_and_a_second_process_is_refused(serve, new_user, command, movie, tmp_path):
    served = serve(movie, tmp_path)
    first, second = visit(new_user(), served), visit(new_user(), served)
    assert second.sentence().startswith("This session is open in another tab, expected one that draws")
    second.page.locator("#dismiss").click()
    second.press("n", "Enter")
    answer = second.page.evaluate(
        "fetch('/api/undo', {method: 'POST', headers: {'x-page': 'other'}}).then(answer => answer.status)"
    )
    assert answer == 409
    first.spline(64, 48, 20, 26)
    wait_until(lambda: np.array_equal(second.shown_labels(), first.shown_labels()))
    assert first.shown_labels().any()
    program = command(movie, "--output_dir", tmp_path, "--device", "cpu", "--bundle_root", find_bundle())
    stderr = program.process.communicate(timeout=120)[1]
    assert "monai_i2v: the session" in stderr
    assert "is open in another process, expected one at a time" in stderr
    assert program.process.returncode == 1
