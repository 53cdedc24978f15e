"""The nouns: what a notebook, a pipeline and a stage are. Frozen records, no behaviour,
no I/O.

`Pipeline` is `pipeline.json`: one definition gives the JSON both ways and the published
schema.
"""

import enum
import importlib
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

__all__ = [
    "PACKAGES",
    "PIPELINE_VERSION",
    "SETUP_STAGE",
    "Cell",
    "Diagnostic",
    "Edge",
    "Effect",
    "EffectKind",
    "Fix",
    "Gate",
    "JoinedNotebook",
    "Learned",
    "Metric",
    "Notebook",
    "NotebookSettings",
    "Parameter",
    "Pipeline",
    "Replay",
    "ReplayKind",
    "Severity",
    "Source",
    "Stage",
    "StageInput",
    "StageOptions",
    "from_json",
    "to_json",
]

# Rises when a reader of an older version would misread what is written.
PIPELINE_VERSION = 1
SETUP_STAGE = "setup"

T = TypeVar("T")


class Cell(Struct, frozen=True):
    """One cell as it stands in the file.

    `number` is the execution count that a code cell gets when the notebook runs top to
    bottom (1 for the first; empty code cells, markdown and raw cells have none). It is
    what messages call "cell 7". `index` is the position among all cells, from 0.
    `file_line` is the line, from 1, where the source begins in a notebook that is kept
    as text; None elsewhere.
    """

    id: str
    index: int
    kind: str
    source: str
    tags: tuple[str, ...] = ()
    number: int | None = None
    file_line: int | None = None


class NotebookSettings(Struct, frozen=True):
    """Pipeline-level settings: notebook metadata `jupyter_pipe`, or Kale's
    `kubeflow_notebook`."""

    name: str | None = None
    description: str = ""
    default_options: tuple[str, ...] = ()
    schedule: str | None = None


class Notebook(Struct, frozen=True):
    """A notebook as read from disk. `digest` ignores outputs, execution counts and
    markdown.

    `loses_tags` says that the settings of a notebook kept as text leave out the tags of
    cells, `pair_formats` in which files jupytext keeps it: `ipynb,py:percent`.
    """

    path: str
    name: str
    digest: str
    cells: tuple[Cell, ...]
    kernel: str = "python3"
    language: str = "python"
    settings: NotebookSettings = NotebookSettings()
    loses_tags: bool = False
    pair_formats: str = ""

    @property
    def code_cells(self) -> tuple[Cell, ...]:
        return tuple(cell for cell in self.cells if cell.kind == "code")


class Severity(enum.Enum):
    error = "error"
    warning = "warning"
    info = "info"


class Fix(Struct, frozen=True):
    """A one-click cure: the tags to add to and remove from one cell."""

    title: str
    cell_id: str
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


