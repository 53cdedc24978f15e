"""What is asked again of an engine, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_pipe.submit import SilentError
from jupyter_pipe.submit import web as web_module
from jupyter_pipe.submit.web import RefusedError, Web
from tests.submit.answering import Call, answering


@pytest.mark.parametrize(
    ("answers", "asked"),
    [
        ([200], 1),
        # Too busy for the moment, and nothing was done.
        ([503, 429, 200], 3),
        ([503] * 9, 5),
        # It may have been done, and what makes something must not do it twice.
        ([500, 200], 1),
        ([504, 200], 1),
        ([400, 200], 1),
    ],
)
def test_an_engine_that_is_too_busy_is_asked_again(
    answers: list[int], asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_module, "_PAUSES", (0.0, 0.0, 0.0, 0.0))
    bodies = []

    def answer(call: Call) -> tuple[int, Any]:
        bodies.append(call.body)
        return answers[len(bodies) - 1], {"id": len(bodies)}

    with answering(answer) as url:
        engine = Web("The engine", url)
        last = answers[asked - 1]
        if last == 200:
            assert engine.post("/runs", {"name": "one"}) == {"id": asked}
        else:
            kind = RefusedError if last == 400 else SilentError
            with pytest.raises(kind, match=str(last)):
                engine.post("/runs", {"name": "one"})
    assert bodies == [{"name": "one"}] * asked
