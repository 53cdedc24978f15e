"""The English of messages, docstrings, comments and pages: turns of phrase that no
native speaker would use.

The list grows with what readers stumble over. Each entry has an example of what to
write instead.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("jupyter_pipe", "labextension/src", "docs", "benchmarks", "tests", ".github")
ENDINGS = {".py", ".ts", ".tsx", ".md", ".yml", ".yaml"}

NOUNS = "command|stage|notebook|option|variable|function|method|error|failure|part"
PHRASES = {
    rf"(?<!there )\b(?:is|are|was) no (?:{NOUNS})\b": "is not a command",
    r"\bmend(?:s|ed|ing)?\b": "fix, repair",
    r"\bhangs? on\b": "depends on",
    r"\b(?:it|this) in small\b": "in a few words",
    r"\bdamages? nobody\b": "does no harm",
    r"\bsince (?:long|years)\b": "for a long time",
    r"\bhow it looks like\b": "what it looks like",
    r"\ballows to\b": "lets you",
    r"\binformations\b": "information",
    r"\bactual(?:ly)? version\b": "current version",
    r"\bthe most (?:users|people|of the)\b": "most users",
    r"\buntil now on\b": "from now on",
    r"\bexplains? (?:you|us)\b": "explains",
    r"\bmakes? (?:a|the) photo\b": "takes a picture",
    r"\bstarts? with no digit\b": "does not start with a digit",
    r"\bresp\.": "and, or: respectively",
    r"\be\.g\b(?!\.)": "for example",
}


def written() -> list[Path]:
    """Every text of ours that people read. Cases and goldens hold notebooks of
    others."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *FOLDERS, "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return [
        path
        for path in paths
        if path.suffix in ENDINGS and path.exists() and path != Path(__file__)
    ]


@pytest.mark.parametrize("phrase", PHRASES)
def test_nobody_would_say_it_so(phrase: str) -> None:
    pattern = re.compile(phrase, re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in written()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == [], f"write instead: {PHRASES[phrase]}"


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("'x' is no command", True),
        ("There is no command", False),
        ("mend the spelling", True),
        ("a recommendation", False),
        ("It hangs on the seed", True),
    ],
)
def test_the_list_knows_what_it_means(text: str, bad: bool) -> None:
    assert any(re.search(phrase, text, re.IGNORECASE) for phrase in PHRASES) is bad