class Diagnostic(Struct, frozen=True):
    """One finding of the compiler.

    `line` and `column` count from 1 within the cell's own source as the user wrote it
    (magics included); `cell` is `Cell.number`. `hint` says what to do, in one sentence.
    `notebook` is the path of the notebook, where a pipeline has several.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    cell_id: str | None = None
    cell: int | None = None
    line: int | None = None
    column: int | None = None
    stage: str | None = None
    fixes: tuple[Fix, ...] = ()
    notebook: str = ""


# `type` and `from` are names in JSON; in Python one hides a builtin and one is a
# keyword.
class Parameter(Struct, frozen=True, rename={"type_": "type"}):
    """A top-level `NAME[: TYPE] = LITERAL` of a cell tagged `parameters`.

    `type_` is one of `int float str bool none list dict tuple set bytes complex any`,
    with
    ` | None` appended when the annotation admits it; `default` is the literal's JSON
    value where JSON has one, `literal` always its Python source. `choices` come from
    `Literal[…]`.
    """

    name: str
    type_: str
    default: Any
    literal: str
    choices: tuple[Any, ...] = ()
    description: str = ""
    cell_id: str = ""


class StageInput(Struct, frozen=True, rename={"from_": "from"}):
    """A value that the stage receives: variable `name` as stage `from_` left it."""

    name: str
    from_: str


PACKAGES = "@packages"
"""The component of what can be imported: a cell that installs something changes it."""


class EffectKind(enum.Enum):
    """What a stage does to a name. Names starting with `@` are ambient components
    (`@numpy.random`), names starting with `file:` are paths relative to the notebook,
    with `*` where a part is computed."""

    reads = "reads"
    binds = "binds"
    may_bind = "may_bind"
    deletes = "deletes"
    mutates = "mutates"
    defines = "defines"
    pure = "pure"


class Effect(Struct, frozen=True):
    """One line of a stage's data-flow summary. The graph is a pure function of these.

    A stage that `reads` a name may use its value before surely binding it. `mutates`
    means that an object reachable from the name may be changed in place. A stage that
    `defines` a name binds it by code that later stages replay, so it hides earlier
    values and is nobody's input. `learned` marks what the guard observed in a run,
    `declared` what a `mutates:`/`pure:` tag says.
    """

    name: str
    kind: EffectKind
    cell_id: str | None = None
    line: int | None = None
    learned: bool = False
    declared: bool = False


class ReplayKind(enum.Enum):
    import_ = "import"
    function = "function"
    class_ = "class"
    ambient = "ambient"
    shared = "shared"
    constant = "constant"


class Replay(Struct, frozen=True):
    """Code that the stage runs again before its own cells, in notebook order.

    `source` is plain Python (magics already transformed), `names` what it binds,
    `digest` the sha256 of the normalised source: instances in payloads name their class
    by it. `needed` is False for definitions kept only in case a payload holds an
    instance of them.
    """

    kind: ReplayKind
    names: tuple[str, ...]
    source: str
    digest: str
    cell_id: str = ""
    line: int = 1
    needed: bool = True


class Metric(Struct, frozen=True):
    name: str
    cell_id: str = ""


class Gate(Struct, frozen=True):
    """`names` are the variables that the expression reads."""

    expression: str
    names: tuple[str, ...] = ()
    cell_id: str = ""


class StageOptions(Struct, frozen=True):
    """`cache_seconds` is how old a result may be that is reused: 0 never reuses one,
    None sets no limit. `reads` and `writes` are paths and patterns, relative to the
    notebook, of what cannot be seen. `contracts` are values that are judged when the
    stage ends: `sales` by its contract file, `sales=schema` by a schema of the
    notebook's own. `labels` are tables whose rows wait for labels. `approve` is a
    question to a person, without whose answer nothing goes on from here. `promote` is
    the metric by which a new version of the model is compared with the one in use; the
    rows that the notebook scores were then set aside from fitting."""

    retries: int = 0
    timeout_seconds: float | None = None
    cell_timeout_seconds: float | None = None
    cache_seconds: float | None = None
    cpus: float = 1.0
    memory_bytes: int | None = None
    gpus: int = 0
    image: str | None = None
    secrets: tuple[str, ...] = ()
    limits: dict[str, str] = {}
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    contracts: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    approve: str = ""
    promote: str = ""

    @property
    def watched(self) -> tuple[str, ...]:
        """The values that have a contract file, or are to have one."""
        return tuple(each for each in self.contracts if "=" not in each)

    @property
    def schemas(self) -> dict[str, str]:
        """Value -> the schema of the notebook that judges it."""
        return dict(each.split("=", 1) for each in self.contracts if "=" in each)


class Learned(Struct, frozen=True, omit_defaults=True):
    """What runs have taught about a stage: `mutates` are inputs that it changes in
    place, `follows` maps stages further up to the files and variables of theirs that it
    uses (`file:one.txt`, `@os.environ.MODE`).
    """

    mutates: tuple[str, ...] = ()
    follows: dict[str, tuple[str, ...]] = {}


class Stage(Struct, frozen=True):
    """A group of cells that runs in one kernel.

    `outputs` are the variables stored when it ends; `groups` are the sets of outputs
    that the analyzer expects to share mutable objects (the kernel finds the real ones).
    `imports` are the top-level modules that its code imports. `frozen` are names whose
    values it must not change, because cells of stages that run before it stand below
    it, or the reverse. `follows` are the stages that it was seen to depend on in a run
    (`Learned`). `kept` are variables that are stored even if no later stage reads them:
    the rows and predictions of a scorer.
    """

    name: str
    cells: tuple[str, ...]
    module: str
    notebook: str
    parameters: tuple[str, ...] = ()
    inputs: tuple[StageInput, ...] = ()
    outputs: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    effects: tuple[Effect, ...] = ()
    replays: tuple[Replay, ...] = ()
    after: tuple[str, ...] = ()
    metrics: tuple[Metric, ...] = ()
    gates: tuple[Gate, ...] = ()
    options: StageOptions = StageOptions()
    imports: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    follows: dict[str, tuple[str, ...]] = {}
    kept: tuple[str, ...] = ()

    @property
    def own_parameters(self) -> tuple[str, ...]:
        """The parameters as the notebook itself calls them."""
        return tuple(name.rpartition(".")[2] for name in self.parameters)


class Edge(Struct, frozen=True, rename={"from_": "from"}):
    """`names` is empty for a pure ordering; `@…` is ambient state, `file:…` a file."""

    from_: str
    to: str
    names: tuple[str, ...] = ()


class Source(Struct, frozen=True):
    """`notebook` is relative to the folder that holds `pipeline.json`, with forward
    slashes."""

    notebook: str
    digest: str


class JoinedNotebook(Struct, frozen=True):
    """One of several notebooks that are one pipeline: as if they were run one after
    another.

    Its stages and parameters are called `name.stage` and `name.parameter`. `source` is
    relative to the folder of the pipeline, and so is `folder`, where its kernels run
    (empty for the folder itself). `shares` are the variables that later notebooks may
    use, as they are when the last stage ends; `takes` are those that earlier ones share
    with it, each with the name of the notebook that it comes from."""

    name: str
    source: Source
    kernel: str
    folder: str = ""
    shares: tuple[str, ...] = ()
    takes: dict[str, str] = {}


class Pipeline(Struct, frozen=True):
    """The DAG: the one contract for every engine. `stages` are in notebook order;
    `schedule` is a cron expression for engines that start runs by themselves.
    `contract_digests` are those of the package's `contracts/NAME.yaml`, by the value
    that each judges. `notebooks` are those of a pipeline of several, in the order in
    which they would be run; `kernel` is then that of the first, and `source` the file
    that lists them, or the first, with the digest of all."""

    version: int
    name: str
    kernel: str
    source: Source
    parameters: tuple[Parameter, ...] = ()
    stages: tuple[Stage, ...] = ()
    edges: tuple[Edge, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    description: str = ""
    schedule: str | None = None
    contract_digests: dict[str, str] = {}
    notebooks: tuple[JoinedNotebook, ...] = ()

    def notebook_of(self, stage: str) -> JoinedNotebook | None:
        """The notebook that a stage is of, where the pipeline has several; else
        None."""
        name = stage.partition(".")[0]
        return next((each for each in self.notebooks if each.name == name), None)

    def beside(self, stage: str) -> tuple[Stage, ...]:
        """The stages of the same notebook, this one included: only these share
        variables and settings."""
        if not self.notebooks:
            return self.stages
        own = stage.partition(".")[0]
        return tuple(each for each in self.stages if each.name.partition(".")[0] == own)

    def kernel_of(self, stage: str) -> str:
        """The kernelspec in which the stage runs."""
        notebook = self.notebook_of(stage)
        return notebook.kernel if notebook is not None else self.kernel

    def folder_of(self, stage: str) -> str:
        """Where the stage runs, relative to the folder of the pipeline; empty for that
        folder."""
        notebook = self.notebook_of(stage)
        return notebook.folder if notebook is not None else ""

    def stage(self, name: str) -> Stage:
        """The stage called `name`. Raises KeyError."""
        for stage in self.stages:
            # Searched, not looked up: a frozen record keeps no index, and pipelines
            # have tens of stages.
            if stage.name == name:
                return stage
        raise KeyError(name)

    def upstream(self, name: str) -> tuple[str, ...]:
        """The direct predecessors of `name`, in notebook order."""
        before = {edge.from_ for edge in self.edges if edge.to == name}
        return tuple(stage.name for stage in self.stages if stage.name in before)

    def _repr_html_(self) -> str:
        """The DAG, in a notebook."""
        # Jupyter finds the picture by this name; drawing stands above the nouns.
        return str(
            importlib.import_module("jupyter_pipe.render.html").pipeline_html(self)
        )


def to_json(value: Any) -> bytes:
    """Indented JSON with a final newline, the same bytes for the same value."""
    return (
        # Sets and dictionaries are sorted, so that a committed `pipeline.json` changes
        # where the pipeline does.
        msgspec.json.format(msgspec.json.encode(value, order="deterministic"), indent=2)
        + b"\n"
    )


def from_json(data: bytes, type_: type[T]) -> T:
    """Raises msgspec.ValidationError or msgspec.DecodeError."""
    return msgspec.json.decode(data, type=type_)
