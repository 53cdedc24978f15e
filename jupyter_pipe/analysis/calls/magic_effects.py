"""What the magics and shell commands that stay calls of `get_ipython()` read, bind and write.

A pure function of the call's AST, as `magics.transform` leaves it. Reads are *possible* ones: a
shell expands `$HOME` itself if the notebook has no such name, so a name that nothing binds is no
error. Paths and names are given only where they are literal.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator

from msgspec import Struct

__all__ = ["MagicEffects", "magic_effects"]

SHELL_CELLS = frozenset({"bash", "sh", "script", "system", "sx", "zsh"})
PROCESS = ("os.environ", "os.cwd")
"""What every program that is started inherits."""
DOLLAR = re.compile(r"(?<![\\$])\$\{?([A-Za-z_]\w*)")
BRACES = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")
LITERAL = re.compile(r"[\w./-]+")


class MagicEffects(Struct, frozen=True):
    """`binds` are names that the magic sets; `namespace` is set by magics that read or clear all
    names (`%who`, `%reset`) and `star` by those that bind unknown ones (`%run`). `sets` are
    ambient components written; a magic `enters` a working directory, "" if it cannot be told which.
    `literal` tells whether the same text does the same in every stage.
    `foreign` code is not Python; `command` is what a shell is given, its `expanded` by IPython if that
    inserts values of the notebook.
    """

    reads: tuple[str, ...] = ()
    binds: tuple[str, ...] = ()
    reads_files: tuple[str, ...] = ()
    writes_files: tuple[str, ...] = ()
    enters: str | None = None
    sets: tuple[str, ...] = ()
    ambient_reads: tuple[str, ...] = ()
    literal: bool = True
    star: bool = False
    namespace: bool = False
    foreign: bool = False
    command: str = ""
    expanded: bool = False


def magic_effects(call: ast.Call) -> MagicEffects | None:
    """The effects of `get_ipython().METHOD('literal', …)`; None for another method, or other arguments."""
    if not isinstance(call.func, ast.Attribute):
        return None
    texts = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    match call.func.attr, texts:
        case (("system" | "getoutput"), [command]):
            return _shell(command, expanded=True)
        case (("run_line_magic" | "magic"), [name, line]):
            return _line_magic(name, line)
        case "run_cell_magic", [name, line, body]:
            return _cell_magic(name, line, body)
        case _:
            return None


def _interpolated(text: str) -> tuple[str, ...]:
    """The names in `{expression}` and `$name`, in order of appearance."""
    names = dict.fromkeys(DOLLAR.findall(text))
    for expression in BRACES.findall(text):
        names.update(dict.fromkeys(_loaded(expression.partition(":")[0])))
    return tuple(names)


def _loaded(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code.strip())
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            yield node.id


def _shell(command: str, *, expanded: bool) -> MagicEffects:
    return MagicEffects(
        reads=_interpolated(command) if expanded else (),
        ambient_reads=PROCESS,
        foreign=True,
        command=command,
        expanded=expanded,
    )


def _installer(name: str) -> Callable[[str], MagicEffects]:
    """`%pip install x` is `!pip install x` with the interpreter of the kernel."""

    def effects(line: str) -> MagicEffects:
        return _shell(f"{name} {line}", expanded=True)

    return effects


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        return line.split()


def _operands(line: str) -> list[str]:
    return [word for word in _words(line) if not word.startswith("-")]


def _line_magic(name: str, line: str) -> MagicEffects:
    known = LINE_MAGICS.get(name)
    if known is not None:
        return known(line)
    return MagicEffects(reads=_interpolated(line), literal=not _interpolated(line))


def _sets(*components: str) -> Callable[[str], MagicEffects]:
    def effects(line: str) -> MagicEffects:
        names = _interpolated(line)
        return MagicEffects(reads=names, sets=components, literal=not names)

    return effects


def _cd(line: str) -> MagicEffects:
    names = _interpolated(line)
    operands = _operands(line)
    known = len(operands) == 1 and LITERAL.fullmatch(operands[0])
    enters = operands[0] if known else ""
    return MagicEffects(reads=names, sets=("os.cwd",), enters=enters, literal=not names)


def _env(line: str) -> MagicEffects:
    names = _interpolated(line)
    if "=" in line or len(line.split()) > 1:
        return MagicEffects(reads=names, sets=("os.environ",), literal=not names)
    return MagicEffects(reads=names, ambient_reads=("os.environ",))


def _run(line: str) -> MagicEffects:
    return MagicEffects(
        reads=_interpolated(line), reads_files=tuple(_operands(line)[:1]), star=True, literal=False
    )


def _store(line: str) -> MagicEffects:
    names = tuple(word for word in _operands(line) if word.isidentifier())
    return MagicEffects(binds=names) if "-r" in _words(line) else MagicEffects(reads=names)


def _help(line: str) -> MagicEffects:
    return MagicEffects(reads=tuple(re.findall(r"^\s*([A-Za-z_]\w*)", line)))


def _code(line: str) -> MagicEffects:
    """A magic that runs code where its result is used (`t = %timeit -o f(x)`)."""
    return MagicEffects(reads=tuple(dict.fromkeys(_loaded(re.sub(r"^(-\w+\s+)+", "", line)))))


def _namespace(_line: str) -> MagicEffects:
    return MagicEffects(namespace=True, literal=False)


def _rpy(line: str) -> MagicEffects:
    def of(option: str) -> tuple[str, ...]:
        found = re.findall(rf"(?:^|\s)(?:{option})[\s=]([\w,]+)", line)
        return tuple(name for names in found for name in names.split(",") if name.isidentifier())

    return MagicEffects(reads=of("-i|--input"), binds=of("-o|--output"), foreign=True)


def _cell_magic(name: str, line: str, body: str) -> MagicEffects:
    reads = _interpolated(line)
    if name in ("writefile", "file"):
        path = tuple(_operands(line)[-1:])
        appended = path if {"-a", "--append"} & set(_words(line)) else ()
        return MagicEffects(reads=reads, reads_files=appended, writes_files=path, literal=False, foreign=True)
    if name in ("R", "julia", "bigquery"):
        return _rpy(line)
    if name in SHELL_CELLS:
        shell = _shell(body, expanded=False)
        binds = tuple(re.findall(r"--(?:out|err|proc)[\s=]([A-Za-z_]\w*)", line))
        return MagicEffects(
            reads, binds, ambient_reads=PROCESS, literal=not reads, foreign=True, command=shell.command
        )
    return MagicEffects(reads=reads, literal=not reads, foreign=True)


LINE_MAGICS: dict[str, Callable[[str], MagicEffects]] = {
    **{name: _installer(name) for name in ("pip", "conda", "mamba", "micromamba", "uv")},
    "cd": _cd,
    "pushd": _cd,
    "popd": _cd,
    "env": _env,
    "set_env": _env,
    "matplotlib": _sets("ipython.matplotlib"),
    "pylab": _sets("ipython.matplotlib"),
    "config": _sets("ipython.config"),
    "precision": _sets("ipython.precision", "numpy.printoptions"),
    "load_ext": _sets("ipython.extensions"),
    "reload_ext": _sets("ipython.extensions"),
    "autoreload": _sets("ipython.extensions"),
    "xmode": _sets("ipython.config"),
    "alias": _sets("ipython.config"),
    "run": _run,
    "store": _store,
    "pinfo": _help,
    "pinfo2": _help,
    "psearch": _help,
    "pdoc": _help,
    "timeit": _code,
    "time": _code,
    "prun": _code,
    "memit": _code,
    "who": _namespace,
    "who_ls": _namespace,
    "whos": _namespace,
    "reset": _namespace,
    "reset_selective": _namespace,
}
