"""The files of a package, as texts. Pure.

A name of a user stands in them only as a value that is quoted for its place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml
from msgspec import Struct

from jupyter_pipe import __version__
from jupyter_pipe.scoring.bundle import Manifest

__all__ = ["PORT", "TARGETS", "Package", "package_files"]

PORT = 8080


class Package(Struct, frozen=True):
    """What is packaged: the manifest of the bundle, the version it is known by, and the
    image's name."""

    manifest: Manifest
    version: str
    image: str


def package_files(target: str, package: Package) -> dict[str, str]:
    """Relative path -> text, for `docker`, `kserve` or `bentoml`."""
    files = {
        "requirements.txt": _requirements(package, *_EXTRA[target]),
        "README.md": _readme(target, package),
    }
    return {**files, **TARGETS[target](package)}


def _requirements(package: Package, *more: str) -> str:
    lines = [
        f"jupyter_pipe[serve]=={__version__}",
        *more,
        *package.manifest.requirements,
    ]
    return "\n".join(dict.fromkeys(lines)) + "\n"


# What a target needs beyond the service and the notebook's own libraries.
_EXTRA = {"docker": (), "kserve": (), "bentoml": ("bentoml>=1.4",)}

_DOCKERFILE = """\
# docker build -t IMAGE . && docker run -p {port}:{port} -e JUPYTER_PIPE_SERVE_TOKEN=… IMAGE
FROM python:{python}-slim

ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PORT={port}
WORKDIR /app
# A wheel of jupyter_pipe beside this file is taken before one of a package index.
COPY *.whl requirements.txt ./
RUN pip install --no-compile --find-links . -r requirements.txt
COPY entrypoint.sh ./
COPY bundle ./bundle
RUN useradd --create-home --uid 1000 serving && mkdir state && chown serving state
USER 1000
EXPOSE {port}
HEALTHCHECK --start-period=60s CMD ["python", "-c", "{probe}"]
ENTRYPOINT ["sh", "/app/entrypoint.sh"]
"""
_PROBE = "import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/ready')"
_ENTRYPOINT = """\
#!/bin/sh
# Serves the bundle beside this file. Further options are those of `jupyter pipe serve`.
#   PORT                      where to listen, {port}
#   JUPYTER_PIPE_SERVE_TOKEN  what clients must send as a bearer token; without it, whoever reaches the port
#                             is let in, so let a proxy ask
#   STATE                     a folder for the request log
set -eu
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${{JUPYTER_PIPE_SERVE_TOKEN:-}}" ]; then
  set -- --no-token "$@"
fi
# The bundle was checked when it was packaged: who runs the image trusts the image. Its digests are checked.
exec jupyter-pipe serve "$here/bundle" --trust --host "${{HOST:-0.0.0.0}}" --port "${{PORT:-{port}}}" \\
  --root "${{STATE:-$here/state}}" "$@"
"""


def _docker(package: Package) -> dict[str, str]:
    probe = _PROBE.format(port=PORT)
    return {
        "Dockerfile": _DOCKERFILE.format(
            port=PORT, python=package.manifest.python, probe=probe
        ),
        "entrypoint.sh": _ENTRYPOINT.format(port=PORT),
        ".dockerignore": "README.md\nDockerfile\nstate\n",
    }


def _kserve(package: Package) -> dict[str, str]:
    """The image, and a manifest that runs it as a predictor of KServe. Its protocol V1
    is answered, too."""
    probe = {"httpGet": {"path": "/ready", "port": PORT}}
    container = {
        "name": "kserve-container",
        "image": package.image,
        "ports": [{"containerPort": PORT, "protocol": "TCP"}],
        "readinessProbe": probe,
        "livenessProbe": {"httpGet": {"path": "/health", "port": PORT}},
        "env": [
            {
                "name": "JUPYTER_PIPE_SERVE_TOKEN",
                "valueFrom": {
                    "secretKeyRef": {
                        "name": "jupyter-pipe-serve",
                        "key": "token",
                        # Without the secret the service starts all the same, and asks
                        # nobody for a token.
                        "optional": True,
                    }
                },
            }
        ],
    }
    manifest = {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {
            "name": _kubernetes_name(package.manifest.name),
            "annotations": {"jupyter-pipe/version": package.version},
        },
        "spec": {"predictor": {"containers": [container]}},
    }
    text: str = yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
    return {**_docker(package), "inferenceservice.yaml": text}


def _kubernetes_name(name: str) -> str:
    """Lower case letters, digits and dashes, at most 40 of them."""
    found = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-")
    # Kubernetes wants a letter in front.
    return found if found[:1].isalpha() else f"model-{found}".strip("-")


_SERVICE = '''\
"""Serves the bundle beside this file with BentoML: `bentoml serve service:Model`."""

from pathlib import Path

import bentoml

from jupyter_pipe.scoring.bundle import load_bundle
from jupyter_pipe.scoring.scorer import plain_predictions


@bentoml.service(name={name}, traffic={{"timeout": 60}})
class Model:
    """One prediction a row; every answer says which version made it."""

    def __init__(self) -> None:
        # The bundle was checked when it was packaged: who runs this trusts it. Its digests are checked.
        self.bundle = load_bundle(Path(__file__).parent / "bundle", trust=True)

    @bentoml.api
    def score(self, rows: list[dict]) -> dict:
        """Raises RowsError, which names row and column, for rows that do not fit."""
        predictions = plain_predictions(self.bundle.scorer.score_records(rows))
        return {{"name": {name}, "version": {version}, "predictions": predictions}}
'''


def _bentoml(package: Package) -> dict[str, str]:
    name = _kubernetes_name(package.manifest.name)
    service = _SERVICE.format(
        name=json.dumps(name), version=json.dumps(package.version)
    )
    described: dict[str, Any] = {
        "service": "service:Model",
        "include": ["service.py", "bundle/"],
        "python": {"requirements_txt": "requirements.txt"},
    }
    return {
        "service.py": service,
        "bentofile.yaml": yaml.safe_dump(described, sort_keys=False),
    }


TARGETS: dict[str, Callable[[Package], dict[str, str]]] = {
    "docker": _docker,
    "kserve": _kserve,
    "bentoml": _bentoml,
}

_HOW = {
    "docker": "docker build -t {image} . && docker run -p {port}:{port} {image}",
    "kserve": "docker build -t {image} . && docker push {image} && kubectl apply -f inferenceservice.yaml",
    "bentoml": "pip install -r requirements.txt && bentoml serve service:Model --port {port}",
}


def _readme(target: str, package: Package) -> str:
    how = _HOW[target].format(image=package.image, port=PORT)
    return f"# {package.manifest.name}, version {package.version}\n\n    {how}\n"
