"""The protocol is written twice, since the kernel side has no msgspec: both sides mean
the same fields."""

from __future__ import annotations

import dataclasses

import msgspec

from jupyter_pipe.artifacts import protocol
from jupyter_pipe.kernel import context


def test_the_kernel_reads_fields_that_the_runner_writes() -> None:
    written = {
        field.encode_name for field in msgspec.structs.fields(protocol.StageContext)
    }
    read = {field.name for field in dataclasses.fields(context.Context)}
    assert read - written == set()


def test_what_the_runner_writes_is_read_as_it_was_meant() -> None:
    ref = protocol.ArtifactRef("a" * 64, "b" * 64, 3)
    sent = protocol.StageContext(
        run_id="r",
        stage="train",
        attempt=1,
        store="/store",
        result="/result.json",
        workdir="/work",
        inputs=(protocol.InputPayload(ref, ("x", "y"), "load"),),
        ambient=(protocol.AmbientValue("random", ref, "load"),),
        protect=("x",),
        metrics=("mae",),
        trust=True,
    )
    found = context.parse_context(msgspec.json.decode(msgspec.json.encode(sent)))
    assert (found.stage, found.store, found.protect, found.metrics) == (
        "train",
        "/store",
        ("x",),
        ("mae",),
    )
    assert found.inputs == (
        context.Input(context.Ref("a" * 64, "b" * 64, 3), ("x", "y"), "load"),
    )
    assert found.ambient == (
        context.AmbientInput(context.Ref("a" * 64, "b" * 64, 3), "random", "load"),
    )
    assert found.trust is True
