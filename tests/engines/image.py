"""Carries out a Dockerfile without Docker: each instruction in a folder, an environment
in the place of FROM.

Takes a build context; gives an `Image` whose entry point can be started. What would
change this machine, such as adding a user, is taken down and not done; an instruction
that is not known here is an error.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["Image", "build", "environment_of", "make_environment"]

# Where a package index is and how it is reached is the machine's business, not that of
# what is installed.
_NETWORK = re.compile(
    r"PIP_\w+|SSL_CERT_\w+|REQUESTS_CA_BUNDLE|\w+_proxy", re.IGNORECASE
)
_ONLY_WRITTEN_DOWN = ("useradd", "chown")


def make_environment(folder: Path) -> Path:
    """An empty environment; the folder of its commands."""
    venv.EnvBuilder(with_pip=True, symlinks=True).create(folder)
    return folder / "bin"


def environment_of(commands: Path, home: Path) -> dict[str, str]:
    """The variables of a process that knows of nothing but these commands and the
    system's."""
    home.mkdir(parents=True, exist_ok=True)
    network = {
        name: value for name, value in os.environ.items() if _NETWORK.fullmatch(name)
    }
    return {**network, "HOME": str(home), "PATH": f"{commands}:/usr/bin:/bin"}


class Image:
    """What the instructions so far have made. Paths of the image lie below `root`."""

    def __init__(self, context: Path, root: Path) -> None:
        self._context = context
        self._ignored = (context / ".dockerignore").read_text().split()
        self._root = root
        self._folder = root
        self.environment: dict[str, str] = {}
        self.user = "root"
        self.written_down: list[str] = []
        self.probe: list[str] = []
        self.entry: list[str] = []

    def carry_out(self, word: str, rest: str) -> None:
        getattr(self, f"_{word.lower()}")(rest)

    def _from(self, name: str) -> None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        assert name == f"python:{version}-slim", (
            "values are loaded by the Python that made them"
        )
        commands = make_environment(self._root / "usr")
        for command in _ONLY_WRITTEN_DOWN:
            script = commands / command
            script.write_text(
                f'#!/bin/sh\necho {command} "$@" >> {self._root}/written_down\n'
            )
            script.chmod(0o755)
        self.environment = environment_of(commands, self._root / "home")

    def _env(self, rest: str) -> None:
        self.environment |= dict(pair.split("=", 1) for pair in rest.split())

    def _workdir(self, rest: str) -> None:
        self._folder = self._root / rest.lstrip("/")
        self._folder.mkdir(parents=True)

    def _copy(self, rest: str) -> None:
        *patterns, target = rest.split()
        found = [path for pattern in patterns for path in self._context.glob(pattern)]
        found = [
            path
            for path in found
            if not any(fnmatch.fnmatch(path.name, each) for each in self._ignored)
        ]
        assert found, f"COPY {rest}: nothing is there"
        for path in found:
            if path.is_dir():
                shutil.copytree(path, self._folder / target, dirs_exist_ok=True)
            else:
                shutil.copy(path, self._folder / target)

    def _run(self, rest: str) -> None:
        subprocess.run(
            ["sh", "-ec", rest], cwd=self._folder, env=self.environment, check=True
        )

    def _user(self, rest: str) -> None:
        self.user = rest

    def _expose(self, rest: str) -> None:
        assert rest == self.environment["PORT"]

    def _healthcheck(self, rest: str) -> None:
        self.probe = json.loads(rest.partition(" CMD ")[2])

    def _entrypoint(self, rest: str) -> None:
        # `/app/…` of the image is below our root.
        self.entry = [
            f"{self._root}{word}" if word.startswith("/") else word
            for word in json.loads(rest)
        ]
        text = self._root / "written_down"
        self.written_down = text.read_text().splitlines() if text.exists() else []

    def start(self, **given: str) -> subprocess.Popen[str]:
        """The container's process."""
        return subprocess.Popen(
            self.entry,
            cwd=self._folder,
            env={**self.environment, **given},
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, command: Sequence[str], **given: str) -> int:
        """The exit code of a command in the container."""
        env = {**self.environment, **given}
        return subprocess.run(
            command, cwd=self._folder, env=env, check=False
        ).returncode


def build(context: Path, root: Path) -> Image:
    """The image of `context/Dockerfile`."""
    text = re.sub(r"\\\n", "", (context / "Dockerfile").read_text())
    image = Image(context, root)
    root.mkdir()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            word, _, rest = line.partition(" ")
            image.carry_out(word, rest.strip())
    return image
