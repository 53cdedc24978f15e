"""What a program that the stage starts reads and writes, as far as its command says.

A command is a list of arguments or a line for the shell. Arguments that name files are
inputs with their contents; what a folder contributes depends on the program, as the
table says. A program that is not in it may read anything: it is a contact that people
are told of. Pure, but for looking whether a path exists.
"""

from __future__ import annotations

import glob
import os
import re
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Command", "read_command"]

# What a program does with the folders among its arguments, and that it reads nothing
# else.
_PROGRAMS = {
    "nothing": "echo printf true false : sleep pwd whoami id uname hostname mkdir touch rm rmdir kill clear "
    "which type export unset test [ exit set basename dirname realpath seq yes chmod tput",
    "names": "ls dir",
    "tree": "find tree",
    "contents": "cat head tail wc sort uniq grep egrep fgrep zgrep awk sed cut tr diff cmp md5sum sha1sum "
    "sha256sum file od xxd hexdump nl less more zcat gzip gunzip bzip2 xz tar unzip zip "
    "paste join column jq stat du df readlink split comm fold rev tac strings base64 iconv",
    "copies": "cp mv ln",
    "writes": "tee",
    "calendar": "date cal",
    "environment": "env printenv",
}
_KNOWN = {name: kind for kind, names in _PROGRAMS.items() for name in names.split()}
# Those whose arguments are paths also if nothing is there.
_ASKING = frozenset({"names", "tree", "contents", "copies"})
_SHELLS = frozenset({"sh", "bash", "zsh", "dash", "ksh"})
_SEPARATORS = frozenset(
    {";", "&", "&&", "|", "||", "(", ")", "\n", "|&", ";;", "{", "}"}
)
_WORDS = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "in", "do", "done", "while", "!"}
)
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_MAGIC = re.compile(r"[*?\[]")
_SHOWN = 60
_SECRET = re.compile(r"(?i)(pass\w*|token|secret|key|auth\w*)([=:\s]+)\S+|://[^/\s]*@")


class Command(NamedTuple):
    """What a command line touches. Paths are absolute. `read` are files, there or not,
    `asked` those whose presence alone counts, `names` are folders that are listed,
    `trees` those
    that are listed with all below, `contents` those that are read with all below,
    `emptied` those that are removed, be it to be made again. `unknown` are commands
    that
    may read anything else, as people are shown them."""

    read: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    trees: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    calendar: bool = False
    environment: bool = False


