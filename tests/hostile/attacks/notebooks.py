"""Notebooks that are made to be read without end, to count without end, or to be taken
for something else; and modules beside them whose names we import."""

from __future__ import annotations

import json
import os

from tests.hostile.attacks import attack
from tests.hostile.repository import Repository, notebook_json

WITHOUT_END = (
    "/dev/zero",
    "/dev/urandom",
    "/dev/stdin",
    "/proc/self/mem",
    "pipe",
    "pipe.py",
)
MANY = "9" * 400


@attack("a notebook reads what has no end, and another is nested without end")
def without_end(repository: Repository) -> None:
    for name in ("pipe", "pipe.py"):
        os.mkfifo(repository.folder / name)
    lines = [
        f"{word}{path}{end}"
        for path in WITHOUT_END
        for word, end in (
            ("%run ", ""),
            ("%load ", ""),
            ("!cat ", ""),
            ("open('", "').read()"),
            ("glob('", "/**')"),
        )
    ]
    cells = [
        (line, f"stage:s{number}")
        for number, line in enumerate([*lines, "import pipe"])
    ]
    repository.flow.write_text(json.dumps(notebook_json(cells)))
    deep = "[" * 50_000 + "]" * 50_000
    text = json.dumps(
        notebook_json(
            [
                (f"x = {'(' * 5_000}1{')' * 5_000}", "stage:make"),
                ("rows = 1", "stage:look"),
            ]
        )
    )
    repository.fails.write_text(text.replace('"outputs": []', f'"outputs": {deep}', 1))


@attack("tags and literals count without end", runs="run submit")
def counts_without_end(repository: Repository) -> None:
    tags = [
        f"memory:{MANY}GiB",
        f"cpus:{MANY}",
        f"timeout:{MANY}",
        f"retries:{MANY}",
        f"priority:{MANY}",
    ]
    cells = [
        (f"n = {MANY}  # how many\nm = 1e999\nt = '\\ud800'", "parameters"),
        ("rows = [1]", "stage:make", *tags),
        (
            "total = 1",
            "stage:add",
            "metric:total",
            f"gate:{'-' * 50_000}total < 1",
            f"gate:total < {MANY}",
        ),
    ]
    repository.flow.write_text(json.dumps(notebook_json(cells)))
    path = repository.package / "pipeline.json"
    pipeline = json.loads(path.read_text())
    pipeline["stages"][0]["options"] = {
        "cpus": 10**400,
        "memory_bytes": 10**30,
        "retries": 10**30,
    }
    path.write_text(json.dumps(pipeline))


@attack(
    "modules beside the notebook have the names of those that we import",
    runs="promote rollback submit",
)
def modules_of_ours(repository: Repository) -> None:
    names = (
        "random",
        "json",
        "msgspec",
        "subprocess",
        "sitecustomize",
        "usercustomize",
        "jupyter_pipe",
        "rich",
    )
    for name in (
        *names,
        "jupyter_pipe_kernel",
        "nbformat",
        "papermill",
        "ipykernel",
        "runpy",
        "encodings",
    ):
        (repository.folder / f"{name}.py").write_text(
            f"{repository.python_canary(name)}\n"
        )
    for folder in (".ipython/profile_default/startup", ".jupyter"):
        (repository.folder / folder).mkdir(parents=True)
    canary = repository.python_canary("startup")
    (repository.folder / ".ipython/profile_default/startup/00.py").write_text(
        f"{canary}\n"
    )
    (repository.folder / ".jupyter/jupyter_server_config.py").write_text(f"{canary}\n")


@attack("names of files and values break out of what is written")
def names_that_break_out(repository: Repository) -> None:
    shell, python = repository.shell_canary("name"), repository.python_canary("name")
    odd = f'$({shell.replace("/", ":")})\n"""\n\'; x.ipynb'
    (repository.folder / odd).write_bytes(repository.flow.read_bytes())
    default = f"1\n$(shell {shell})\n\"\"\"\n{python}\n'''\n{{{{ 1 }}}}"
    cells = [
        (
            f"n: str = {default!r}  # $(shell {shell}) `{shell}`\nk = '\\udcff'",
            "parameters",
        ),
        ("rows = [n]", "stage:make"),
        ("rows[7]", "stage:look"),
    ]
    repository.fails.write_text(json.dumps(notebook_json(cells)))
