"""Prints a digest of what each generated notebook compiles to. A program: a process has
one hash seed."""

from __future__ import annotations

import hashlib
import random
import sys
from pathlib import Path

from jupyter_pipe.compiler import compile_notebook
from jupyter_pipe.errors import CompileError
from tests.property.grammar import idioms, write_notebook


def main(folder: Path, count: int) -> None:
    for seed in range(count):
        rng = random.Random(seed)
        sizes = [rng.randint(1, 4) for _ in range(rng.randint(3, 7))]
        path = write_notebook(rng.choice, idioms(), sizes).write(folder)
        try:
            files = compile_notebook(path).files
            data = b"".join(name.encode() + files[name] for name in sorted(files))
        except CompileError as error:
            data = str(error.diagnostics).encode()
        print(seed, hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
