"""What the magics and shell commands that stay calls of `get_ipython()` read, bind and
write.

A pure function of the call's AST, as `magics.transform` leaves it. Reads are *possible*
ones: a shell expands `$HOME` itself if the notebook has no such name, so a name that
nothing binds is not an error. Paths and names are given only where they are literal.
"""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable, Iterator
from functools import partial

from msgspec import Struct

__all__ = ["MagicEffects", "is_unknown", "magic_effects"]

SHELL_CELLS = frozenset({"bash", "sh", "script", "system", "sx", "zsh"})
PROCESS = ("os.environ", "os.cwd")
"""What every program that is started inherits."""
DOLLAR = re.compile(r"(?<![\\$])\$\{?([A-Za-z_]\w*)")
BRACES = re.compile(r"(?<!\{)\{([^{}]+)\}(?!\})")
LITERAL = re.compile(r"[\w./-]+")
CYTHON = re.compile(
    r"^(?:cpdef\s[^(=\n]*?|def\s+|(?:cdef\s+)?class\s+)(\w+)\s*[(:]", re.M
)
"""What a cell of Cython gives to the notebook; a `cdef` function stays in its
module."""
LANGUAGES = frozenset(
    {"R", "julia", "octave", "matlab", "maxima", "stata", "SAS", "ocaml", "lua", "sos"}
)
"""Magics of extensions that talk to one process of another language as long as the
kernel lives."""
TEXTS = """
HTML SVG html javascript js latex markdown svg perl pypy python python2 python3 ruby rust node deno
file writefile bash sh script system sx zsh bigquery cython cython_inline sql
"""
_KNOWN_CELLS = frozenset(TEXTS.split()) | LANGUAGES


