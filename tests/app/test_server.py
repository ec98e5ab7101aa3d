# SPDX-License-Identifier: Apache-2.0
"""What the server answers, without a browser."""

from __future__ import annotations

import json
import time

import httpx
import numpy as np
import pytest
from page_user import TOKEN, Served, Still
from PIL import Image

from monai_i2v.app.run_lengths import read_runs, runs_of
from monai_i2v.commands.annotate import parse_arguments
from monai_i2v.errors import UsageError
from monai_i2v.media import open_video
from monai_i2v.phantoms import Phantom, save_phantom

SIZE = (48, 64)


@pytest.fixture(scope="module")
def media(tmp_path_factory):
    folder = tmp_path_factory.mktemp("media")
    save_phantom(Phantom(length=4, size=SIZE), folder)
    return folder


@pytest.fixture
def served(media, serve, tmp_path):
    return serve(media / "video.mp4", tmp_path)


@pytest.fixture
def client(served):
    with client_of(served) as one:
        yield one


def client_of(served: Served) -> httpx.Client:
    cookies = {f"monai_i2v_{served.port}": TOKEN}
    return httpx.Client(base_url=served.address, cookies=cookies, headers={"x-page": "tests"}, timeout=60)


def disc():
    drawn = np.zeros(SIZE, bool)
    drawn[10:30, 20:40] = True
    return drawn


def draw(client, frame=0, label=1):
    answer = client.put(f"/api/frames/{frame}/labels", json={"masks": {str(label): runs_of(disc())}})
    assert answer.status_code == 200, answer.text


def finish(served):
    while served.place.worker.busy:
        time.sleep(0.01)


