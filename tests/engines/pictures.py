"""Takes the pictures of engines' own pages for docs/engines.md: `FLOWS_PYTHON=…
ENGINES_PYTHON=… python -m tests.engines.pictures [prefect|dagster]…`.

No test: it submits `quickstart` to a server on this machine, and shows what the engine
shows of that run.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, sync_playwright

from jupyter_pipe.cli.main import main as command
from tests.engines.servers import POOL, dagster_servers, prefect_servers, served
from tests.engines.trial import EXAMPLES, newest_run

IMAGES = Path(__file__).parents[2] / "docs" / "images"
SIZE: ViewportSize = {"width": 1280, "height": 720}
LONG = 240_000


def main() -> None:
    """Take all pictures, or those of the engines that are named."""
    for name in sys.argv[1:] or PICTURES:
        servers, look = PICTURES[name]
        with tempfile.TemporaryDirectory() as text:
            home = Path(text)
            os.environ["XDG_CONFIG_HOME"] = str(home / "config")
            (home / "config" / "jupyter_pipe").mkdir(parents=True)
            (home / "work").mkdir()
            os.chdir(home / "work")
            shutil.copy(EXAMPLES / "quickstart.ipynb", ".")
            with servers(home) as settings:
                _configure(home, name, settings)
                code = command(["submit", "team", "quickstart.ipynb", "--follow"])
                if code != 0:
                    sys.exit(f"{name} did not run it: exit code {code}")
                _take(name, newest_run().page, look)


def _configure(home: Path, engine: str, settings: str) -> None:
    path = home / "config" / "jupyter_pipe" / "engines.toml"
    path.write_text(f'[team]\nengine = "{engine}"\n{settings}')


def _take(name: str, address: str, look: Callable[[Page], None]) -> None:
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport=SIZE, reduced_motion="reduce")
        page.goto(address, timeout=LONG)
        look(page)
        page.screenshot(path=IMAGES / f"{name}-run.png")
        browser.close()


@contextmanager
def _prefect(home: Path) -> Iterator[str]:
    server, worker = prefect_servers(home)
    with served(server), served(worker):
        url = server.address.removesuffix("/health")
        yield f'url = "{url}"\npool = "{POOL}"\n'


@contextmanager
def _dagster(home: Path) -> Iterator[str]:
    """The file that it serves is written by the first `submit`, which finds no
    server."""
    definitions = home / "definitions"
    definitions.mkdir()
    servers = dagster_servers(home)
    settings = f'url = "{servers.address}"\ndefinitions = "{definitions}"\n'
    _configure(home, "dagster", settings)
    command(["submit", "team", "quickstart.ipynb"])
    with served(servers):
        yield settings


def _look_at_prefect(page: Page) -> None:
    page.get_by_text("summary").first.wait_for(timeout=LONG)
    page.wait_for_timeout(3000)


def _look_at_dagster(page: Page) -> None:
    """It asks whoever comes first for an address."""
    page.get_by_role("button", name="Skip").click(timeout=LONG)
    # What lies under the pointer shows more of itself.
    page.mouse.move(0, 0)
    page.get_by_text("summary").first.wait_for(timeout=LONG)
    page.wait_for_timeout(3000)


PICTURES = {
    "prefect": (_prefect, _look_at_prefect),
    "dagster": (_dagster, _look_at_dagster),
}


if __name__ == "__main__":
    main()
