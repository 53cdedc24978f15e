"""A Dockerfile for the images that other engines run stages in: `docker build -f
NAME.Dockerfile .` in the folder of the notebook. It has Python, the pinned
requirements, the package, and what lies beside the notebook."""

from __future__ import annotations

import json
import platform

from jupyter_pipe.export import Exporter
from jupyter_pipe.export.plan import Plan

__all__ = ["EXPORTER"]

# Requirements come before the rest: Docker keeps their layer while notebooks change.
# As JSON, COPY takes paths with spaces.
_TEXT = """\
# docker build -f FILE -t IMAGE . in the notebook's folder; then export with
# --image IMAGE --package /app/{shown}
FROM {image}

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
COPY [{package_requirements}, "/app/requirements.txt"]
RUN pip install --no-compile -r requirements.txt
COPY [".", "/app/"]
RUN useradd --create-home --uid 1000 stages && chown -R stages /app
USER 1000
"""


def _write(plan: Plan) -> str:
    # The requirements are pinned to what runs on the Python of this machine.
    major, minor, _ = platform.python_version_tuple()
    return _TEXT.format(
        shown=json.dumps(plan.options.package)[1:-1],
        image=plan.options.image or f"python:{major}.{minor}-slim",
        package_requirements=json.dumps(f"{plan.options.package}/requirements.txt"),
    )


EXPORTER = Exporter(
    engine="dockerfile",
    title="an image for the others",
    file="{name}.Dockerfile",
    write=_write,
    # An image has nothing to be told, so nothing counts as left out.
    carries=frozenset(
        {"image", "cpus", "memory", "gpus", "limits", "timeout", "schedule", "secrets"}
    ),
    paths="relative",
)
