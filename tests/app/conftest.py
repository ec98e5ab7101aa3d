# SPDX-License-Identifier: Apache-2.0
"""A browser, where there is one, and servers for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from page_user import Command, Served, User

from monai_i2v.phantoms import Phantom, save_phantom

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def chromium() -> Iterator:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no chromium is found; apt-get install chromium brings it")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def new_user(chromium):
    """Opens further tabs, each with cookies of its own if wanted."""
    contexts = [chromium.new_context(viewport={"width": 1280, "height": 720})]

    def new(*, stranger: bool = False) -> User:
        if stranger:
            contexts.append(chromium.new_context())
        return User(contexts[-1].new_page())

    yield new
    for context in contexts:
        context.close()


@pytest.fixture
def user(new_user):
    return new_user()


@pytest.fixture
def serve():
    """Serves the page of a video; ends with the test."""
    all_served = []

    def start(*args, **kwargs) -> Served:
        all_served.append(Served(*args, **kwargs))
        return all_served[-1]

    yield start
    for served in all_served:
        served.close()


@pytest.fixture
def command():
    """Starts the real command; it is killed at the end."""
    commands = []

    def start(*arguments) -> Command:
        commands.append(Command(*arguments))
        return commands[-1]

    yield start
    for one in commands:
        one.kill()


@pytest.fixture
def phantom():
    return Phantom(length=12, size=(96, 128), objects=2)


@pytest.fixture
def movie(phantom, tmp_path):
    save_phantom(phantom, tmp_path / "phantom")
    return tmp_path / "phantom" / "video.mp4"
