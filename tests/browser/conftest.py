"""A real JupyterLab with our extension, and Chromium to look at it.

The server has folders of its own for everything that Jupyter keeps, so that neither the
developer's settings nor another test's reach it. The extension is the one that is built
in the checkout.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Collection, Generator, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pytest
from playwright.sync_api import (
    BrowserContext,
    BrowserType,
    Locator,
    Page,
    expect,
)

ROOT = Path(__file__).parents[2]
TOKEN = "browser-tests"
SECONDS_TO_START = 300
# The first page of a server loads all of JupyterLab.
SECONDS_TO_OPEN = 240
# Pages are slow on a busy machine, and wrong ones stay wrong.
expect.set_options(timeout=60_000)
# A server that is told to stop while a kernel starts waits for a thread of its own for
# ever.
SECONDS_TO_STOP = 10


# What pages can keep in a browser, but its cache.
KEPT = "local_storage,indexeddb,websql,service_workers,file_systems"


# A whole story in a browser, on a machine that does four times as much beside it.
SECONDS_A_TEST = 1200


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give browser tests the time that they need; each of their steps has a limit of
    its own."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(SECONDS_A_TEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a test that failed what its page showed: a dialog that nobody expected is
    in no traceback."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.failed and isinstance(page, Page) and not page.is_closed():
        report.sections.append(("Shown on the page", _what_is_shown(page)))
    return report


def _what_is_shown(page: Page) -> str:
    lines = [f"address: {page.url.partition('?')[0]}"]
    for name in (".jp-Dialog", ".lm-Menu", ".Toastify__toast", "#jupyter-pipe-panel"):
        lines += [
            f"{name}: {text[:2000]!r}" for text in page.locator(name).all_inner_texts()
        ]
    return "\n".join(lines)


class Lab:
    """A running server: `folder` is its root, `guests` are the extensions of others
    that are on."""

    def __init__(self, folder: Path, state: Path, guests: Collection[str] = ()) -> None:
        self.guests = guests
        self.folder = folder
        self.state = state
        self.port = _free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def address(self, path: str, app: str = "lab/tree") -> str:
        """Where a notebook opens; `app` is `notebooks` for Notebook 7."""
        return f"{self.url}/{app}/{path}?reset&token={TOKEN}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self.state / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", *self._options()],
                env=self._environment(),
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )
        deadline = monotonic() + SECONDS_TO_START
        while not self._answers():
            if self.process.poll() is not None or monotonic() > deadline:
                pytest.fail((self.state / "server.log").read_text()[-2000:])
            sleep(0.1)

    def stop(self) -> None:
        """End the server; runs that it started go on."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(SECONDS_TO_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def write(
        self, path: str, *cells: tuple[str, ...], markdown: dict[int, str] | None = None
    ) -> Path:
        """Write a notebook; cells are `(source, *tags)`, `markdown` goes before the
        cell of its number."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(
            json.dumps(notebook_json(*cells, markdown=markdown or {})), encoding="utf-8"
        )
        return target

    def _options(self) -> list[str]:
        return [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--ServerApp.port_retries=0",
            f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.folder}",
            "--ServerApp.jpserver_extensions=jupyter_pipe=True",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--ServerApp.jpserver_extensions=notebook=True",
            *(
                f"--ServerApp.jpserver_extensions={name}={name in self.guests}"
                for name in GUESTS
            ),
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
            f"--LabApp.workspaces_dir={self.state / 'workspaces'}",
            f"--LabApp.user_settings_dir={self.state / 'settings'}",
        ]

    def _environment(self) -> dict[str, str]:
        folders = {
            name: str(self.state / name.lower())
            for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
        }
        jupyter = {f"JUPYTER_{name}": path for name, path in folders.items()}
        extensions = {"JUPYTER_PATH": str(self.state / "share")}
        return {**os.environ, **jupyter, **extensions, "PYTHONPATH": str(ROOT)}

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"{self.url}/api?token={TOKEN}", timeout=2)
        except OSError:
            return False
        return True


def notebook_json(*cells: tuple[str, ...], markdown: dict[int, str]) -> dict[str, Any]:
    written: list[dict[str, Any]] = []
    for number, (source, *tags) in enumerate(cells):
        if number in markdown:
            text = {
                "cell_type": "markdown",
                "id": f"m{number}",
                "metadata": {},
                "source": markdown[number],
            }
            written.append(text)
        written.append(
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"tags": tags} if tags else {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
        )
    kernel = {
        "name": "python3",
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": kernel},
        "cells": written,
    }


# Other people's extensions of JupyterLab that the test extra installs: they are off
# where no test is of them.
GUESTS = {"jupytext": "jupyterlab-jupytext", "nbdime": "nbdime-jupyterlab"}


def make_lab(folder: Path, state: Path, *, guests: Collection[str] = ()) -> Lab:
    """A server that is not started yet, with the built extension and nothing of the
    developer's."""
    if not (ROOT / "jupyter_pipe" / "labextension" / "package.json").exists():
        pytest.fail("The extension is not built: npm run build")
    extensions = state / "share" / "labextensions"
    labconfig = state / "config_dir" / "labconfig"
    for path in (extensions, labconfig, state / "workspaces"):
        path.mkdir(parents=True)
    (extensions / "jupyter-pipe").symlink_to(ROOT / "jupyter_pipe" / "labextension")
    silence = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false"}}
    (labconfig / "default_setting_overrides.json").write_text(json.dumps(silence))
    disabled = {package: True for name, package in GUESTS.items() if name not in guests}
    (labconfig / "page_config.json").write_text(
        json.dumps({"disabledExtensions": disabled})
    )
    return Lab(folder, state, guests)


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    running = make_lab(
        tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("state")
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    chromium = next(
        filter(
            None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
        ),
        None,
    )
    if chromium is None:
        pytest.fail("The browser tests need Chromium on the PATH.")
    options = ["--disable-gpu", "--disable-dev-shm-usage", "--no-sandbox"]
    return {"executable_path": chromium, "args": options}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": {"width": 1400, "height": 900}, "reduced_motion": "reduce"}


@pytest.fixture(scope="session")
def profile(
    browser_type: BrowserType,
    browser_type_launch_args: dict[str, Any],
    browser_context_args: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[BrowserContext]:
    """A browser that keeps what it has loaded and compiled of JupyterLab, as a user's
    does: every page but the first costs half as much."""
    opened = browser_type.launch_persistent_context(
        tmp_path_factory.mktemp("profile"),
        **browser_type_launch_args,
        **browser_context_args,
    )
    yield opened
    opened.close()


@pytest.fixture
def context(profile: BrowserContext) -> Iterator[BrowserContext]:
    """The browser for one test, which leaves nothing in it but the cache."""
    first = profile.pages[0]  # a browser without a page would end
    yield profile
    for page in profile.pages:
        if page is not first:
            page.close()
    profile.clear_cookies()
    profile.clear_permissions()
    stored = profile.new_cdp_session(first)
    stored.send("Storage.clearDataForOrigin", {"origin": "*", "storageTypes": KEPT})
    stored.detach()


# A notebook is open when a user could work in it: loaded, shown, the cells of the first
# screen drawn, and (JupyterLab always does that, Notebook 7 not always) focused. A
# click that comes earlier may hit a cell that is about to move, or lose its active cell
# again.
IS_OPEN = """([path, takesFocus]) => {
  const panel = window.jupyterapp?.shell.currentWidget;
  if (panel?.context?.path !== path || !panel.context.isReady || !panel.isRevealed) {
    return false;
  }
  const {widgets, model} = panel.content;
  return widgets.length === model.cells.length
    && widgets.slice(0, 3).every(cell => !cell.isPlaceholder() && cell.node.isConnected)
    && (!takesFocus || panel.node.contains(document.activeElement));
}"""


def go_to_notebook(page: Page, lab: Lab, path: str, app: str = "lab/tree") -> Page:
    """Open a notebook at its address, and wait until a user could work in it."""
    page.goto(lab.address(path, app))
    page.wait_for_function(
        IS_OPEN, arg=[path, app != "notebooks"], timeout=SECONDS_TO_OPEN * 1000
    )
    return page


@pytest.fixture
def open_notebook(lab: Lab, page: Page) -> Callable[[str], Page]:
    """Open a notebook in JupyterLab and wait until it is there."""
    return lambda path: go_to_notebook(page, lab, path)


@pytest.fixture
def narrow(page: Page, open_notebook: Callable[[str], Page]) -> Callable[[str], Page]:
    """Open a notebook with the panel beside it, in a small window."""

    def open_(path: str) -> Page:
        page.set_viewport_size({"width": 1280, "height": 800})
        open_notebook(path)
        run_command(page, "jupyter-pipe:show-panel")
        expect(page.locator("#jupyter-pipe-panel .jp-pipe-Toolbar")).to_be_visible()
        return page

    return open_


def activate_cell(page: Page, cell: Locator) -> None:
    """Click beside a cell, and wait until the notebook has it as its active one,
    without its editor."""
    cell.locator(".jp-InputPrompt").first.click()
    expect(cell).to_have_class(re.compile("jp-mod-active"))
    page.keyboard.press("Escape")
    expect(page.locator(".jp-Notebook:visible").first).to_have_class(
        re.compile("jp-mod-commandMode")
    )


def run_command(page: Page, command: str, **arguments: Any) -> None:
    """Execute a command of JupyterLab as soon as a user could choose it, and wait until
    it is done.

    A row says "cached" a moment before its run has ended, and no run starts before
    that: executed then, *Run From This Stage On* would do nothing.
    """
    can_be_chosen = (
        "([command, args]) => window.jupyterapp?.commands.isEnabled(command, args)"
    )
    page.wait_for_function(
        can_be_chosen, arg=[command, arguments], timeout=SECONDS_TO_OPEN * 1000
    )
    script = "([command, args]) => window.jupyterapp.commands.execute(command, args).then(() => {})"
    page.evaluate(script, [command, arguments])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
