"""What the runner tells a stage's kernel and what the kernel answers, as JSON files.

The kernel side (`jupyter_pipe/kernel/`, standard library only) reads a `StageContext`
when the stage begins and writes a `StageResult` when it ends. Neither side imports the
other.
"""

from typing import Any, Literal

from msgspec import Struct

from jupyter_pipe.artifacts.profile_record import Profile, SchemaResult

__all__ = [
    "MOST_NAMES",
    "UNLISTED",
    "AmbientValue",
    "ArtifactRef",
    "ChangedInput",
    "GateResult",
    "InputPayload",
    "Observations",
    "ObservedContact",
    "ObservedPath",
    "ObservedVariable",
    "ProfileRequest",
    "StageContext",
    "StageResult",
    "StoredPayload",
    "Untransportable",
]

UNLISTED = frozenset({".jupyter_pipe", "__pycache__", ".ipynb_checkpoints"})
"""Entries of folders that come and go with tools, and so do not count in listings."""


class ArtifactRef(Struct, frozen=True):
    """A payload in the store. `artifact` is the sha256 of the file, `digest` of the
    content."""

    artifact: str
    digest: str
    bytes: int


class InputPayload(Struct, frozen=True):
    """One payload to load. `names` are the variables to bind from it; a payload may
    hold more members than the stage may see (a later stage has rebound them)."""

    ref: ArtifactRef
    names: tuple[str, ...]
    from_stage: str


class AmbientValue(Struct, frozen=True):
    """The state of one ambient component (`numpy.random`), as the stage `from_stage`
    left it."""

    component: str
    ref: ArtifactRef
    from_stage: str


class ProfileRequest(Struct, frozen=True, omit_defaults=True):
    """What a contract asks of a value's profile: its batches, the rows that repeat each
    key, and the ends of all rows rather than those of a sample."""

    by: str = ""
    keys: tuple[tuple[str, ...], ...] = ()
    whole: bool = False


class StageContext(Struct, frozen=True):
    """Everything that a kernel needs to begin and end one attempt at a stage.

    `definitions` maps `NAME` of each notebook class or function that a payload may
    refer to, to `{"source", "digest", "cell_id", "line", "later"}` (`line`: where its
    source begins in the cell; `later`: a stage after this one replays it, too;
    `constants`, if there: code of constants that it may read while it is executed); the
    loader replays exactly those that a payload's manifest lists.
    `protect` are inputs that a later stage reads, so that the guard must look at them;
    `pure` are inputs that a tag declares unchanged; `mutates` the changes that are
    expected. `optional` are outputs that the stage may leave unbound. `code_cells` maps
    a cell id to its number, which is its execution count; `first_cell` is that of the
    first of the user's cells. `written` are ambient components that the stage's code
    sets: their state is stored even if it is what it was. `secrets` are variables of
    the environment whose values must not be written down; `allow_secret_values` lets
    values that hold one be stored all the same. `trust` admits a store that others
    could have filled. `salt` is the key of the digests of environment variables.
    `profiled` says what contracts ask of the profiles of outputs, `schemas` which
    values are judged by a schema of the notebook (value -> schema). All paths are
    absolute.
    """

    run_id: str
    stage: str
    attempt: int
    store: str
    result: str
    workdir: str
    inputs: tuple[InputPayload, ...] = ()
    ambient: tuple[AmbientValue, ...] = ()
    outputs: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    protect: tuple[str, ...] = ()
    mutates: tuple[str, ...] = ()
    pure: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    gates: tuple[str, ...] = ()
    definitions: dict[str, dict[str, Any]] = {}
    code_cells: dict[str, int] = {}
    first_cell: int | None = None
    seeded: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    allow_secret_values: bool = False
    strict: bool = False
    trust: bool = False
    salt: str = ""
    sources: str = ""
    profiled: dict[str, ProfileRequest] = {}
    schemas: dict[str, str] = {}


class StoredPayload(Struct, frozen=True):
    """A payload that the stage wrote. `summary` describes each name for people;
    `unordered` are names that hold a set whose iteration order does not survive the
    trip."""

    ref: ArtifactRef
    names: tuple[str, ...]
    types: dict[str, str] = {}
    summary: dict[str, str] = {}
    definitions: dict[str, str] = {}
    unordered: tuple[str, ...] = ()


class Untransportable(Struct, frozen=True):
    """An output that cannot travel (rule 12). `path` leads to the culprit:
    `cfg['log'].stream`. `secrets` are the names of those that it holds, if that is
    why."""

    name: str
    type_name: str
    path: str
    reason: str
    secrets: tuple[str, ...] = ()


class ChangedInput(Struct, frozen=True):
    """The guard's finding: the stage changed what it received from `from_stage`."""

    from_stage: str
    names: tuple[str, ...]


class GateResult(Struct, frozen=True):
    expression: str
    passed: bool
    values: dict[str, str] = {}
    error: str = ""


