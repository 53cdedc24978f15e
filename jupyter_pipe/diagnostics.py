"""Every finding of the compiler: its stable code, severity, and what a user should know
about it.

`docs/diagnostics.md` is generated from this table. Codes are never reused: 1xx are
about reading, tags and stages, 2xx about data flow, 3xx warn or inform.
"""

import sys

from msgspec import Struct

from jupyter_pipe.model import Severity

__all__ = ["RULES", "Rule", "rule", "severity_of", "to_markdown"]


class Rule(Struct, frozen=True):
    """`example` is a notebook with `‖` between stages; `fix` says how it becomes
    right."""

    code: str
    title: str
    severity: Severity
    explanation: str
    example: str
    fix: str


def _error(code: str, title: str, explanation: str, example: str, fix: str) -> Rule:
    return Rule(code, title, Severity.error, explanation, example, fix)


def _warning(code: str, title: str, explanation: str, example: str, fix: str) -> Rule:
    return Rule(code, title, Severity.warning, explanation, example, fix)


def _info(code: str, title: str, explanation: str, example: str, fix: str) -> Rule:
    return Rule(code, title, Severity.info, explanation, example, fix)


# Tests ask for a program that has each finding, and docs/diagnostics.md is compared
# with this table.
_READING = (
    _error(
        "PIPE101",
        "A tag that does not parse",
        "The tag has one of our prefixes, but its value is not what the prefix takes.",
        "timeout:soon",
        "Write the value as docs/tags.md shows it, or remove the tag.",
    ),
    _error(
        "PIPE102",
        "Two stages on one cell",
        "A cell belongs to one stage.",
        "stage:load  stage:clean",
        "Keep one of the tags, or split the cell.",
    ),
    _error(
        "PIPE103",
        "A name that no stage can have",
        "A stage becomes a module and a function, so its name is that of a Python variable, and not "
        "`shared`, which is the module of what stages share. `-` is read as `_`.",
        "stage:class",
        "Choose another name.",
    ),
    _error(
        "PIPE104",
        "Roles that exclude each other",
        "`stage:`, `shared`, `skip`, `imports` and `functions` each say where the cell belongs.",
        "stage:load  skip",
        "Keep one of the tags.",
    ),
    _error(
        "PIPE105",
        "Stages that differ only in case",
        "Each stage is a file, and not every file system tells `Train` from `train`.",
        "stage:train ‖ stage:Train",
        "Rename one of the stages.",
    ),
    _error(
        "PIPE106",
        "Options that contradict each other",
        "Cells of one stage give the same option different values.",
        "stage:train  cpus:2 ‖ stage:train  cpus:4",
        "Keep one of the tags.",
    ),
    _error(
        "PIPE107",
        "`after:` an unknown stage",
        "No cell of the notebook belongs to the stage.",
        "after:laod",
        "Fix the name.",
    ),
    _error(
        "PIPE108",
        "`after:` a later stage",
        "The notebook runs from top to bottom, so a stage can only wait for stages that begin above it.",
        "stage:load  after:clean ‖ stage:clean",
        "Move the cells, or remove the tag.",
    ),
    _error(
        "PIPE109",
        "A stage after itself",
        "The tag names the stage that the cell belongs to.",
        "stage:load  after:load",
        "Remove the tag.",
    ),
    _info(
        "PIPE110",
        "A tag that looks misspelt",
        "The tag is not one of ours and is ignored, but it is close to one.",
        "stgae:load",
        "Fix the tag, if it was meant for the pipeline.",
    ),
    _warning(
        "PIPE111",
        "Tags that do nothing",
        "A cell tagged `skip` or `shared` belongs to no stage, so it has no metrics, gates or options.",
        "skip  metric:mae",
        "Move the tags to a cell of the stage.",
    ),
    _error(
        "PIPE112",
        "Two stages called setup",
        "Untagged code above the first stage makes the implicit stage `setup`, and a cell is tagged "
        "`stage:setup`.",
        "data = load() ‖ stage:setup",
        "Tag the untagged cell `stage:setup` too, or rename the stage.",
    ),
    _error(
        "PIPE113",
        "No stage",
        "All code cells are tagged `skip`, `shared` or `parameters`, so nothing is left to run.",
        "skip ‖ skip",
        "Tag a cell `stage:NAME`.",
    ),
    _error(
        "PIPE114",
        "What cannot be shared",
        "`shares:` is for values that a stage makes and that can travel. Functions, classes and imports are "
        "code, and a parameter is set in each notebook that has it.",
        "shares:fit  def fit(rows): …",
        "Put code that notebooks have in common into a module, and make parameters those of both.",
    ),
    _warning(
        "PIPE120",
        "A kernel that is not installed",
        "The notebook names a kernelspec that is not installed here. It compiles, without the versions "
        "of what it imports; it cannot run here.",
        "kernelspec: science-3.12",
        "Install the kernelspec, or choose another kernel for the notebook.",
    ),
    _error(
        "PIPE121",
        "Tags that are not kept",
        "The notebook is kept as text by jupytext, whose header or settings say that the tags of cells are "
        "left out. Tags that were set are gone when it is saved, or were gone when it was written.",
        "cell_metadata_filter: -all",
        "Write `cell_metadata_filter: tags,-all` into the header, below `jupytext:`.",
    ),
    _warning(
        "PIPE122",
        "A pair that differs",
        "jupytext keeps the notebook in several files (`formats: ipynb,py:percent`), and another one has "
        "other code or other tags. The file that is named is the one that runs.",
        "formats: ipynb,py:percent",
        "Bring them together: `jupytext --sync FILE`.",
    ),
)

