"""A pipeline as mermaid and as dot, for documents and tools that draw themselves.

Stages are called `s0`, `s1`, …, so that no name of the user's can break the syntax;
labels are escaped for each language.
"""

from __future__ import annotations

from jupyter_pipe.model import Edge, Pipeline, Stage

__all__ = ["to_dot", "to_mermaid"]


def to_mermaid(pipeline: Pipeline) -> str:
    """A `flowchart`, as GitHub, GitLab and JupyterLab draw it."""
    keys = _keys(pipeline)
    lines = ["flowchart TD"]
    for place, notebook in enumerate(pipeline.notebooks):
        lines.append(f'    subgraph n{place}["{_mermaid(notebook.name)}"]')
        own = pipeline.beside(f"{notebook.name}.")
        lines += [
            f'        {keys[stage.name]}["{_mermaid(_own_name(stage))}"]'
            for stage in own
        ]
        lines.append("    end")
    if not pipeline.notebooks:
        lines += [
            f'    {keys[stage.name]}["{_mermaid(stage.name)}"]'
            for stage in pipeline.stages
        ]
    for edge in _known_edges(pipeline, keys):
        # Dotted: an edge without names only orders.
        arrow = f'-- "{_mermaid(", ".join(edge.names))}" -->' if edge.names else "-.->"
        lines.append(f"    {keys[edge.from_]} {arrow} {keys[edge.to]}")
    return "\n".join(lines) + "\n"


def to_dot(pipeline: Pipeline) -> str:
    """A `digraph` for Graphviz."""
    keys = _keys(pipeline)
    lines = [
        f"digraph {_dot(pipeline.name)} {{",
        "    node [shape=box, style=rounded, fontname=sans, fontsize=11];",
        "    edge [fontname=monospace, fontsize=9];",
    ]
    for place, notebook in enumerate(pipeline.notebooks):
        lines.append(
            f"    subgraph cluster_{place} {{ label={_dot(notebook.name)}; fontname=sans; fontsize=11;"
        )
        own = pipeline.beside(f"{notebook.name}.")
        lines += [
            f"        {keys[stage.name]} [label={_dot(_own_name(stage))}];"
            for stage in own
        ]
        lines.append("    }")
    if not pipeline.notebooks:
        lines += [
            f"    {keys[stage.name]} [label={_dot(stage.name)}];"
            for stage in pipeline.stages
        ]
    for edge in _known_edges(pipeline, keys):
        style = f"label={_dot(', '.join(edge.names))}" if edge.names else "style=dashed"
        lines.append(f"    {keys[edge.from_]} -> {keys[edge.to]} [{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _own_name(stage: Stage) -> str:
    """As its notebook calls it, around which a frame stands."""
    return stage.name.partition(".")[2]


def _keys(pipeline: Pipeline) -> dict[str, str]:
    return {stage.name: f"s{number}" for number, stage in enumerate(pipeline.stages)}


def _known_edges(pipeline: Pipeline, keys: dict[str, str]) -> list[Edge]:
    return [edge for edge in pipeline.edges if edge.from_ in keys and edge.to in keys]


def _mermaid(text: str) -> str:
    """Mermaid reads `#NUMBER;` as a character; all but plain text is written so."""
    return "".join(
        char if char.isalnum() or char in " _-.,:/@" else f"#{ord(char)};"
        for char in text
    )


def _dot(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
