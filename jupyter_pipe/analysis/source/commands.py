"""What a shell command reads and writes, as far as its words say: a pure function of
its text.

`*` stands for what is not known before the run: computed words, wildcards, variables of
the shell. A program that is not in the tables may read and write anything below the
folder that it runs in.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["CommandFiles", "files_of_command", "files_of_words"]

ANYTHING = "*"
SEPARATORS = frozenset(
    {";", "&", "&&", "|", "||", "\n", "(", ")", "{", "}", ";;", "|&"}
)
_SHELL = """
do done then else elif fi if while until time exec command builtin ! nohup sudo
"""
WORDS_OF_SHELL = frozenset(_SHELL.split())
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
HEREDOC = re.compile(
    r"<<-?\s*(['\"]?)(\w+)\1([^\n]*\n).*?^\s*\2\s*$", re.DOTALL | re.MULTILINE
)
SUBSTITUTION = re.compile(r"\$\([^()]*\)|`[^`]*`|\$\{?[A-Za-z_@#?!*\d]\w*\}?")
WILDCARD = re.compile(r"\*+|\?|\[[^\]]*\]")
INSTALLERS = frozenset(
    {
        "pip",
        "pip3",
        "conda",
        "mamba",
        "micromamba",
        "uv",
        "poetry",
        "pipx",
        "easy_install",
    }
)
_INSTALLS = "install uninstall remove update upgrade add sync develop create"
INSTALLS = frozenset(_INSTALLS.split())
PYTHON = re.compile(r"(?:.*/)?(python|pypy)[\d.]*$")
SHELLS = frozenset({"bash", "sh", "zsh", "dash"})

_READERS = """
cat head tail wc grep egrep fgrep sort uniq cut diff cmp comm md5sum sha1sum sha256sum cksum file stat less
more nl od xxd hexdump strings column jq awk base64 zcat bzcat xzcat tac rev join paste fold shuf readlink
realpath basename dirname source . test [ [[ bc expand seq
"""
_QUIET = """
echo printf date pwd which whereis whoami hostname uname nvidia-smi free df env printenv true false sleep id
uptime lscpu nproc type export set unset alias history ps top kill man read exit return wait : ulimit umask
lsb_release arch groups locale getconf ffprobe
"""
_LISTERS = "ls dir tree du find ll"
_MAKERS = "touch tee truncate shred chmod chown"
_GIT = "log status diff rev-parse show branch remote config --version describe ls-files blame"
_GIT_LOOKS = frozenset(_GIT.split())
VERSION = frozenset({"--version", "-V", "--help", "-h"})


@dataclass
class CommandFiles:
    """Paths in the order in which they come up, `*` for what is not known. `folders`
    are made, of those of `reads_below` and `writes_below` anything may be read or
    written; a command that `installs` changes what can be imported; `anything` may
    happen below the folder."""

    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    reads_below: list[str] = field(default_factory=list)
    writes_below: list[str] = field(default_factory=list)
    installs: bool = False
    anything: bool = False


@dataclass
class _Words:
    """The words of one program: `operands` are not options; `base` is the folder that
    it runs in."""

    program: str
    rest: list[str]
    base: str = ""

    @property
    def operands(self) -> list[str]:
        return [word for word in self.rest if not word.startswith("-")]

    @property
    def flags(self) -> set[str]:
        return {word for word in self.rest if word.startswith("-") and word != "-"}

    def has(self, letter: str) -> bool:
        """Whether a short option is given, alone or among others (`-rf`)."""
        return any(word[1:2] != "-" and letter in word[1:] for word in self.flags)

    def value(self, *options: str) -> str | None:
        """What follows an option: `-o FILE`, `--output FILE`, `--output=FILE`."""
        for place, word in enumerate(self.rest):
            name, equals, value = word.partition("=")
            if word in options and place + 1 < len(self.rest):
                return self.rest[place + 1]
            if equals and name in options:
                return value
        return None


def files_of_command(text: str, folder: str = "") -> CommandFiles:
    """The files of a shell command, or of several lines of them, that runs in
    `folder`."""
    found = CommandFiles()
    base = folder
    for words in _programs(text):
        base = _run(found, words, base)
    return found


def files_of_words(words: Sequence[str], folder: str = "") -> CommandFiles:
    """The files of one program that is started without a shell."""
    found = CommandFiles()
    if words:
        _run(found, [word or ANYTHING for word in words], folder)
    return found


def _programs(text: str) -> Iterator[list[str]]:
    """The words of each program, redirections among them."""
    text = HEREDOC.sub(r"\3", text).replace("\\\n", " ")
    text = SUBSTITUTION.sub(ANYTHING, text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars=";&|()<>\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = "#"
    words: list[str] = []
    try:
        for token in lexer:
            if token in SEPARATORS or set(token) <= {"\n", ";", "&", "|"}:
                yield words
                words = []
            else:
                words.append(token)
    except ValueError:  # a quote that is not closed
        words = ["?"]
    yield words


def _run(found: CommandFiles, words: list[str], base: str) -> str:
    """Notes what one program does; the folder in which the next one runs."""
    words = _redirected(found, words, base)
    while words and (words[0] in WORDS_OF_SHELL or ASSIGNMENT.match(words[0])):
        words = words[1:]
    if not words or words[0] in {"for", "case", "in", "select", "function"}:
        return base
    program = words[0] if words[0] == ANYTHING else posixpath.basename(words[0])
    given = _Words(program, words[1:], base)
    if program in {"cd", "pushd"}:
        return _joined(base, given.operands[0]) if given.operands else ANYTHING
    local = CommandFiles()
    _note(local, given, words[0])
    _merge(found, local, base)
    return base


def _note(local: CommandFiles, given: _Words, path: str) -> None:
    """Notes what one program does: installers, Python and shells have rules of their
    own, others are in a table. An unknown program started by its path reads at least
    its own file."""
    if given.program in INSTALLERS:
        _installer(local, given)
    elif PYTHON.match(given.program):
        _python(local, given)
    elif given.program in SHELLS and given.value("-c"):
        _merge(local, files_of_command(given.value("-c") or ""), "")
    elif given.flags & VERSION and not given.operands:
        return
    else:
        known = PROGRAMS.get(given.program, _unknown)
        known(local, given)
        if known is _unknown and "/" in path:
            local.reads.append(path)


def _redirected(found: CommandFiles, words: list[str], base: str) -> list[str]:
    """The words without `> file` and `< file`, which are noted."""
    rest: list[str] = []
    tokens = iter(words)
    for word in tokens:
        if not word or set(word) - set("<>&"):
            rest.append(word)
            continue
        if rest and rest[-1] in {"1", "2"}:
            rest.pop()
        target = next(tokens, "")
        if target and not target.isdigit() and not target.startswith("/dev/"):
            (found.reads if word == "<" else found.writes).append(_joined(base, target))
            if word == ">>":
                found.reads.append(_joined(base, target))
    return rest


def _merge(found: CommandFiles, local: CommandFiles, base: str) -> None:
    for name in ("reads", "writes", "folders", "reads_below", "writes_below"):
        paths: list[str] = getattr(found, name)
        paths += [_joined(base, path) for path in getattr(local, name)]
    found.installs |= local.installs
    found.anything |= local.anything


def _joined(base: str, path: str) -> str:
    return posixpath.join(base, WILDCARD.sub(ANYTHING, path))


def _unknown(local: CommandFiles, given: _Words) -> None:
    """May touch whatever it finds, and what its words name."""
    local.anything = True
    named = [word.rpartition("=")[2] for word in given.rest]
    for word in named:
        if posixpath.isabs(word) or word.startswith(".."):
            local.reads.append(word)
            local.writes.append(word)


def _installer(local: CommandFiles, given: _Words) -> None:
    local.installs = bool(INSTALLS & set(given.rest))
    requirements = given.value("-r", "--requirement", "-f", "--file")
    local.reads += [requirements] if requirements else []
    local.reads_below += [word for word in given.operands if word in {".", ".."}]


def _python(local: CommandFiles, given: _Words) -> None:
    module = given.value("-m")
    if module in INSTALLERS:
        _installer(local, given)
    elif given.rest and not set(given.rest) <= VERSION:
        _unknown(local, given)


def _reader(local: CommandFiles, given: _Words) -> None:
    local.reads += given.operands
    output = given.value("-o", "--output")
    local.writes += [output] if output else []
    if given.has("r") or given.has("R"):
        local.reads_below += given.operands or ["."]


def _quiet(_local: CommandFiles, _given: _Words) -> None:
    pass


def _lister(local: CommandFiles, given: _Words) -> None:
    local.reads_below += [word for word in given.operands if ANYTHING not in word] or [
        "."
    ]
    local.reads += [word for word in given.operands if ANYTHING in word]
    if {"-delete", "-exec"} & set(given.rest):
        local.anything = True


def _maker(local: CommandFiles, given: _Words) -> None:
    local.writes += given.operands
    if given.program == "tee" and given.has("a"):
        local.reads += given.operands


def _mkdir(local: CommandFiles, given: _Words) -> None:
    local.folders += given.operands


def _remover(local: CommandFiles, given: _Words) -> None:
    local.writes += given.operands
    local.writes_below += given.operands if given.has("r") or given.has("R") else []


def _copier(local: CommandFiles, given: _Words) -> None:
    """The last operand may be a file or a folder in which the others get their
    names."""
    *sources, target = given.operands or [ANYTHING]
    local.reads += sources
    local.writes.append(target)
    if "." not in posixpath.basename(target):
        local.writes += [
            posixpath.join(target, posixpath.basename(source.rstrip("/")))
            for source in sources
        ]
    if given.has("r") or given.has("a") or given.program == "rsync":
        local.reads_below += sources
        local.writes_below.append(target)
    if given.program == "mv":
        local.writes += sources
        local.writes_below += [
            source for source in sources if "." not in posixpath.basename(source)
        ]


def _names_in_addresses(words: Iterable[str]) -> list[str]:
    """The file names that addresses among the words end in: `data.csv` of
    `https://example.org/data.csv?v=2`."""
    addresses = [word for word in words if "://" in word or ANYTHING in word]
    return [
        posixpath.basename(address.partition("?")[0]) or "index.html"
        for address in addresses
    ]


def _downloader(local: CommandFiles, given: _Words) -> None:
    """`wget URL` and `curl -O URL` write the last part of the address."""
    is_wget = given.program == "wget"
    target = (
        given.value("-O", "--output-document")
        if is_wget
        else given.value("-o", "--output")
    )
    names: list[str] = []
    if target is not None:
        names = [target] if target != "-" else []
    elif is_wget or given.has("O") or "--remote-name" in given.flags:
        names = _names_in_addresses(given.operands)
    folder = given.value("-P", "--directory-prefix", "--output-dir") or ""
    local.writes += [posixpath.join(folder, name) for name in names]


def _packer(local: CommandFiles, given: _Words) -> None:
    """`gzip a` makes a.gz of a, `gunzip a.gz` the reverse."""
    local.reads += given.operands
    local.writes += [
        name
        for word in given.operands
        for name in (word, posixpath.splitext(word)[0], word + ".*")
    ]


def _unzip(local: CommandFiles, given: _Words) -> None:
    target = given.value("-d")
    local.reads += [word for word in given.operands[:1] if word != target]
    if not given.has("l"):
        local.writes_below.append(target or ".")


def _zip(local: CommandFiles, given: _Words) -> None:
    archive, *members = given.operands or [ANYTHING]
    local.writes.append(
        archive if "." in posixpath.basename(archive) else archive + ".zip"
    )
    local.reads += members
    local.reads_below += members if given.has("r") else []


def _tells_tar(given: _Words, letter: str, option: str) -> bool:
    """Whether the first word has the letter, with or without a dash, or the option is
    among the words."""
    first = given.rest[0] if given.rest else ""
    return letter in first.lstrip("-") or option in given.flags


def _tar(local: CommandFiles, given: _Words) -> None:
    """`tar xzf a.tgz -C out`, `tar -cf a.tar in`: the letters of the first word say
    what is done."""
    first = given.rest[0] if given.rest else ""
    words = given.operands if first.startswith("-") else given.operands[1:]
    folder = given.value("-C", "--directory")
    words = [word for word in words if word != folder]
    archive = given.value("-f", "--file") or next(iter(words), ANYTHING)
    if _tells_tar(given, "c", "--create"):
        packed = [
            posixpath.join(folder or "", word) for word in words if word != archive
        ]
        local.writes.append(archive)
        local.reads_below += packed
        local.reads += packed
        return
    local.reads.append(archive)
    if _tells_tar(given, "x", "--extract"):
        local.writes_below.append(folder or ".")


def _sed(local: CommandFiles, given: _Words) -> None:
    files = given.operands if given.value("-e", "-f") else given.operands[1:]
    local.reads += files
    local.writes += files if given.has("i") else []


def _git(local: CommandFiles, given: _Words) -> None:
    operands = given.operands
    if operands[:1] == ["clone"] and len(operands) > 1:
        address = operands[-1]
        name = posixpath.basename(address.rstrip("/")).removesuffix(".git")
        local.folders.append(name)
        local.writes_below.append(name)
    elif not given.rest or given.rest[0] not in _GIT_LOOKS:
        local.anything = True


PROGRAMS: dict[str, Callable[[CommandFiles, _Words], None]] = {
    **dict.fromkeys(_READERS.split(), _reader),
    **dict.fromkeys(_QUIET.split(), _quiet),
    **dict.fromkeys(_LISTERS.split(), _lister),
    **dict.fromkeys(_MAKERS.split(), _maker),
    **dict.fromkeys(("cp", "mv", "ln", "rsync", "scp", "install"), _copier),
    **dict.fromkeys(("rm", "rmdir", "unlink"), _remover),
    **dict.fromkeys(("wget", "curl"), _downloader),
    **dict.fromkeys(
        ("gzip", "gunzip", "bzip2", "bunzip2", "xz", "unxz", "zstd"), _packer
    ),
    "mkdir": _mkdir,
    "unzip": _unzip,
    "zip": _zip,
    "tar": _tar,
    "sed": _sed,
    "git": _git,
}
"""What programs do with their operands; one that is not here may do anything."""