_DATA_FLOW = (
    _error(
        "PIPE200",
        "A cell that is not Python",
        "The cell does not parse, even after IPython has transformed its magics.",
        "if x > 1\n    print(x)",
        "Fix the line that the message names, or tag the cell `skip`.",
    ),
    _error(
        "PIPE201",
        "A name that nothing defines",
        "No earlier cell binds the name, it is not a builtin, and no star import can bring it. Run from "
        "top to bottom, the notebook would stop with a NameError.",
        "X_train = load() ‖ model.fit(X_trian)",
        "Fix the spelling, or move the cell that defines the name above the one that reads it.",
    ),
    _warning(
        "PIPE202",
        "A name that may be undefined",
        "The name is read under a condition, and no earlier cell binds it.",
        "if fast: print(cached)",
        "Bind the name before the condition.",
    ),
    _error(
        "PIPE203",
        "A name that was deleted",
        "The last thing that happens to the name before it is read is `del`.",
        "x = 1; del x ‖ print(x)",
        "Do not delete it, or bind it again.",
    ),
    _error(
        "PIPE204",
        "A stage needs what a skipped cell did",
        "A cell tagged `skip` binds, rebinds or changes the name, and a stage reads it afterwards. "
        "The pipeline does not run skipped cells, so it would compute something else.",
        "skip: df = df.dropna() ‖ model.fit(df)",
        "Remove the `skip` tag, or let the stage read a value that the skipped cell does not touch.",
    ),
    _error(
        "PIPE205",
        "Output history across stages",
        "`_`, `Out[n]`, `In[n]` and `__annotations__` belong to one kernel; each stage has its own.",
        "1 + 1 ‖ print(_)",
        "Give the value a name, or put both cells in one stage.",
    ),
    _error(
        "PIPE206",
        "A shared cell needs a stage's value",
        "A cell tagged `shared` runs at the start of every stage, before any value has arrived.",
        "x = 1 ‖ shared: y = x + 1",
        "Make the value a parameter, or give the cell to a stage.",
    ),
    _error(
        "PIPE207",
        "A value that cannot travel",
        "Generators, open files, sockets, locks and connections belong to the process that made them.",
        "rows = (parse(l) for l in lines) ‖ print(next(rows))",
        "Build it where it is used, or put both cells in one stage.",
    ),
    _error(
        "PIPE208",
        "A stage with a gap reorders effects",
        "All cells of a stage run together. Between them the notebook runs a cell of another stage "
        "that reads, writes or defines the same name, so the order of effects would change. What a stage "
        "is given (values, definitions, imports, parameters) is there before its first cell.",
        "A: x = 1 ‖ B: print(x) ‖ A: x = 2",
        "Split the stage: give its later cells a stage name of their own.",
    ),
    _error(
        "PIPE209",
        "Stages that need each other",
        "A later cell of a stage needs a stage that needs one of its earlier cells.",
        "A: x = 1 ‖ B: y = x ‖ A: z = y",
        "Split the stage: give its later cells a stage name of their own.",
    ),
    _error(
        "PIPE210",
        "A circle of `after:` tags",
        "Data flow and `after:` tags together make stages wait for each other.",
        "A after:B ‖ B after:A",
        "Remove one of the tags.",
    ),
    _error(
        "PIPE211",
        "A changed library",
        "The notebook changes a module, a library or the shell: it assigns to an attribute, or calls "
        "something that sets or registers. None of them travels. A later stage does the same again if that "
        "gives the same; here it does not: it needs a value that a stage makes, seeds a generator that "
        "cannot be read, or writes a file as well.",
        "limit = len(rows); config.limit = limit ‖ config.check(x)",
        "Write the value out or make it a parameter, keep it in a variable, or make the change in a cell "
        "tagged `shared`, which runs in every stage.",
    ),
    _error(
        "PIPE212",
        "A cache that remembers old values",
        "A function with `functools.lru_cache` was called in an earlier stage, and a name that it reads "
        "was bound anew since. The notebook would answer from the cache; a stage starts with an empty one. "
        "So `cache_info` is refused after calls in an earlier stage, and looking at the flags of the decimal "
        "context after calculations in one.",
        "@lru_cache def f(v): return v * k; f(1) ‖ k = 5; f(1)",
        "Make the name an argument of the function, or put both cells in one stage.",
    ),
    _error(
        "PIPE213",
        "A value that holds a definition which was made again",
        "A list, an instance or a method holds a function or class, and a later cell defines the same name "
        "again. A stage has one definition of a name, so it cannot both receive the value and use the new "
        "definition. Another name for the old one (`old = h`) is no such value and works.",
        "def h(x): …; steps = [h] ‖ def h(x): … ‖ first = steps[0]; first(2) + h(2)",
        "Give the second definition another name.",
    ),
    _error(
        "PIPE220",
        "`exec` makes names that cannot be seen",
        "Names that `exec` binds or reads are unknown to the compiler.",
        'exec("q = 1") ‖ print(q)',
        "Write the code in the cell itself.",
    ),
    _warning(
        "PIPE221",
        "`eval` of a computed string",
        "The expression may read any variable.",
        'eval(name + " + 1")',
        "Write the expression as code, or use a dictionary.",
    ),
    _warning(
        "PIPE222",
        "`input()` in a pipeline",
        "A pipeline runs without somebody at the keyboard; the stage will fail there.",
        'name = input("Name? ")',
        "Make the value a parameter.",
    ),
    _error(
        "PIPE223",
        "`globals()` with a computed key",
        "Any variable may be read or bound, so what the stage needs is unknown.",
        "globals()[name]",
        "Use a dictionary of your own, or write the names out.",
    ),
    _warning(
        "PIPE224",
        "A star import that may hide names",
        "A name that the notebook binds may also come from `from … import *` of a module whose names "
        "cannot be seen.",
        "from lib import * after x = 1 ‖ print(x)",
        "Import the names that you use.",
    ),
    _error(
        "PIPE225",
        "A star import of a module that cannot be found",
        "The names that it brings are unknown, and a stage reads one that nothing else defines.",
        "from helpers import * ‖ clean(df)",
        "Install the module, put it beside the notebook, or import the names that you use.",
    ),
    _warning(
        "PIPE226",
        "A statement that cannot be followed",
        "It is nested too deeply or has too many outcomes; it is taken to change every name in it.",
        "total = 1 + 1 + 1 + … (a thousand terms)",
        "Split it into several statements.",
    ),
)

