"""A small Pachyderm: it reads pipeline specs as strictly as the published schema does,
and its server beyond that, and runs each of them on this machine as soon as all of its
inputs have something.

What it knows is what our specs use: `cross` of whole repositories and of a cron input,
commands without a shell, secrets in the environment, `datumTries`.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft4Validator

__all__ = ["commit", "read_specs", "run"]

SCHEMA = Path(__file__).parents[1] / "export" / "schemas" / "pachyderm.json"
# What its file system allows in paths, and what its server in names of pipelines.
PATH = re.compile(r"[ -~]+")
GLOB = re.compile(r"[*?\[\]{}!()@+^]")
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,50}")

Spec = dict[str, Any]


def read_specs(text: str) -> list[Spec]:
    """The pipelines of a file. Raises jsonschema.ValidationError for what the schema does
    not have, AssertionError for what the server refuses."""
    validator = Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    specs: list[Spec] = list(yaml.safe_load_all(text))
    for spec in specs:
        validator.validate(spec)
        name = spec["pipeline"]["name"]
        assert NAME.fullmatch(name), name
        assert not any(
            name == other["pipeline"]["name"] for other in specs if other is not spec
        )
    return specs


def commit(repositories: Path, name: str, file: Path) -> None:
    """`pachctl put file NAME@master:/FILE -f FILE`."""
    (repositories / name).mkdir(parents=True, exist_ok=True)
    shutil.copy(file, repositories / name)


def run(
    specs: list[Spec], repositories: Path, secrets: Mapping[str, str]
) -> dict[str, int]:
    """Run the pipelines, two at a time. What a pipeline leaves becomes the repository of
    its name; what a failed one left stays in `failed`, to be looked at. Gives the exit
    codes of those that ran."""
    started: dict[str, Future[int | None]] = {}
    with ThreadPoolExecutor(2) as pool:
        for spec in specs:
            name = spec["pipeline"]["name"]
            # A pipeline is made after those that it reads from, or Pachyderm refuses it.
            before = [started[each] for each in _read(spec) if each in started]
            known = {*started, *(path.name for path in repositories.iterdir())}
            assert set(_read(spec)) <= known, name
            started[name] = pool.submit(_datum, spec, before, repositories, secrets)
    codes = {name: future.result() for name, future in started.items()}
    return {name: code for name, code in codes.items() if code is not None}


def _inputs(spec: Spec) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec["input"].get("cross", [spec["input"]])
    return found


def _read(spec: Spec) -> list[str]:
    return [each["pfs"]["repo"] for each in _inputs(spec) if "pfs" in each]


def _datum(
    spec: Spec,
    before: list[Future[int | None]],
    repositories: Path,
    secrets: Mapping[str, str],
) -> int | None:
    if any(each.result() != 0 for each in before):
        return None
    name = spec["pipeline"]["name"]
    pfs = repositories.parent / "pods" / name / "pfs"
    pfs.mkdir(parents=True)
    for each in _inputs(spec):
        if "cron" in each:
            (pfs / each["cron"]["name"]).mkdir()
            (pfs / each["cron"]["name"] / "2026-12-01T06:00:00Z").touch()
        else:
            assert each["pfs"]["glob"] == "/"
            shutil.copytree(
                repositories / each["pfs"]["repo"], pfs / each["pfs"]["repo"]
            )
    environment = {**os.environ, **spec["transform"].get("env", {})}
    for secret in spec["transform"].get("secrets", ()):
        environment[secret["envVar"]] = secrets[secret["key"]]
    command = [word.replace("/pfs/", f"{pfs}/") for word in spec["transform"]["cmd"]]
    code = 1
    for _ in range(spec.get("datumTries", 3)):
        shutil.rmtree(pfs / "out", ignore_errors=True)
        (pfs / "out").mkdir()
        code = subprocess.run(
            command, env=environment, check=False, timeout=1200
        ).returncode
        if code == 0:
            break
    _check_paths(pfs / "out")
    target = repositories / name if code == 0 else repositories.parent / "failed" / name
    shutil.copytree(pfs / "out", target)
    return code


def _check_paths(out: Path) -> None:
    for path in out.rglob("*"):
        name = path.relative_to(out).as_posix()
        assert PATH.fullmatch(name), name
        assert not GLOB.search(name), name
