# SPDX-License-Identifier: Apache-2.0
import base64
import io
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from monai_i2v.masks.palette import OBJECT_COLORS
from monai_i2v.media import VideoInfo
from monai_i2v.report import REFERENCE_NOTE, HtmlReport, Measurements

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def square(index, label=7):
    label_map = np.zeros((40, 60), np.int32)
    label_map[10:20, 10 + index % 10 : 30 + index % 10] = label
    return label_map


def write(folder, *, length=5, info=None, facts=None, max_frames=240, labels=(7, 300), chambers=()):
    info = info or VideoInfo("clip.mp4", "movie", length, 40, 60, 0.04, (0.5, 0.5))
    report, measurements = HtmlReport(info, max_frames=max_frames), Measurements(labels, info, chambers)
    for index in range(length):
        note = REFERENCE_NOTE if index == 0 else "doubtful: object 7" if index == 3 else ""
        report.add(index, np.full((40, 60, 1), 40 * (index % 5), np.uint8), square(index))
        measurements.add(index, square(index), [0.9, 0.0], note)
    Image.new("RGB", (8, 8)).save(folder / "areas.png")
    pictures = dict.fromkeys(["areas", "sheet", *["volumes"] * bool(chambers)], folder / "areas.png")
    report.save(folder / "report.html", measurements, **pictures, facts=facts or {"seed": 0})
    return (folder / "report.html").read_text()


def data_of(page):
    return json.loads(re.search(r'<script id="data" type="application/json">(.*?)</script>', page, re.S)[1])


def test_the_player_has_all_frames_with_areas_and_notes(tmp_path):
    data = data_of(write(tmp_path))
    assert [frame["index"] for frame in data["frames"]] == list(range(5))
    assert [frame["note"] for frame in data["frames"]] == ["reference", "", "", "doubtful: object 7", ""]
    assert data["frames"][2]["areas"] == ["50.0 mm²", "0.0 mm²"]  # 200 px of 0.25 mm²
    assert data["frames"][2]["time"] == 0.08
    assert [one["label"] for one in data["objects"]] == [7, 300]
    assert {frame["shown"] for frame in data["frames"]} == {40}  # ms


def test_label_maps_are_in_the_page_as_ranks(tmp_path):
    data = data_of(write(tmp_path))
    kind, _, content = data["frames"][2]["labels"].partition(",")
    ranks = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
    assert kind == "data:image/png;base64"
    assert np.array_equal(ranks, square(2) // 7)


def test_objects_are_listed_in_the_order_of_their_areas_and_ranks(tmp_path):
    data = data_of(write(tmp_path, labels=(300, 7)))
    assert [one["label"] for one in data["objects"]] == [300, 7]
    assert [one["color"] for one in data["objects"]] == [list(OBJECT_COLORS[1]), list(OBJECT_COLORS[0])]
    assert data["frames"][2]["areas"] == ["0.0 mm²", "50.0 mm²"]
    ranks = np.asarray(Image.open(io.BytesIO(base64.b64decode(data["frames"][2]["labels"].partition(",")[2]))))
    assert ranks.max() == 2


def test_volumes_are_shown_of_chambers_only_with_a_warning(tmp_path):
    assert "olume" not in write(tmp_path)
    page = write(tmp_path, chambers=(7,))
    volume = np.pi / 4 * 5**2 * 10 / 1000  # mL, of 10 x 20 px of 0.5 mm
    cells = f"<td>7</td><td>{volume:.1f}</td><td>frame 0, 0.00 s</td><td>{volume:.1f}</td>"
    assert page.count("<h2>Volumes</h2>") == page.count(cells) == 1
    text = re.sub("<.*?>", "", page)
    assert text.count("ejection fraction") == text.count("single-plane ejection fraction") == 1
    assert "is not a diagnosis" in text


def test_a_long_video_gives_a_small_page_but_is_measured_as_a_whole(tmp_path):
    info = VideoInfo("clip.mp4", "movie", 50, 40, 60)
    page = write(tmp_path, length=50, info=info, max_frames=5)
    assert [frame["index"] for frame in data_of(page)["frames"]] == [0, 12, 24, 37, 49]
    assert "50 frames of 60 x 40 px. The player shows 5 of them." in page
    assert "<td>7</td><td>200</td><td>200</td><td>200</td><td>0</td><td>0.90</td>" in page
    assert "<td>300</td><td>0</td><td>0</td><td>0</td><td>50</td><td>-</td>" in page


def test_frames_are_shown_as_long_as_they_last(tmp_path):
    info = VideoInfo("clip.mkv", "movie", 4, 40, 60, frame_times=(0, 0.04, 2.04, 2.05))
    page = write(tmp_path, length=4, info=info)
    assert [frame["shown"] for frame in data_of(page)["frames"]] == [40, 2000, 20, 683]  # ms; 20 at least
    assert "4 frames, 2.73 s of 60 x 40 px" in page
    info = VideoInfo("clip.mp4", "movie", 40, 40, 60, 0.04)  # at the same speed, a frame for each that is shown
    shown = [frame["shown"] for frame in data_of(write(tmp_path, length=40, info=info, max_frames=4))["frames"]]
    assert shown == [52, 52, 52, 20]  # 13 frames of 0.04 s in a tenth of their time


def test_nothing_is_loaded_from_elsewhere(tmp_path):
    page = write(tmp_path)
    assert not re.search(r"https?://|@import|url\(", page)
    assert "default-src 'none'" in page


def test_names_and_facts_cannot_become_code(tmp_path):
    evil = "</script><script>alert(1)</script>"
    info = VideoInfo(f"/home/someone/{evil.replace('/', '')}.mp4", "movie", 5, 40, 60)
    page = write(tmp_path, info=info, facts={"settings": evil})
    assert "<script>alert" not in page
    assert "someone" not in page

    class Scripts(HTMLParser):
        count = 0

        def handle_starttag(self, tag, attrs):
            self.count += tag == "script"

    parser = Scripts()
    parser.feed(page)
    assert parser.count == 2


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_draws_the_frame_that_was_asked_for(tmp_path):
    write(tmp_path)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=3000", "--dump-dom"]
    command = [CHROMIUM, *flags, f"--user-data-dir={tmp_path / 'profile'}", f"file://{tmp_path / 'report.html'}#3"]
    page = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    assert 'data-drawn="3"' in page
    status = re.search(r'<p id="status"[^>]*class="doubtful"[^>]*>(.*?)</p>', page)[1]
    assert status == "Frame 3, 0.12 s. object 7: 50.0 mm², object 300: 0.0 mm². doubtful: object 7"
    assert page.count('type="checkbox"') == 2
