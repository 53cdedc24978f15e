"""The proof that needs a process of its own: nothing that the scorer uses was left
behind by the notebook.

python -m jupyter_pipe.scoring.proving.fresh FOLDER      scores the golden rows of a bundle, prints JSON
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from jupyter_pipe.scoring.building import Built
from jupyter_pipe.scoring.bundle import Manifest, load_bundle, write_bundle
from jupyter_pipe.scoring.proving.comparison import agree
from jupyter_pipe.scoring.proving.proofs import Proof
from jupyter_pipe.scoring.scorer import plain_predictions

__all__ = ["FRESH", "prove_fresh"]

FRESH = "a fresh process gives the same"
# Most of it is for imports, on a machine that may be busy.
_SECONDS = 600


def prove_fresh(
    built: Built, manifest: Manifest, meanwhile: Callable[[], object] = lambda: None
) -> Proof:
    """Write the bundle to a folder that is thrown away, and score its golden rows in
    another process.

    `meanwhile` is called while that process works, most of whose time goes into
    imports. What it raises is raised.
    """
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-scorer-") as scratch:
        folder = Path(scratch) / "bundle"
        write_bundle(folder, built, manifest)
        code, said, complained = _scored(folder, meanwhile)
    if code != 0:
        lines = complained.strip().splitlines() or ["it ended without a word"]
        return Proof(FRESH, False, lines[-1])
    # A library may print when it is imported.
    found = json.loads(said.splitlines()[-1])
    same = agree(found, list(manifest.predictions), manifest.exact)
    return Proof(
        FRESH, same, "" if same else "the golden rows get other predictions there"
    )


def _scored(folder: Path, meanwhile: Callable[[], object]) -> tuple[int, str, str]:
    """The exit code of the process, what it printed, and what it complained of."""
    command = [sys.executable, "-m", "jupyter_pipe.scoring.proving.fresh", str(folder)]
    with subprocess.Popen(
        command,
        cwd=folder.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            meanwhile()
            said, complained = process.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return 1, "", f"it did not answer within {_SECONDS} s"
        except BaseException:
            process.kill()
            raise
    return process.returncode, said, complained


def main(folder: str) -> None:
    """Print the predictions of the golden rows."""
    bundle = load_bundle(Path(folder))
    found = bundle.scorer.score_records(bundle.manifest.golden)
    sys.stdout.write(json.dumps(plain_predictions(found)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
