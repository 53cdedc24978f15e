"""What each tool computes for the reference cases: `python benchmarks/cases.py [--page
docs/cases.md]`.

A case is a small notebook in stages (`tests/cases/`). Each tool translates it in its
own environment; what it would execute is then run here, a process a stage, and what the
user's cells print is compared with the notebook run from top to bottom. Where stages
may run in parallel, the last one goes first.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from environments import binaries, install, version
from measure import layout

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.cases.pipelines import Forks, run_as_notebook, run_as_pipeline  # noqa: E402
from tests.cases.table import Case, read_all  # noqa: E402

PEERS = {"Kale": "kubeflow-kale", "soorgeon": "soorgeon", "marimo": "marimo"}
MEANING = {
    "same": "prints what the notebook prints",
    "refused": "said at translation that it cannot",
    "error": "fails when it runs",
    "DIFFERS": "prints something else, without a word",
}


class Verdict(NamedTuple):
    """One of MEANING, and for a refusal or an error its first line."""

    word: str
    why: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "case", nargs="*", help="numbers of cases; all of the reference by default"
    )
    parser.add_argument("--why", action="store_true", help="print what each tool said")
    parser.add_argument(
        "--page", type=Path, help="write the table as a page of the documentation"
    )
    args = parser.parse_args()
    cases = [
        case
        for case in read_all()
        if (case.id in args.case if args.case else case.id.isdecimal())
    ]
    cases.sort(key=lambda case: int(case.id))
    plans = {
        name: translate(name, cases)
        for name, requirement in PEERS.items()
        if install(requirement)
    }
    with tempfile.TemporaryDirectory() as folder:
        forks = Forks(Path(folder))
        verdicts = {case.id: judge(case, plans, Path(folder), forks) for case in cases}
        forks.close()
    if args.why:
        for id_, found in verdicts.items():
            for tool, verdict in found.items():
                print(
                    f"{id_:>3} {tool:12} {verdict.word:8} {verdict.why}",
                    file=sys.stderr,
                )
    print(drawn(cases, verdicts, markdown=False))
    if args.page:
        args.page.write_text(page(cases, verdicts), encoding="utf-8")


def translate(name: str, cases: list[Case]) -> dict[str, Any]:
    """The peer's plan, or refusal, for each case."""
    given = [
        {
            "id": case.id,
            "cells": [
                {"stage": cell.stage, "source": cell.source} for cell in case.cells
            ],
        }
        for case in cases
    ]
    ran = subprocess.run(
        [
            str(binaries(PEERS[name]) / "python"),
            str(HERE / "plans" / f"{name.lower()}_plan.py"),
        ],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"{name} cannot be asked:\n{ran.stderr[-2000:]}")
    plans: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return plans


def judge(
    case: Case, plans: Mapping[str, Any], folder: Path, forks: Forks
) -> dict[str, Verdict]:
    """What each tool makes of the case, ours first."""

    def place(name: str) -> Path:
        made = folder / f"{case.id}-{name}"
        made.mkdir()
        return made

    notebook = case.write(place("notebook"))
    overridden = run_as_notebook(forks, notebook, case.overrides).outputs
    found = {"jupyter_pipe": ours(case, place("ours"), forks, overridden)}
    stages = {f"c{number}": cell.stage for number, cell in enumerate(case.cells, 1)}
    as_written = run_as_notebook(forks, case.write(place("as_written"))).outputs
    expected = [(stages[cell_id], text) for cell_id, text in as_written.items()]
    for name, replies in plans.items():
        found[name] = theirs(
            case,
            replies[case.id],
            place(name),
            forks,
            expected,
            by_cell=name == "marimo",
        )
    return found


def ours(
    case: Case, folder: Path, forks: Forks, expected: Mapping[str, str]
) -> Verdict:
    from jupyter_pipe.errors import CompileError

    try:
        outcome = run_as_pipeline(
            forks, case.write(folder), case.overrides, backwards=True
        )
    except CompileError as error:
        return Verdict(
            "refused", error.diagnostics[0].message if error.diagnostics else str(error)
        )
    if outcome.error:
        return Verdict("error", outcome.error)
    same = case.may_differ or all(
        expected[cell_id] == text for cell_id, text in outcome.outputs.items()
    )
    return Verdict("same" if same else "DIFFERS")


