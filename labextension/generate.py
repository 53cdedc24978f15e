"""Writes what the front end shares with Python, from the Python definitions.

`src/api/types.ts` has the payloads, `src/stages/grammar.ts` the vocabulary of tags,
`src/runs/marks.ts` the words and shapes of states, `style/generated.css` the colours of
stages and states.
`python labextension/generate.py` writes; `--check` names what is not current and exits
with 1.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from jupyter_pipe import model
from jupyter_pipe.notebook import grammar
from jupyter_pipe.render.marks import MARKS, Mark
from jupyter_pipe.render.theme import STAGE_COLOURS
from jupyter_pipe.runs.model import Run
from jupyter_pipe.server import payloads
from jupyter_pipe.server.operations import payloads as pages
from jupyter_pipe.server.values import payloads as values

HERE = Path(__file__).parent
HEADER = """\
/**
 * {what}. Generated from the Python definitions by
 * `python labextension/generate.py`; a test holds that it is current.
 */
"""
SCALARS = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def main() -> int:
    """Write or check the files."""
    texts = {
        HERE / "src" / "api" / "types.ts": generate_types(),
        HERE / "src" / "stages" / "grammar.ts": generate_grammar(),
        HERE / "src" / "runs" / "marks.ts": generate_marks(),
        HERE / "style" / "generated.css": generate_colours(),
    }
    stale = [
        path
        for path, text in texts.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    if "--check" in sys.argv[1:]:
        for path in stale:
            sys.stderr.write(
                f"{path.relative_to(HERE)} is not current: python labextension/generate.py\n"
            )
        return 1 if stale else 0
    for path in stale:
        path.write_text(texts[path], encoding="utf-8")
    return 0


def generate_grammar() -> str:
    """The vocabulary of tags; what is wrong with a name is a word that the front end
    translates."""
    options = {
        option.name: {"pattern": option.pattern, "wanted": option.wanted}
        for option in grammar.OPTION_TAGS
    }
    return "\n".join(
        [
            HEADER.format(what="The vocabulary of our tags"),
            f"export type Role = {_union(dict.fromkeys(grammar.ROLE_TAGS.values()))};",
            f"export type NameProblem = {_union(grammar.NAME_PROBLEMS)};",
            f"export type OptionName = {_union(options)};\n",
            _constant("ROLES", "Readonly<Record<string, Role>>", grammar.ROLE_TAGS),
            _constant("METRICS_OF_PRINTS", "string", grammar.METRICS_OF_PRINTS),
            _constant("SYNONYMS", "Readonly<Record<string, string>>", grammar.SYNONYMS),
            _constant("PREFIXES", "readonly string[]", grammar.PREFIXES),
            _constant(
                "SCORING",
                "readonly string[]",
                (*grammar.SCORING_NAMES, *grammar.SCORING_COLUMNS),
            ),
            _constant("KEYWORDS", "readonly string[]", grammar.PYTHON_KEYWORDS),
            _constant("RESERVED_NAMES", "readonly string[]", grammar.RESERVED_NAMES),
            '/** What the whole value looks like, case ignored; `wanted` ends "it takes …". */',
            _constant(
                "OPTIONS",
                "Readonly<Record<OptionName, { pattern: string; wanted: string }>>",
                options,
            ),
        ]
    )


def generate_marks() -> str:
    """The marks of states. Shapes draw with `currentColor`; `--jpipe-paper` shows
    through filled ones."""
    shapes = {state: mark.shape for state, mark in MARKS.items()}
    words = {state: mark.word for state, mark in MARKS.items()}
    return "\n".join(
        [
            HEADER.format(what="The words and shapes of states"),
            f"export type Mark = {_union(MARKS)};\n",
            _constant("WORDS", "Readonly<Record<Mark, string>>", words),
            "/** In a box of 16 by 16. */",
            _constant("SHAPES", "Readonly<Record<Mark, string>>", shapes),
        ]
    )


# JupyterLab's own variables for the tones of marks.
TONES = {
    "quiet": "--jp-ui-font-color2",
    "busy": "--jp-brand-color1",
    "good": "--jp-success-color1",
    "warn": "--jp-warn-color0",
    "bad": "--jp-error-color1",
}


def generate_colours() -> str:
    """The style sheet of what is coloured by name: stages by number, states by tone."""
    stages = [
        f"  --jp-pipe-stage-{number}: {colour};"
        for number, colour in enumerate(STAGE_COLOURS, 1)
    ]
    numbered = [
        f"[data-pipe-colour='{number}'] {{\n  --jp-pipe-colour: var(--jp-pipe-stage-{number});\n}}\n"
        for number in range(1, len(STAGE_COLOURS) + 1)
    ]
    return "\n".join(
        [
            HEADER.format(what="Colours of stages and states").replace("/**", "/*"),
            ":root {",
            *stages,
            "}\n",
            *numbered,
            *(_state_rule(mark) for mark in MARKS.values()),
        ]
    )


def _state_rule(mark: Mark) -> str:
    return f".jp-pipe-state[data-state='{mark.state}'] {{\n  color: var({TONES[mark.tone]});\n}}\n"


def _constant(name: str, kind: str, value: Any) -> str:
    return f"export const {name}: {kind} = {json.dumps(value, indent=2, ensure_ascii=False)};\n"


def _union(words: Any) -> str:
    return " | ".join(f"'{word}'" for word in words)


def generate_types() -> str:
    """The TypeScript source: an interface for each record, a union for each
    enumeration."""
    shared = [
        getattr(room, name)
        for room in (payloads, pages, values)
        for name in room.__all__
    ]
    roots = [Run, model.Pipeline, *shared]
    _, components = msgspec.json.schema_components(roots, ref_template="{name}")
    return HEADER.format(what="What the server sends and takes") + "".join(
        _declaration(name, components[name]) for name in sorted(components)
    )


def _declaration(name: str, schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return f"\nexport type {name} = {' | '.join(map(_literal, schema['enum']))};\n"
    properties = schema.get("properties", {})
    # What the server sends is always whole, so only requests have fields that may be
    # missing.
    required = (
        schema.get("required", []) if name.endswith("Request") else list(properties)
    )
    lines = [
        f"  readonly {field}{'' if field in required else '?'}: {_type(value)};"
        for field, value in properties.items()
    ]
    return (
        f"\nexport interface {name} {{\n" + "\n".join(lines) + "\n}\n" if lines else ""
    )


def _literal(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(option) for option in schema["anyOf"]))
    if "enum" in schema:
        return " | ".join(map(_literal, schema["enum"]))
    kind = schema.get("type")
    if kind == "array" and "prefixItems" in schema:
        return f"readonly [{', '.join(map(_type, schema['prefixItems']))}]"
    if kind == "array":
        return f"readonly {_grouped(_type(schema.get('items') or {}))}[]"
    if kind == "object":
        return f"Readonly<Record<string, {_type(schema.get('additionalProperties') or {})}>>"
    return SCALARS.get(str(kind), "unknown")


def _grouped(text: str) -> str:
    return f"({text})" if " " in text else text


if __name__ == "__main__":
    sys.exit(main())
