"""`jupyter pipe completion SHELL`: what makes a shell complete our commands and
options.

The scripts are written from the parsers, so they know what the commands know. Every
shell completes both `jupyter-pipe …` and `jupyter pipe …`; where a value is to be
typed, it completes files.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator, Mapping

from jupyter_pipe.cli.options import Subparsers, add_command
from jupyter_pipe.cli.output.terminal import Terminal

__all__ = ["add_parser", "completion_script", "run"]

EXAMPLES = """
jupyter pipe completion bash >> ~/.bashrc
jupyter pipe completion zsh >> ~/.zshrc
jupyter pipe completion fish > ~/.config/fish/completions/jupyter-pipe.fish"""

# Bash hands the words of the line to the function; `jupyter pipe run` has one more
# before the command. Without `pipe`, `jupyter` completes files, as it does when nobody
# completes for it.
_BASH = """\
_jupyter_pipe() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} at=1 words=""
  if [[ ${{COMP_WORDS[0]##*/}} == jupyter ]]; then
    [[ ${{COMP_WORDS[1]}} == pipe ]] || return 0
    at=2
  fi
  if (( COMP_CWORD == at )); then
    COMPREPLY=( $(compgen -W "{commands}" -- "$current") )
    return 0
  fi
  case ${{COMP_WORDS[at]}} in
{cases}
  esac
  if [[ -n $words && ( $current == -* || $words != -* ) ]]; then
    COMPREPLY=( $(compgen -W "$words" -- "$current") )
  fi
}}
complete -o default -F _jupyter_pipe jupyter-pipe jupyter
"""
_ZSH = "autoload -Uz bashcompinit && bashcompinit\n"


def add_parser(subparsers: Subparsers) -> None:
    """Register the command."""
    parser = add_command(subparsers, "completion", run, examples=EXAMPLES)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    from jupyter_pipe.cli.main import command_parsers

    Terminal.of(args).result(
        completion_script(args.shell, command_parsers()).rstrip("\n")
    )
    return 0


def completion_script(
    shell: str, parsers: Mapping[str, argparse.ArgumentParser]
) -> str:
    """The script for `bash`, `zsh` or `fish`; `parsers` has that of each command."""
    if shell == "fish":
        return "\n".join(_fish_lines(parsers)) + "\n"
    cases = "\n".join(
        f'    {name}) words="{_words(parser)}" ;;' for name, parser in parsers.items()
    )
    script = _BASH.format(commands=" ".join(parsers), cases=cases)
    # zsh understands what is written for bash, once it is told to.
    return _ZSH + script if shell == "zsh" else script


def _words(parser: argparse.ArgumentParser) -> str:
    """What may follow a command: the choices of its argument (`bash zsh fish`), then
    its options."""
    choices = [
        str(choice)
        for action in parser._actions
        for choice in _argument_choices(action)
    ]
    return " ".join([*choices, *_options(parser)])


def _argument_choices(action: argparse.Action) -> list[str]:
    return [] if action.option_strings else _choices(action)


def _choices(action: argparse.Action) -> list[str]:
    """Of an engine, the names that we write for: its parser does not load them, which
    every run of it would pay."""
    if action.metavar == "ENGINE":
        from jupyter_pipe.export import BUILT_IN

        return list(BUILT_IN)
    return [str(choice) for choice in action.choices or ()]


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]


def _fish_lines(parsers: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    """One `complete` line for each command, then one for each option."""
    for name, parser in parsers.items():
        # fish shows it beside the name, without room for a full stop.
        about = shlex.quote((parser.description or name).rstrip("."))
        for program, before in _FISH_PROGRAMS:
            seen = f"not __fish_seen_subcommand_from {' '.join(parsers)}"
            yield f"complete -c {program} -n '{before}{seen}' -a {name} -d {about}"
        for action in parser._actions:
            yield from _fish_option(name, action)


_FISH_PROGRAMS = (
    ("jupyter-pipe", ""),
    ("jupyter", "__fish_seen_subcommand_from pipe; and "),
)


def _fish_option(command: str, action: argparse.Action) -> Iterator[str]:
    """`complete -c jupyter-pipe -n … -l follow -s f -d 'go on until the run ends'`, for
    both programs."""
    options = "".join(
        f" -l {option[2:]}" if option.startswith("--") else f" -s {option[1:]}"
        for option in action.option_strings
    )
    about = (
        f" -d {shlex.quote((action.help or '').split(';')[0])}" if action.help else ""
    )
    choices = _choices(action)
    values = f" -a {shlex.quote(' '.join(choices))}" if choices else ""
    if not options and not values:
        return
    for program, before in _FISH_PROGRAMS:
        when = f"{before}__fish_seen_subcommand_from {command}"
        yield f"complete -c {program} -n '{when}'{options}{values}{about}"