class MagicEffects(Struct, frozen=True):
    """`binds` are names that the magic sets; `namespace` is set by magics that read or
    clear all names (`%who`, `%reset`) and `star` by those that bind unknown ones
    (`%run`). `sets` are ambient components written; a magic `enters` a working
    directory, "" if it cannot be told which. `literal` tells whether the same text does
    the same in every stage.
    `keeps` names a language whose process goes on, with all that was done in it
    (`%%R`); `bound_type` is what those are that it binds.
    `foreign` code is not Python; `command` is what a shell is given, its `expanded` by
    IPython if that inserts values of the notebook.
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
    keeps: str = ""
    bound_type: str = ""
    foreign: bool = False
    command: str = ""
    expanded: bool = False


def magic_effects(call: ast.Call) -> MagicEffects | None:
    """The effects of `get_ipython().METHOD('literal', …)`; None for another method, or
    other arguments."""
    if not isinstance(call.func, ast.Attribute):
        return None
    texts = [
        arg.value
        for arg in call.args
        if isinstance(arg, ast.Constant) and isinstance(arg.value, str)
    ]
    match call.func.attr, texts:
        case (("system" | "getoutput"), [command]):
            return _shell(command, expanded=True)
        case (("run_line_magic" | "magic"), [name, line]):
            return _line_magic(name, line)
        case "run_cell_magic", [name, line, body]:
            return _cell_magic(name, line, body)
        case _:
            return None


def is_unknown(name: str, *body: object) -> bool:
    """Whether neither IPython nor this module knows a line magic, with a `body` a cell
    magic, of the name."""
    return (
        name not in _KNOWN_CELLS
        if body
        else name not in LINE_MAGICS and name not in OF_IPYTHON
    )


def _interpolated(text: str) -> tuple[str, ...]:
    """The names in `{expression}` and `$name`, in order of appearance."""
    names = dict.fromkeys(DOLLAR.findall(text))
    # {frame.shape[0]:>8} inserts an expression with a format.
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


def _program(name: str) -> Callable[[str], MagicEffects]:
    """`%pip install x` is `!pip install x` with the interpreter of the kernel; so is
    `%cp a b`."""

    def effects(line: str) -> MagicEffects:
        return _shell(f"{name} {line}", expanded=True)

    return effects


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    # An apostrophe in `!echo it's` is no reason to fail: words will do.
    except ValueError:
        return line.split()


def _operands(line: str) -> list[str]:
    return [word for word in _words(line) if not word.startswith("-")]


def _line_magic(name: str, line: str) -> MagicEffects:
    known = LINE_MAGICS.get(name)
    # A magic of an extension: nothing is known but what IPython inserts before it runs.
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
    # `%cd -` and `%cd {folder}` lead where only the run knows.
    operands = _operands(line)
    known = len(operands) == 1 and LITERAL.fullmatch(operands[0])
    enters = operands[0] if known else ""
    return MagicEffects(reads=names, sets=("os.cwd",), enters=enters, literal=not names)


def _env(line: str) -> MagicEffects:
    names = _interpolated(line)
    # `%env A=1` and `%env A 1` set, `%env A` shows.
    if "=" in line or len(line.split()) > 1:
        return MagicEffects(reads=names, sets=("os.environ",), literal=not names)
    return MagicEffects(reads=names, ambient_reads=("os.environ",))


def _run(line: str) -> MagicEffects:
    return MagicEffects(
        reads=_interpolated(line),
        reads_files=tuple(_operands(line)[:1]),
        star=True,
        # `%run` binds whatever the script binds, so no stage can repeat it as text.
        literal=False,
    )


def _store(line: str) -> MagicEffects:
    names = tuple(word for word in _operands(line) if word.isidentifier())
    return (
        # `%store -r x` brings x back from an earlier session.
        MagicEffects(binds=names) if "-r" in _words(line) else MagicEffects(reads=names)
    )


def _help(line: str) -> MagicEffects:
    return MagicEffects(reads=tuple(re.findall(r"^\s*([A-Za-z_]\w*)", line)))


def _code(line: str) -> MagicEffects:
    """A magic that runs code where its result is used (`t = %timeit -o f(x)`)."""
    return MagicEffects(
        reads=tuple(dict.fromkeys(_loaded(re.sub(r"^(-\w+\s+)+", "", line))))
    )


def _namespace(_line: str) -> MagicEffects:
    return MagicEffects(namespace=True, literal=False)


def _option(line: str, option: str) -> tuple[str, ...]:
    """The names after an option: `-i x,y` gives x and y."""
    found = re.findall(rf"(?:^|\s)(?:{option})[\s=]([\w,]+)", line)
    return tuple(
        name for names in found for name in names.split(",") if name.isidentifier()
    )


def _language(name: str) -> Callable[[str], MagicEffects]:
    """`%R`, `%%julia`: code of another language, in a process that remembers it."""

    def effects(line: str) -> MagicEffects:
        reads = (*_option(line, "-i|--input"), *DOLLAR.findall(line))
        binds = _option(line, "-o|--output")
        return MagicEffects(
            tuple(dict.fromkeys(reads)), binds, literal=False, foreign=True, keeps=name
        )

    return effects


def _gives(name: str) -> Callable[[str], MagicEffects]:
    """`%Rpush x y`: values go into the other process."""

    def effects(line: str) -> MagicEffects:
        return MagicEffects(
            reads=_identifiers(line), literal=False, foreign=True, keeps=name
        )

    return effects


def _takes(name: str) -> Callable[[str], MagicEffects]:
    """`%Rpull y`: values come out of it, under the same names."""

    def effects(line: str) -> MagicEffects:
        return MagicEffects(
            binds=_identifiers(line), literal=False, foreign=True, keeps=name
        )

    return effects


def _identifiers(line: str) -> tuple[str, ...]:
    return tuple(word for word in _operands(line) if word.isidentifier())


def _bigquery(line: str) -> MagicEffects:
    """`%%bigquery frame --project p`: the rows become a frame of that name."""
    words = _words(line)[:1]
    parameters = tuple(dict.fromkeys(DOLLAR.findall(line)))
    return MagicEffects(
        parameters, tuple(w for w in words if w.isidentifier()), foreign=True
    )


def _cython(body: str) -> MagicEffects:
    """The functions and classes of a module that is compiled here."""
    return MagicEffects(
        binds=tuple(dict.fromkeys(CYTHON.findall(body))),
        bound_type="Cython.Compiled",
        foreign=True,
    )


def _cell_magic(name: str, line: str, body: str) -> MagicEffects:
    reads = _interpolated(line)
    if name in ("writefile", "file"):
        path = tuple(_operands(line)[-1:])
        # The file that is appended to must be there as it was.
        appended = path if {"-a", "--append"} & set(_words(line)) else ()
        return MagicEffects(
            reads=reads,
            reads_files=appended,
            writes_files=path,
            literal=False,
            foreign=True,
        )
    if name in LANGUAGES:
        return _language(name)(line)
    if name == "bigquery":
        return _bigquery(line)
    if name in {"cython", "cython_inline"}:
        return _cython(body)
    if name in SHELL_CELLS:
        shell = _shell(body, expanded=False)
        # %%bash --out text puts what is printed into a variable.
        binds = tuple(re.findall(r"--(?:out|err|proc)[\s=]([A-Za-z_]\w*)", line))
        return MagicEffects(
            reads,
            binds,
            ambient_reads=PROCESS,
            literal=not reads,
            foreign=True,
            command=shell.command,
        )
    return MagicEffects(reads=reads, literal=not reads, foreign=True)


ALIASES = "cat cp ldir less ls lf lk ll lx man mkdir more mv rm rmdir"
"""Programs that go by the name of a magic."""
SETTINGS = """
alias alias_magic autoawait automagic code_wrap colors config doctest_mode pdb unalias unload_ext xmode
"""
"""Magics that change how the shell reads, runs or shows what comes after them."""
OTHERS = """
bookmark debug dhist dirs edit gui history killbgscripts load loadpy logoff logon logstart logstate logstop
lsmagic macro magic notebook page pastebin pdef pfile pprint profile psource pwd pycat quickref recall rehashx
rep rerun save sc sql subshell tb xdel
"""
OF_IPYTHON = frozenset(OTHERS.split())
"""Line magics of IPython that do nothing to variables but what `{name}` and `$name`
read."""
LINE_MAGICS: dict[str, Callable[[str], MagicEffects]] = {
    **{name: _language(name) for name in LANGUAGES},
    **{name: _program(name) for name in ALIASES.split()},
    **{name: partial(_shell, expanded=True) for name in ("sx", "system", "!")},
    **{name: _program(name) for name in ("pip", "conda", "mamba", "micromamba", "uv")},
    **{name: _sets("ipython.config") for name in SETTINGS.split()},
    "cd": _cd,
    "pushd": _cd,
    "popd": _cd,
    "env": _env,
    "set_env": _env,
    "matplotlib": _sets("ipython.matplotlib"),
    "pylab": _sets("ipython.matplotlib"),
    "precision": _sets("ipython.precision", "numpy.printoptions"),
    "load_ext": _sets("ipython.extensions"),
    "reload_ext": _sets("ipython.extensions"),
    "autoreload": _sets("ipython.extensions"),
    "run": _run,
    "store": _store,
    "Rpush": _gives("R"),
    "Rpull": _takes("R"),
    "octave_push": _gives("octave"),
    "octave_pull": _takes("octave"),
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