_ADVICE = (
    _info(
        "PIPE300",
        "Stages in a row because of a random generator",
        "Both draw from one seeded global generator, so the later waits for the earlier to get the "
        "notebook's numbers.",
        "np.random.seed(0) ‖ a = np.random.rand() ‖ b = np.random.rand()",
        "Use a generator of its own in each stage: `rng = np.random.default_rng(seed)`.",
    ),
    _info(
        "PIPE301",
        "The order of a set from another stage",
        "A set may iterate in another order after it has travelled. The kernel keeps the order where "
        "it can and warns at run time where it cannot.",
        "words = set(text) ‖ for w in words: print(w)",
        "Iterate over `sorted(words)`.",
    ),
    _info(
        "PIPE302",
        "Stages in a chain because of a computed file name",
        "One stage writes a file whose name is computed, and a later one reads what may be the same file, so "
        "it waits, as the notebook does.",
        'df.to_csv(f"out/{day}.csv") ‖ pd.read_csv(f"out/{first}.csv")',
        "Where the files are not the same, write literal names, or give each stage a folder of its own.",
    ),
    _warning(
        "PIPE303",
        "A skipped cell draws random numbers, or sets up a library",
        "The notebook's later draws come after those of the skipped cell; the pipeline's do not. What the "
        "cell sets in a library, as far as names of functions tell, the pipeline does without.",
        "np.random.seed(0) ‖ skip: df.sample(5) ‖ np.random.rand()",
        "Seed again after the skipped cell, or use a generator of its own there.",
    ),
)

RULES: dict[str, Rule] = {
    found.code: found for found in (*_READING, *_DATA_FLOW, *_ADVICE)
}


def rule(code: str) -> Rule:
    """Raises KeyError for a code that was never given out."""
    return RULES[code]


def severity_of(code: str) -> Severity:
    """Raises KeyError for a code that was never given out."""
    return RULES[code].severity


def to_markdown() -> str:
    """The table as `docs/diagnostics.md`."""
    parts = [
        "# Diagnostics\n",
        "What `jupyter pipe check` can say. Errors stop compiling; warnings and information do not. Examples "
        "are cells one after the other; `‖` begins another stage.\n",
        "Generated by `python -m jupyter_pipe.diagnostics`.\n",
    ]
    # By code, which is how people look one up.
    for found in sorted(RULES.values(), key=lambda one: one.code):
        # Markdown takes a line as code if it is indented by four.
        example = found.example.replace("\n", "\n    ")
        parts.append(
            f"## {found.code}: {found.title}\n\n*{found.severity.value}*\n\n{found.explanation}\n\n"
            f"    {example}\n\n**What to do:** {found.fix}\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    sys.stdout.write(to_markdown())
