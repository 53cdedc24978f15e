"""From a program to a proved scorer, in this process. Writes nothing.

Raises ScoringRefusedError where there is no scorer; proofs that fail are in the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cloudpickle

from jupyter_pipe.scoring.columns import describe_rows
from jupyter_pipe.scoring.program import ScoringProgram
from jupyter_pipe.scoring.proving.comparison import is_exact
from jupyter_pipe.scoring.proving.proofs import (
    Proof,
    ProofSubject,
    optional_columns,
    prove,
)
from jupyter_pipe.scoring.recording import Recording, record
from jupyter_pipe.scoring.scorer import Scorer

__all__ = ["Built", "build_scorer", "prove_recording"]


@dataclass
class Built:
    """A scorer with its proofs. `values` are its captured values, pickled: what a
    bundle holds."""

    scorer: Scorer
    recording: Recording
    proofs: tuple[Proof, ...]
    values: bytes
    subject: ProofSubject

    @property
    def passed(self) -> bool:
        """Whether all proofs hold."""
        return all(proof.passed for proof in self.proofs)


def build_scorer(
    program: ScoringProgram,
    truth: Any,
    captured: Mapping[tuple[str, int], Callable[[], Any]] | None = None,
) -> Built:
    """Record, generate and prove. `truth` are the notebook's own predictions."""
    return prove_recording(record(program, captured), truth, program.keys)


def prove_recording(
    recording: Recording, truth: Any, keys: tuple[str, ...] = ()
) -> Built:
    """Generate the scorer of a recording and prove it. It is loaded from bytes, as
    every user of it will."""
    constants = {
        name: constant.value for name, constant in recording.module.constants.items()
    }
    # Pickle alone cannot carry lambdas, and functions that the notebook defines.
    values = cloudpickle.dumps(constants)
    form = describe_rows(recording.rows)
    scorer = Scorer(recording.module.source, cloudpickle.loads(values), form)
    subject = ProofSubject(
        scorer=scorer,
        rows=recording.rows,
        positions=recording.trace.positions,
        score=recording.score,
        truth=truth,
        absent=tuple(dict.fromkeys((*sorted(recording.trace.targets), *keys))),
        exact=is_exact(list(constants.values())),
        lines=tuple(recording.module.lines),
        chance=recording.chance,
    )
    proofs = prove(subject)
    # Asked only of a scorer that is right: each column costs another scoring.
    if all(proof.passed for proof in proofs):
        scorer.form = form.with_optional(optional_columns(subject, form))
    return Built(scorer, recording, proofs, values, subject)
