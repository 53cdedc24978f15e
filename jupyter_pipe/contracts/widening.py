"""Widens a contract to what a run showed, where that broke it, and leaves the rest as
it is. Pure.

`judge(widen_contract(contract, profile), profile)` finds nothing any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from jupyter_pipe.artifacts.profile_record import Profile
from jupyter_pipe.contracts.distributions import reference_of
from jupyter_pipe.contracts.inference import infer_contract
from jupyter_pipe.contracts.judging import judge
from jupyter_pipe.contracts.model import Breach, ColumnRule, Contract

__all__ = ["widen_contract"]

# Each pass settles the first thing that is wrong with a column; a rule has fewer kinds
# than that.
_PASSES = 12
_DISTRIBUTION = ("drift", "unit")


def widen_contract(contract: Contract, profile: Profile) -> Contract:
    """The contract that admits the value as well. Raises nothing; what cannot be judged
    stays as it is."""
    compared: set[str] = set()
    for _ in range(_PASSES):
        breaches = judge(contract, profile).breaches
        if not breaches:
            break
        contract = _admitted(
            contract,
            profile,
            [each for each in breaches if each.rule not in _DISTRIBUTION],
        )
        moved = {each.column for each in breaches if each.rule in _DISTRIBUTION}
        rules = [
            _compared_anew(rule, profile, again=rule.name in compared)
            if rule.name in moved
            else rule
            for rule in contract.columns
        ]
        contract = replace(contract, columns=tuple(rules))
        compared |= moved
    return contract


def _compared_anew(rule: ColumnRule, profile: Profile, *, again: bool) -> ColumnRule:
    """From now on the column is compared with what was shown; not at all if its batches
    differ from that."""
    column = profile.column(rule.name)
    reference = None if again or column is None else reference_of(column)
    return replace(rule, reference=reference, drift=rule.drift if reference else None)


def _admitted(
    contract: Contract, profile: Profile, breaches: Sequence[Breach]
) -> Contract:
    """What runs showed is inferred from each batch that broke the contract."""
    names = dict.fromkeys(breach.batch for breach in breaches)
    parts = [profile.batches[name] for name in names if name in profile.batches] or [
        profile
    ]
    shown = infer_contract(contract.name, parts)
    kinds = {breach.rule for breach in breaches}
    return replace(
        contract,
        rows=_wider(contract.rows, shown.rows) if "rows" in kinds else contract.rows,
        key=() if "key" in kinds else contract.key,
        columns=(
            *_rules(contract, shown, breaches),
            *_new_rules(contract, shown, breaches),
        ),
    )


def _rules(
    contract: Contract, shown: Contract, breaches: Sequence[Breach]
) -> list[ColumnRule]:
    """The rules that are there, widened where their column broke them."""
    return [
        _rule(rule, shown, [each for each in breaches if each.column == rule.name])
        for rule in contract.columns
    ]


def _new_rules(
    contract: Contract, shown: Contract, breaches: Sequence[Breach]
) -> list[ColumnRule]:
    """Columns that were not to be there, and are."""
    new = {breach.column for breach in breaches if breach.rule == "extra"}
    return [replace(rule, optional=True) for rule in shown.columns if rule.name in new]


def _wider(
    old: tuple[int | None, int | None], new: tuple[int | None, int | None]
) -> tuple[int | None, int | None]:
    low = None if None in (old[0], new[0]) else min(old[0] or 0, new[0] or 0)
    high = None if None in (old[1], new[1]) else max(old[1] or 0, new[1] or 0)
    return low, high


def _rule(rule: ColumnRule, shown: Contract, breaches: Sequence[Breach]) -> ColumnRule:
    """The rule, widened for each kind of breach of its column."""
    seen = shown.column(rule.name)
    for kind in dict.fromkeys(breach.rule for breach in breaches):
        if kind == "missing" or seen is None:
            rule = replace(rule, optional=True)
        else:
            rule = _widened(rule, seen, kind)
    return rule


def _widened(rule: ColumnRule, seen: ColumnRule, kind: str) -> ColumnRule:
    """The rule with just that demand loosened that was broken; if the type differs, all
    demands come from what the run showed."""
    match kind:
        case "nulls":
            return replace(rule, nulls=max(rule.nulls or 0.0, seen.nulls or 0.0))
        case "type":
            return replace(seen, optional=rule.optional)
        case "range":
            ends = _ends(rule, seen)
            return replace(
                rule, low=ends[0], high=ends[1], outside=max(rule.outside, seen.outside)
            )
        case "categories":
            return _with_categories(rule, seen)
        case "shapes":
            shapes = tuple(dict.fromkeys((*rule.shapes, *seen.shapes)))
            return replace(
                rule,
                shapes=shapes if seen.shapes else (),
                outside=max(rule.outside, seen.outside),
            )
        case _:
            # Garbled texts: nothing can be asked of them.
            return replace(rule, categories=(), shapes=(), reference=None, drift=None)


def _ends(rule: ColumnRule, seen: ColumnRule) -> tuple[float | None, float | None]:
    """None is no limit, and stays none."""
    low = None if rule.low is None or seen.low is None else min(rule.low, seen.low)
    high = None if rule.high is None or seen.high is None else max(rule.high, seen.high)
    return low, high


def _with_categories(rule: ColumnRule, seen: ColumnRule) -> ColumnRule:
    """A column whose values are no longer few has none to list."""
    if not seen.categories:
        return replace(rule, categories=(), unseen=0.0)
    both = tuple(dict.fromkeys((*rule.categories, *seen.categories)))
    return replace(rule, categories=both, unseen=max(rule.unseen, seen.unseen))
