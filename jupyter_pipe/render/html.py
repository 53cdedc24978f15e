"""What a notebook shows for a `Pipeline`: the picture and a table of its parameters.

Fragments with their own style; everything of the user's is escaped.
"""

from __future__ import annotations

from jupyter_pipe.model import Pipeline
from jupyter_pipe.render.markup import escape
from jupyter_pipe.render.svg import to_svg
from jupyter_pipe.render.words import count

__all__ = ["pipeline_html"]


def pipeline_html(pipeline: Pipeline) -> str:
    """The picture of the DAG, the name, and the parameters with their defaults."""
    facts = [
        count(len(pipeline.stages), "stage"),
        count(len(pipeline.parameters), "parameter"),
    ]
    heading = f"<b>{escape(pipeline.name)}</b> {', '.join(facts)}"
    description = (
        f'<div class="jpipe-quiet">{escape(pipeline.description)}</div>'
        if pipeline.description
        else ""
    )
    return f'<div class="jpipe"><div>{heading}</div>{description}{to_svg(pipeline)}{_parameters(pipeline)}</div>'


def _parameters(pipeline: Pipeline) -> str:
    if not pipeline.parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(each.name)}</code></td><td>{escape(each.type_)}</td>"
        f"<td><code>{escape(each.literal)}</code></td><td>{escape(each.description)}</td></tr>"
        for each in pipeline.parameters
    )
    head = "<tr><th>Parameter</th><th>Type</th><th>Default</th><th></th></tr>"
    return f'<table class="jpipe-table">{head}{rows}</table>'