MOST_NAMES = 500
"""So many names of a folder are kept, beside the digest of all."""


class ObservedPath(Struct, frozen=True, omit_defaults=True):
    """A file or folder that a stage looked at or wrote.

    `path` is relative to the working directory with forward slashes if it lies below
    it, else absolute. `aspect` says what the stage learned: `content` of a file,
    `listing` of a folder, `presence` of either (`exists`, `stat`, an `open` that found
    nothing), `times` (when it was last changed), `link` (whether it is a symbolic link,
    and where it leads). `digest` is the sha256 of a content, that of `"\\n".join(sorted
    names)` of a listing, the word `file` or `folder` of a presence, the nanoseconds of
    `times`, `-> TARGET` of a link, else as a presence; and for all of them `missing` if
    nothing was there. It is empty where the kernel leaves it to the host: the file is
    unchanged since it was read if size, times of modification and change (nanoseconds)
    and inode still agree. `names` are a folder's entries, sorted, those of folders with
    a slash at the end, at most 500 of them, so that a plan can say "b.csv is new";
    those in `UNLISTED` are left out. `pattern` says that only names that match it count
    (`*.csv`, as `fnmatch.fnmatchcase` reads it), for digest and names. Of what was
    written, digest and stat are those at the stage's end, `missing` if it is gone,
    `existed` says that something was there before, `guessed` that a program ran
    meanwhile which probably wrote it. Of what was read, `appended` says that the stage
    only added to it, as to a log. `cell_id` and `line` are the first place.
    """

    path: str
    aspect: Literal["content", "listing", "presence", "times", "link"] = "content"
    digest: str = ""
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    inode: int = 0
    names: tuple[str, ...] = ()
    pattern: str = ""
    existed: bool = False
    guessed: bool = False
    appended: bool = False
    cell_id: str = ""
    line: int = 0

    def lists(self, name: str) -> bool:
        """Whether the folder had an entry of this name, among those that are kept."""
        return name in self.names or f"{name}/" in self.names


class ObservedVariable(Struct, frozen=True, omit_defaults=True):
    """An environment variable that a stage asked for. `digest` is the HMAC-SHA256 of
    its value (UTF-8, key `StageContext.salt`, hexadecimal), so that short values cannot
    be guessed from it, and empty if it was unset; `shown` is the value where it may be
    shown: short, and neither a secret nor named like one. The name `*` stands for all
    of them, by the digest of the sorted `NAME=VALUE` lines."""

    name: str
    digest: str = ""
    shown: str = ""
    cell_id: str = ""
    line: int = 0


class ObservedContact(Struct, frozen=True, omit_defaults=True):
    """What a stage was in touch with and nobody can compare: a host, a database server,
    a program that reads outside the folder. `name` is for people, without credentials:
    `example.org:443`, `psql -f load.sql`."""

    kind: Literal["network", "database", "program"]
    name: str
    cell_id: str = ""
    line: int = 0


class Observations(Struct, frozen=True, omit_defaults=True):
    """What a stage read and wrote beyond its variables.

    `emptied` are folders that the stage removed and made again, and those below them:
    their listings at its end. `modules` are modules of the user, wherever they were
    found; `calendar` is the local day (`2026-11-29`) if the stage asked for it, else
    empty. `complete` is False if more was touched than is listed here. A stage that
    fails leaves them in the report of its failure (`kernel/failure.py`), under
    `observed`.
    """

    read: tuple[ObservedPath, ...] = ()
    written: tuple[ObservedPath, ...] = ()
    emptied: tuple[ObservedPath, ...] = ()
    modules: tuple[ObservedPath, ...] = ()
    variables: tuple[ObservedVariable, ...] = ()
    contacts: tuple[ObservedContact, ...] = ()
    calendar: str = ""
    complete: bool = True


class StageResult(Struct, frozen=True):
    """What a kernel reports when the stage's cells have run.

    `unbound` are outputs that hold no value; `ambient` the components that the stage
    changed; `drawn` are the generator components whose state the stage advanced,
    carried or not; `error` is set when ending the stage itself failed (`kind` as in
    `StageFailed`); `secret_values` are outputs that hold a secret and were stored since
    that was allowed. `profiles` say what outputs look like, `schemas` what schemas of
    the notebook said.
    """

    outputs: tuple[StoredPayload, ...] = ()
    unbound: tuple[str, ...] = ()
    untransportable: tuple[Untransportable, ...] = ()
    changed: tuple[ChangedInput, ...] = ()
    ambient: tuple[AmbientValue, ...] = ()
    metrics: dict[str, float | int | bool | str] = {}
    metric_errors: dict[str, str] = {}
    gates: tuple[GateResult, ...] = ()
    drawn: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    secret_values: tuple[str, ...] = ()
    error: str = ""
    peak_memory_bytes: int = 0
    observed: Observations = Observations()
    profiles: dict[str, Profile] = {}
    schemas: tuple[SchemaResult, ...] = ()