class _Reading:
    """Collects what the simple commands of one line do."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.found: dict[str, list[str]] = {name: [] for name in Command._fields}
        self.listed: list[tuple[str, str]] = []

    def line(self, text: str) -> None:
        """A line, or a script, for the shell."""
        self.found["variables"] += _VARIABLE.findall(text)
        for number, words in enumerate(_simple_commands(text)):
            if number > 1000:
                return
            self.words(_without_redirections(words, self), shell=True)  # noqa: S604 - words, nothing is run

    def words(self, words: Sequence[str], *, shell: bool) -> None:
        """A simple command: a program and its arguments."""
        while shell and words and (_ASSIGNMENT.match(words[0]) or words[0] in _WORDS):
            words = words[1:]
        if not words:
            return
        program, arguments = os.path.basename(words[0]), list(words[1:])
        if program == "cd" and shell:
            self.folder = self._path(arguments[0] if arguments else "~")
        elif program in _SHELLS and "-c" in arguments[:3]:
            self.line(arguments[-1] if arguments[-1] != "-c" else "")
        else:
            self._run(words[0], program, arguments, shell=shell)

    def _run(
        self, path: str, program: str, arguments: list[str], *, shell: bool
    ) -> None:
        """Notes what one program does with its arguments, by what is known of it: `cat
        a.csv` reads, `ls` without a path lists the folder, and an unknown program may
        read anything."""
        kind = _KNOWN.get(program, "unknown")
        if kind in ("calendar", "environment"):
            self.found[kind].append(program)
        if kind == "unknown" and program not in _SHELLS:
            self.found["unknown"].append(_shown([program, *arguments]))
        if "/" in path:
            self._use(self._path(path), "contents")
        self._remove(program, arguments, shell=shell)
        if kind in ("nothing", "writes"):
            return
        if kind == "copies":
            arguments = arguments[:-1]  # the last is where the copy goes
        paths = [
            one
            for argument in arguments
            for one in self._paths(program, argument, shell=shell)
        ]
        for one in paths:
            self._use(one, kind)
        if kind in ("names", "tree") and not paths:
            self._use(self.folder, kind)

    def _remove(self, program: str, arguments: Sequence[str], *, shell: bool) -> None:
        """`rm -r out` empties the folder, `rm out/*` lists it first."""
        if program not in ("rm", "rmdir"):
            return
        for argument in (one for one in arguments if not one.startswith("-")):
            path = self._path(argument)
            if shell and _MAGIC.search(argument):
                self.listed.append(os.path.split(path))
            elif not os.path.isfile(path):
                self.found["emptied"].append(path)

    def _use(self, path: str, kind: str) -> None:
        if not os.path.isdir(path):
            self.found["asked" if kind in ("names", "tree") else "read"].append(path)
        elif kind == "names":
            self.listed.append((path, ""))
        else:
            self.found["trees" if kind == "tree" else "contents"].append(path)

    def _paths(self, program: str, argument: str, *, shell: bool) -> Iterator[str]:
        """The paths that an argument names: its own, one after `=`, or those that match
        it."""
        if argument.startswith("-"):
            argument = argument.partition("=")[2]
        if not argument or len(argument) > 4096:
            return
        path = self._path(argument)
        if shell and _MAGIC.search(argument):
            folder, pattern = os.path.split(path)
            if os.path.isdir(folder):
                self.listed.append((folder, pattern))
            yield from sorted(glob.glob(path))
        elif os.path.exists(path) or (
            _KNOWN.get(program) in _ASKING and len(argument) < 256
        ):
            yield path
        elif "=" in argument and os.path.exists(self._path(argument.partition("=")[2])):
            yield self._path(argument.partition("=")[2])

    def redirect(self, operator: str, target: str) -> None:
        """`> file`, `< file` and their like."""
        path = self._path(target)
        if ">" in operator:
            self.found["written"].append(path)
        elif operator == "<":
            self.found["read"].append(path)

    def _path(self, text: str) -> str:
        return os.path.normpath(os.path.join(self.folder, os.path.expanduser(text)))


def read_command(command: str | Sequence[str], folder: str) -> Command:
    """What a command does that is started in the folder; a text is one for the
    shell."""
    reading = _Reading(folder)
    if isinstance(command, str):
        reading.line(command)
    elif command:
        reading.words(command, shell=False)
    found = {
        name: tuple(dict.fromkeys(values)) for name, values in reading.found.items()
    }
    return Command(
        found["read"],
        found["asked"],
        found["written"],
        tuple(dict.fromkeys(reading.listed)),
        found["trees"],
        found["contents"],
        found["emptied"],
        found["variables"],
        found["unknown"],
        bool(found["calendar"]),
        bool(found["environment"]),
    )


def _simple_commands(text: str) -> Iterator[list[str]]:
    """The words between the separators of a shell line."""
    words: list[str] = []
    for word in _split(text.replace("\\\n", " ")):
        if word in _SEPARATORS:
            yield words
            words = []
        else:
            words.append(word)
    yield words


def _split(text: str) -> Iterator[str]:
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        try:
            yield from list(lexer)
        except ValueError:  # quotes that are closed on another line
            yield from line.split()
        yield "\n"


def _without_redirections(words: list[str], reading: _Reading) -> list[str]:
    kept: list[str] = []
    operator = ""
    for word in words:
        if operator:
            reading.redirect(operator, word)
            operator = ""
        elif word and not set(word) - set("<>&|"):
            operator = word
            if kept and kept[-1].isdigit():
                kept.pop()  # `2> file`
        else:
            kept.append(word)
    return kept


def _shown(words: Sequence[str]) -> str:
    """A command as people are told of it: short, and without what may be a secret."""
    text = _SECRET.sub(
        lambda found: (found[1] or "") + (found[2] or "://") + "…", " ".join(words)
    )
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
