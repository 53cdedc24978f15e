"""The proof that needs a process of its own: nothing that the scorer uses was left behind by the notebook.

python -m jupyter_pipe.scoring.proving.fresh FOLDER      scores the golden rows of a bundle, prints JSON
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from jupyter_pipe.scoring.building import Built
from jupyter_pipe.scoring.bundle import Manifest, load_bundle, write_bundle
from jupyter_pipe.scoring.proving.comparison import agree
from jupyter_pipe.scoring.proving.proofs import Proof
from jupyter_pipe.scoring.scorer import plain_predictions

__all__ = ["FRESH", "prove_fresh"]

FRESH = "a fresh process gives the same"
_SECONDS = 600


def prove_fresh(built: Built, manifest: Manifest) -> Proof:
    """Write the bundle to a folder that is thrown away, and score its golden rows in another process."""
    with tempfile.TemporaryDirectory(prefix="jupyter-pipe-scorer-") as scratch:
        folder = Path(scratch) / "bundle"
        write_bundle(folder, built, manifest)
        command = [sys.executable, "-m", "jupyter_pipe.scoring.proving.fresh", str(folder)]
        done = subprocess.run(
            command, cwd=scratch, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it ended without a word"]
        return Proof(FRESH, False, lines[-1])
    found = json.loads(done.stdout.splitlines()[-1])
    same = agree(found, list(manifest.predictions), manifest.exact)
    return Proof(FRESH, same, "" if same else "the golden rows get other predictions there")


def main(folder: str) -> None:
    """Print the predictions of the golden rows."""
    bundle = load_bundle(Path(folder))
    found = bundle.scorer.score_records(bundle.manifest.golden)
    sys.stdout.write(json.dumps(plain_predictions(found)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
