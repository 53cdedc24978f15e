"""Decisions about single stages and the forecast, on a two-stage package written by
hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from jupyter_pipe.artifacts.protocol import (
    AmbientValue,
    ArtifactRef,
    StageResult,
    StoredPayload,
)
from jupyter_pipe.cache.plan import (
    Computed,
    Forcing,
    Plan,
    StageCache,
    StageInputs,
    Surroundings,
    plan_run,
)
from jupyter_pipe.cache.store import Cache
from jupyter_pipe.model import (
    Edge,
    Effect,
    EffectKind,
    Pipeline,
    Source,
    Stage,
    StageInput,
    StageOptions,
)

REF = ArtifactRef("file-hash", "content", 10)
RESULT = StageResult(outputs=(StoredPayload(REF, ("x",)),))


def write_stage(package: Path, name: str, source: str) -> None:
    cell = {
        "id": f"{name}-1",
        "cell_type": "code",
        "source": source,
        "metadata": {"jupyter_pipe": {"role": "cell"}},
    }
    (package / "notebooks").mkdir(parents=True, exist_ok=True)
    (package / "notebooks" / f"{name}.ipynb").write_text(json.dumps({"cells": [cell]}))


def make_stage(name: str, **fields: object) -> Stage:
    return Stage(
        name, (f"{name}-1",), f"nb/{name}.py", f"notebooks/{name}.ipynb", **fields
    )  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_stage(tmp_path, "make", "x = n")
    write_stage(tmp_path, "use", "print(x)")
    executed = tmp_path / "executed.ipynb"
    executed.write_text("{}")
    return tmp_path


def make_pipeline(**make_fields: object) -> Pipeline:
    return Pipeline(
        version=1,
        name="nb",
        kernel="python3",
        source=Source("nb.ipynb", "d"),
        stages=(
            make_stage("make", parameters=("n",), outputs=("x",), **make_fields),
            make_stage("use", inputs=(StageInput("x", "make"),)),
        ),
        edges=(Edge("make", "use", ("x",)),),
    )


def make_cache(
    folder: Path, *, n: str = "10", stored: bool = True, forcing: Forcing | None = None
) -> StageCache:
    return StageCache(
        Cache(folder / "cache"),
        "nb",
        package=folder,
        surroundings=lambda _: Surroundings(
            folder, {"make-1": 3, "use-1": 4}, {"kernel": "python3"}
        ),
        literals={"n": n},
        versions=lambda _: {"pandas": "3.1.0"},
        has_artifact=lambda _: stored,
        forcing=forcing or Forcing(),
    )


def record(
    cache: StageCache,
    name: str,
    folder: Path,
    result: StageResult = RESULT,
    pipeline: Pipeline | None = None,
    **inputs: dict[str, str],
) -> None:
    given = StageInputs(**inputs)
    stage = (pipeline or make_pipeline()).stage(name)
    decision = cache.decide(stage, given)
    cache.record(
        stage,
        decision,
        given,
        Computed(result, "r1", 6.0, folder / "executed.ipynb"),
        created=1.0,
    )


def forecast(folder: Path, selected: tuple[str, ...]) -> Plan:
    def inputs_of(stage: Stage, results: Mapping[str, StageResult]) -> StageInputs:
        return StageInputs(values={"x": REF.digest} if stage.inputs else {})

    return plan_run(make_cache(folder), make_pipeline(), selected, inputs_of)


def test_a_stage_that_never_ran_runs(folder: Path) -> None:
    assert (
        make_cache(folder).decide(make_pipeline().stage("make"), StageInputs()).reason
        == "never ran"
    )


def test_an_unchanged_stage_is_reused_with_its_notebook(folder: Path) -> None:
    record(make_cache(folder), "make", folder)
    (folder / "executed.ipynb").unlink()
    entry = (
        make_cache(folder).decide(make_pipeline().stage("make"), StageInputs()).entry
    )
    assert entry is not None
    assert entry.result == RESULT
    assert Cache(folder / "cache").executed_path(entry).read_text() == "{}"


def test_reasons(folder: Path) -> None:
    record(make_cache(folder), "make", folder)
    assert (
        make_cache(folder, n="20")
        .decide(make_pipeline().stage("make"), StageInputs())
        .reason
        == "parameter n: 10 -> 20"
    )
    write_stage(folder, "make", "x = n + 1")
    assert (
        make_cache(folder).decide(make_pipeline().stage("make"), StageInputs()).reason
        == "code changed in cell 3"
    )
    write_stage(folder, "make", "x = n  # the same")
    assert (
        make_cache(folder).decide(make_pipeline().stage("make"), StageInputs()).reason
        == "unchanged"
    )


def test_a_lost_artifact_runs_the_stage_again(folder: Path) -> None:
    record(make_cache(folder), "make", folder)
    assert (
        make_cache(folder, stored=False)
        .decide(make_pipeline().stage("make"), StageInputs())
        .reason
        == "a stored value is missing or damaged"
    )


@pytest.mark.parametrize(
    ("forcing", "reason"),
    [
        (Forcing(everything=True), "forced"),
        (Forcing(stages=frozenset({"make"})), "forced"),
        (Forcing(ignore_cache=True), "cache not used"),
    ],
)
def test_forcing(folder: Path, forcing: Forcing, reason: str) -> None:
    record(make_cache(folder), "make", folder)
    assert (
        make_cache(folder, forcing=forcing)
        .decide(make_pipeline().stage("make"), StageInputs())
        .reason
        == reason
    )


def test_cache_off_is_reused_by_resume_only(folder: Path) -> None:
    pipeline = make_pipeline(options=StageOptions(cache_seconds=0))
    record(make_cache(folder), "make", folder, pipeline=pipeline)
    assert (
        make_cache(folder).decide(pipeline.stage("make"), StageInputs()).reason
        == "cache:off"
    )
    resumed = make_cache(folder, forcing=Forcing(reuse_uncached=frozenset({"make"})))
    assert resumed.decide(pipeline.stage("make"), StageInputs()).entry is not None


@pytest.mark.parametrize(
    ("seconds", "age", "reason"),
    [
        (3600.0, 7200, "older than 1h: made 2 hours ago"),
        (86400.0, 3 * 86400, "older than 1d: made 3 days ago"),
        (90.0, 120, "older than 90s: made 2 minutes ago"),
        (86400.0, 7200, "unchanged"),
        (None, 10**9, "unchanged"),
    ],
)
def test_a_result_may_not_be_older_than_its_tag_says(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    seconds: float | None,
    age: float,
    reason: str,
) -> None:
    pipeline = make_pipeline(options=StageOptions(cache_seconds=seconds))
    record(make_cache(folder), "make", folder, pipeline=pipeline)
    monkeypatch.setattr("jupyter_pipe.cache.plan.time.time", lambda: 1.0 + age)
    assert (
        make_cache(folder).decide(pipeline.stage("make"), StageInputs()).reason
        == reason
    )


@pytest.mark.parametrize(
    ("options", "edited", "reason"),
    [
        (StageOptions(reads=("prices.bin",)), "prices.bin", "prices.bin changed"),
        (StageOptions(reads=("maps/*.shp",)), "maps/new.shp", "maps/*.shp is new"),
        (StageOptions(reads=("gone.csv", "prices.bin")), "gone.csv", "gone.csv is new"),
        (StageOptions(writes=("prices.bin",)), "prices.bin", "prices.bin changed"),
        (StageOptions(reads=("prices.bin",)), "other.bin", "unchanged"),
    ],
)
def test_declared_files_count(
    folder: Path, options: StageOptions, edited: str, reason: str
) -> None:
    (folder / "prices.bin").write_text("1")
    pipeline = make_pipeline(options=options)
    record(make_cache(folder), "make", folder, pipeline=pipeline)
    assert (
        make_cache(folder).decide(pipeline.stage("make"), StageInputs()).reason
        == "unchanged"
    )
    (folder / edited).parent.mkdir(exist_ok=True)
    (folder / edited).write_text("new")
    assert (
        make_cache(folder).decide(pipeline.stage("make"), StageInputs()).reason
        == reason
    )


def test_a_written_file_must_still_be_there(folder: Path) -> None:
    pipeline = make_pipeline(effects=(Effect("file:out.csv", EffectKind.binds),))
    (folder / "out.csv").write_text("1")
    record(make_cache(folder), "make", folder, pipeline=pipeline)
    assert (
        make_cache(folder).decide(pipeline.stage("make"), StageInputs()).entry
        is not None
    )
    (folder / "out.csv").write_text("22")
    assert (
        make_cache(folder).decide(pipeline.stage("make"), StageInputs()).reason
        == "out.csv changed"
    )
    (folder / "out.csv").unlink()
    assert (
        make_cache(folder).decide(pipeline.stage("make"), StageInputs()).reason
        == "out.csv is missing"
    )


def test_an_unseeded_draw_always_runs_again(folder: Path) -> None:
    drawn = msgspec.structs.replace(RESULT, drawn=("numpy.random",))
    record(make_cache(folder), "make", folder, drawn)
    assert (
        make_cache(folder).decide(make_pipeline().stage("make"), StageInputs()).reason
        == "numpy.random, unseeded"
    )


def test_a_stage_that_seeds_its_own_draws_is_reused(folder: Path) -> None:
    state = AmbientValue("numpy.random", REF, "make")
    seeded = msgspec.structs.replace(RESULT, drawn=("numpy.random",), ambient=(state,))
    record(make_cache(folder), "make", folder, seeded)
    assert (
        make_cache(folder).decide(make_pipeline().stage("make"), StageInputs()).entry
        is not None
    )


def test_the_reason_compares_with_what_the_last_run_used(folder: Path) -> None:
    """n was 10, then 20, then 10 again, which was reused: that n was 20 explains
    nothing any more."""
    stage = make_pipeline().stage("make")
    record(make_cache(folder, n="10"), "make", folder)
    record(make_cache(folder, n="20"), "make", folder)
    cache = make_cache(folder, n="10")
    cache.reused(stage, cache.decide(stage, StageInputs()))
    write_stage(folder, "make", "x = n + 1")
    assert (
        make_cache(folder, n="10").decide(stage, StageInputs()).reason
        == "code changed in cell 3"
    )
    assert make_cache(folder, n="20").decide(stage, StageInputs()).reason == (
        "code changed in cell 3, parameter n: 10 -> 20"
    )


def test_generator_states_count_only_for_stages_that_draw(folder: Path) -> None:
    before, after = {"numpy.random": "s1"}, {"numpy.random": "s2"}
    record(make_cache(folder), "make", folder, generators=before)
    assert (
        make_cache(folder)
        .decide(make_pipeline().stage("make"), StageInputs(generators=after))
        .entry
        is not None
    )
    drawn = msgspec.structs.replace(RESULT, drawn=("numpy.random",))
    record(make_cache(folder), "use", folder, drawn, generators=before)
    assert (
        make_cache(folder)
        .decide(make_pipeline().stage("use"), StageInputs(generators=after))
        .entry
        is None
    )
    assert (
        make_cache(folder)
        .decide(make_pipeline().stage("use"), StageInputs(generators=before))
        .entry
        is not None
    )


def test_forecast_follows_known_inputs(folder: Path) -> None:
    selected = ("make", "use")
    fresh = forecast(folder, selected)
    assert [(s.action, s.reason) for s in fresh.stages] == [
        ("run", "never ran"),
        ("run", "after make: runs if what it receives changes"),
    ]
    record(make_cache(folder), "make", folder)
    record(make_cache(folder), "use", folder, StageResult(), values={"x": "content"})
    assert [s.action for s in forecast(folder, selected).stages] == ["reuse", "reuse"]
    assert [s.action for s in forecast(folder, ("use",)).stages] == ["skip", "run"]


def test_a_truncated_entry_counts_as_absent(folder: Path) -> None:
    record(make_cache(folder), "make", folder)
    for path in (folder / "cache" / "entries").rglob("*.json"):
        path.write_text("[{")
    assert (
        make_cache(folder).decide(make_pipeline().stage("make"), StageInputs()).entry
        is None
    )
