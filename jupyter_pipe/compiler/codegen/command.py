"""Writes `__main__.py`: `python -m STEM --n-estimators 50`, a command line made of the
parameters.

Pure: text out.
"""

from __future__ import annotations

from jupyter_pipe.compiler.codegen.package_entry import one_line
from jupyter_pipe.compiler.codegen.source import indented, quoted, wrap_call
from jupyter_pipe.model import Parameter, Pipeline

__all__ = ["main_module"]

_DIRECT = frozenset({"int", "float", "str"})


def main_module(pipeline: Pipeline, package: str) -> str:
    """The module that `python -m` runs."""
    kinds = {_converter(parameter) for parameter in pipeline.parameters}
    parts = [
        _head(package, kinds, pipeline.source.notebook),
        _parser(pipeline, package),
        _main(pipeline),
    ]
    # Only the converters that an option uses, in a fixed order: the same notebook gives
    # the same bytes.
    parts += [
        _CONVERTERS[name]
        for name in sorted(_CONVERTERS)
        if any(name in kind for kind in kinds)
    ]
    return "\n\n\n".join([*parts, _END]) + "\n"


def _head(package: str, kinds: set[str], notebook: str) -> str:
    # `ast` is imported only if a converter needs it: the file is read by people.
    modules = (
        ["argparse", "ast", "os", "sys"]
        if any("_literal" in kind for kind in kinds)
        else []
    )
    lines = "\n".join(
        f"import {module}" for module in modules or ["argparse", "os", "sys"]
    )
    return (
        f'"""`python -m {package}` runs the pipeline in the folder of its notebook."""\n\n'
        f"from __future__ import annotations\n\n{lines}\n"
        "from collections.abc import Sequence\nfrom pathlib import Path\n\n"
        "from . import run\nfrom ._notebook import GateError\n\n"
        f"NOTEBOOK = Path({quoted(notebook)})"
    )


def _parser(pipeline: Pipeline, package: str) -> str:
    description = one_line(pipeline.description or f"Run the pipeline {pipeline.name}.")
    arguments = [f'prog="python -m {package}"', f"description={_text(description)}"]
    if any(parameter.name == "help" for parameter in pipeline.parameters):
        # The parameter takes `--help`; `-h` still shows the help.
        arguments.append('conflict_handler="resolve"')
    lines = [wrap_call("parser = argparse.ArgumentParser(", arguments, width=84)]
    lines += map(_option, pipeline.parameters)
    body = indented("\n".join([*lines, "return parser"]), "    ")
    return f"def make_parser() -> argparse.ArgumentParser:\n{body}"


def _option(parameter: Parameter) -> str:
    flag = "--" + parameter.name.replace("_", "-")
    arguments = [f'"{flag}"']
    if parameter.type_ == "bool":
        # `--verbose` and `--no-verbose`; `type=bool` would take "False" for true.
        arguments.append("action=argparse.BooleanOptionalAction")
    else:
        arguments.append(f"type={_converter(parameter)}")
    arguments.append(f"default={parameter.literal}")
    if parameter.choices:
        arguments.append(f"choices={list(parameter.choices)!r}")
    described = f"{parameter.description} " if parameter.description else ""
    arguments.append(f"help={_text(f'{described}(default: {parameter.literal})')}")
    return wrap_call("parser.add_argument(", arguments, width=84)


def _converter(parameter: Parameter) -> str:
    base, _, optional = (part.strip() for part in parameter.type_.partition("|"))
    # `int | none`: the option takes `none` besides numbers.
    if base in _DIRECT:
        return f"_or_none({base})" if optional else base
    return "_literal_or_text" if base == "any" else "_literal"


def _main(pipeline: Pipeline) -> str:
    """The function `main`, which says what plain Python leaves out."""
    watched = [
        each.partition("=")[0]
        for stage in pipeline.stages
        for each in stage.options.contracts
    ]
    if not watched:
        return _MAIN
    names = ", ".join(dict.fromkeys(watched))
    note = f"Not judged here: the contract of {names}. `jupyter pipe run` judges it."
    said = wrap_call("    print(", [quoted(note), "file=sys.stderr"], width=84)
    # Before the folder is entered, once: the notice is about this run, not about a
    # stage.
    return _MAIN.replace("    _enter_folder()\n", f"{said}\n    _enter_folder()\n", 1)


def _text(text: str) -> str:
    """A Python string that argparse prints as `text`."""
    # argparse reads `%` in help texts as a format.
    return quoted(" ".join(text.split("\n")).replace("%", "%%"))


_MAIN = '''def main(argv: Sequence[str] | None = None) -> int:
    """Run the pipeline and print its metrics. A gate that fails is exit code 3."""
    arguments = vars(make_parser().parse_args(argv))
    _enter_folder()
    try:
        results = run(**arguments)
    except GateError as error:
        print(error, file=sys.stderr)
        return 3
    for name, value in results.metrics.items():
        print(f"{name} = {value}")
    return 0


def _enter_folder() -> None:
    """Relative paths and modules beside the notebook are found from its folder."""
    here = Path(__file__).resolve().parent.parent
    folder = (here / NOTEBOOK).parent if (here / NOTEBOOK).exists() else here.parent
    os.chdir(folder)
    sys.path.insert(0, str(folder.resolve()))'''

_CONVERTERS = {
    "_literal": """def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        raise argparse.ArgumentTypeError(f"{text!r} is no Python literal") from None""",
    "_literal_or_text": """def _literal_or_text(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text""",
    "_or_none": """def _or_none(convert: type) -> object:
    return lambda text: None if text.lower() == "none" else convert(text)""",
}

_END = """if __name__ == "__main__":
    sys.exit(main())"""