def theirs(
    case: Case,
    reply: Mapping[str, Any],
    folder: Path,
    forks: Forks,
    expected: list[tuple[str, str]],
    *,
    by_cell: bool,
) -> Verdict:
    """Runs a peer's plan, a process a stage, and compares what each stage (or cell)
    prints."""
    if "refused" in reply:
        return Verdict("refused", reply["refused"].splitlines()[0])
    for name, text in {**case.files, **reply.get("files", {})}.items():
        (folder / name).write_text(text, encoding="utf-8")
    printed: dict[str, str] = {}
    for stage in reply["stages"]:
        cells = [
            {"id": f"{number}", "source": source, "user": bool(user)}
            for number, (source, user) in enumerate(stage["cells"])
        ]
        answer = forks.run(folder, cells, {})
        if answer["error"]:
            return Verdict("error", "{ename}: {evalue}".format(**answer["error"]))
        owners = [user for _, user in stage["cells"]]
        for number, text in answer["outputs"].items():
            key = str(owners[int(number)]) if by_cell else stage["stage"]
            printed[key] = printed.get(key, "") + plain(text)
    wanted: dict[str, str] = {}
    for number, (stage, text) in enumerate(expected):
        key = str(number) if by_cell else stage.lower()
        if by_cell or key not in ("leading", "parameters", "shared", "untagged"):
            wanted[key] = wanted.get(key, "") + plain(text)
    same = case.may_differ or all(
        printed.get(key, "") == text for key, text in wanted.items()
    )
    return Verdict("same" if same else "DIFFERS")


def plain(text: str) -> str:
    """Without execution counts, which the other tools do not promise, and addresses."""
    return re.sub(r"0x[0-9a-f]{6,}", "…", re.sub(r"Out\[\d+\]: ", "", text)).strip()


def drawn(
    cases: list[Case], verdicts: Mapping[str, Mapping[str, Verdict]], *, markdown: bool
) -> str:
    tools = list(next(iter(verdicts.values())))
    lines = [("case", "what flows", *tools)]
    lines += [
        (case.id, case.title, *(verdicts[case.id][tool].word for tool in tools))
        for case in cases
    ]
    counts = {
        tool: Counter(found[tool].word for found in verdicts.values()) for tool in tools
    }
    lines += [
        ("", MEANING[word], *(str(counts[tool][word]) for tool in tools))
        for word in MEANING
    ]
    return layout(lines, markdown=markdown)


def page(cases: list[Case], verdicts: Mapping[str, Mapping[str, Verdict]]) -> str:
    meanings = "\n".join(
        f"- **{word}**: {meaning}" for word, meaning in MEANING.items()
    )
    versions = ", ".join(
        f"{name} {version(PEERS[name])}"
        for name in PEERS
        if name in verdicts[cases[0].id]
    )
    return f"""\
# The reference cases, tool by tool

Each case is a notebook of a few cells in two to four stages (`tests/cases/`).
Each tool translates it; what it would execute is run, a process a stage, and
what the cells print is compared with the notebook run from top to bottom.
`python benchmarks/cases.py --page docs/cases.md` installs the tools and writes
this page.

{meanings}

Versions: {versions}.

{drawn(cases, verdicts, markdown=True)}

The comparison is made as kind as it can be. Kale's steps are tagged with
`prev:` in notebook order, leading cells with `imports` or `functions`, and
values travel by cloudpickle instead of Kale's own serialisers. soorgeon gets a
heading before each stage and its cloudpickle option. marimo, which runs cells
and not stages, runs the notebook's cells in one process, in the order of its
graph: changes in place are kept there as long as nothing runs a second time,
and a name that is bound in two cells is refused, as its documentation says.
Cases that need a feature of jupyter_pipe, such as `-p`, are run without it
where a tool has no counterpart.
"""


if __name__ == "__main__":
    main()