def test_the_token_is_given_for_a_cookie_that_scripts_cannot_read(served):
    answer = httpx.get(f"{served.address}/?t={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert f"monai_i2v_{served.port}={TOKEN}; HttpOnly; Path=/; SameSite=strict" in answer.headers["set-cookie"]
    assert httpx.get(f"{served.address}/?t=wrong").status_code == 403
    assert httpx.get(f"{served.address}/api/session?t={TOKEN}").status_code == 403


def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(client):
    for path in ("/", "/page/main.js", "/api/video", "/api/frames/0", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy


def test_draw_find_undo_and_export(client, served, tmp_path):
    draw(client)
    assert client.post("/api/propagate", json={"direction": "both"}).status_code == 200
    finish(served)
    found = client.get("/api/frames/3/labels").json()
    assert np.array_equal(read_runs(found["runs"], SIZE) == 1, disc())
    client.put("/api/frames/3/review", json={"mark": "accepted"})
    client.put("/api/objects/1", json={"name": "ventricle"})
    state = client.get("/api/session").json()
    assert state["objects"] == [{"label": 1, "name": "ventricle", "color": [86, 180, 233]}]
    assert (state["drawn"], state["undo"], state["redo"]) == ([0], True, False)
    client.post("/api/export")
    finish(served)
    assert {"masks", "run.json", "report.html"} <= {path.name for path in (tmp_path / "video").iterdir()}
    coco = json.loads((tmp_path / "video.exchange" / "coco.json").read_text())
    assert coco["categories"][0]["name"] == "ventricle"
    assert [one["area"] for one in coco["annotations"]] == [400] * 4
    for _ in range(4):
        assert client.post("/api/undo").status_code == 200
    assert client.get("/api/session").json()["objects"] == []
    assert client.post("/api/undo").json() == {
        "error": "there is nothing to undo, as nothing was drawn; draw a frame first."
    }


@pytest.mark.parametrize(
    ("method", "path", "content", "sentence"),
    [
        ("PUT", "/api/frames/0/labels", "{", "the request is no JSON"),
        ("PUT", "/api/frames/0/labels", "[]", "the request is no JSON object"),
        ("PUT", "/api/frames/99/labels", '{"masks": {"1": [0, 3072]}}', "frame is 99, expected 0 to 3"),
        ("GET", "/api/frames/99/labels", "", "there is no frame 99"),
        ("GET", "/api/frames/99", "", "there is no frame 99"),
        ("POST", "/api/propagate", '{"direction": "up"}', "direction is 'up', expected one of forward"),
        ("POST", "/api/propagate", '{"direction": "both"}', "no frame was annotated"),
        ("POST", "/api/export", "", "no frame was annotated"),
        ("POST", "/api/open", '{"number": 7}', "there is no video 7"),
        ("POST", "/api/outline", '{"frame": 0}', "the outline has neither a box nor a point inside"),
        ("POST", "/api/outline", '{"frame": 0, "inside": [[1]]}', "a point is no pair of whole numbers"),
        ("POST", "/api/outline", '{"frame": 0, "inside": [[99, 1]]}', "the point (99, 1) is not in the frame"),
        ("POST", "/api/outline", '{"frame": 0, "box": [[1, 1], [2, 2]]}', "the box is smaller than 3 x 3 px"),
    ],
)
def test_what_cannot_be_done_is_a_sentence_and_leaves_all_as_it_was(client, served, method, path, content, sentence):
    if path == "/api/propagate" and "up" in content:
        draw(client)
    before = client.get("/api/session").json()
    answer = client.request(method, path, content=content)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
    finish(served)
    assert client.get("/api/session").json() == before


def test_an_outline_from_a_box_and_a_click_is_not_drawn_yet(client):
    answer = client.post("/api/outline", json={"frame": 0, "box": [[5, 5], [60, 40]], "inside": [[30, 20]]})
    assert read_runs(answer.json()["runs"], SIZE)[20, 30] == 1
    assert client.get("/api/session").json()["drawn"] == []


def test_frames_come_as_they_are_stored_too(media, serve, tmp_path):
    deep = np.random.default_rng(0).integers(0, 60000, SIZE).astype(np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.tif")
    with client_of(serve(tmp_path / "deep.tif", tmp_path / "out")) as client:
        answer = client.get("/api/frames/0/stored")
        assert (answer.headers["x-kind"], answer.headers["x-channels"]) == ("uint16", "1")
        assert np.array_equal(np.frombuffer(answer.content, "<u2").reshape(SIZE), deep)


def test_only_the_first_page_may_draw_until_it_leaves(served):
    with client_of(served) as first, client_of(served) as second:
        with first.stream("GET", "/api/events?page=first") as stream:
            lines = stream.iter_lines()
            assert next(lines) == "event: hello"
            answer = second.post("/api/undo", headers={"x-page": "second"})
            assert answer.status_code == 409
            assert answer.json()["error"].startswith("this session is open in another tab")
            lines.close()
        deadline = time.monotonic() + 10
        while second.post("/api/undo", headers={"x-page": "second"}).status_code == 409:
            assert time.monotonic() < deadline


def test_drawing_ends_what_is_under_way(media, serve, tmp_path):
    served = serve(media / "video.mp4", tmp_path, Still(0.2))
    with client_of(served) as client:
        draw(client)
        client.post("/api/propagate", json={"direction": "both"})
        assert served.place.worker.busy == "propagating"
        draw(client, frame=2)
        assert served.place.worker.busy == ""
        assert served.session.drawn.keys() == {0, 2}


def test_a_list_of_videos_says_how_far_each_is(media, serve, tmp_path):
    datalist = media / "list.json"
    entries = [
        {"video": "video.mp4", "name": "new"},
        {"video": "video.mp4", "name": "drawn", "ref_mask": "masks/00000.png"},
    ]
    datalist.write_text(json.dumps({"videos": entries}))
    served = serve(None, tmp_path, datalist=datalist)
    with client_of(served) as client:
        assert client.post("/api/open", json={"number": 1}).status_code == 200
        assert client.get("/api/session").json()["drawn"] == [0]
        assert client.get("/api/video").json()["name"] == "drawn"
        client.post("/api/open", json={"number": 0})
        told = client.get("/api/videos").json()
        assert told[0] == {"number": 0, "name": "new", "open": True, "begun": True, "exported": False}
        assert told[1]["drawn"] == 1
        client.post("/api/open", json={"number": 1})
        assert client.get("/api/session").json()["drawn"] == [0]


def test_a_video_that_cannot_be_read_is_refused_as_on_the_command_line_and_the_open_one_stays(media, serve, tmp_path):
    bad = tmp_path / "broken.mp4"
    bad.write_bytes(b"no movie")
    datalist = tmp_path / "list.json"
    datalist.write_text(json.dumps({"videos": [{"video": str(media / "video.mp4")}, {"video": "broken.mp4"}]}))
    served = serve(None, tmp_path / "out", datalist=datalist)
    with pytest.raises(UsageError) as refused:
        open_video(bad)
    with client_of(served) as client:
        draw(client)
        before = client.get("/api/session").json()
        answer = client.post("/api/open", json={"number": 1})
        assert (answer.status_code, answer.json()["error"]) == (400, str(refused.value))
        assert client.get("/api/session").json() == before
        assert client.get("/api/video").json()["name"] == "video"


def test_the_command_knows_the_options_of_the_bundle():
    args = parse_arguments(["a.mp4", "--output_dir", "out", "--crop", "true", "--no-browser"])
    assert (args.video, args.output_dir, args.crop, args.no_browser, args.port) == ("a.mp4", "out", "true", True, 0)
