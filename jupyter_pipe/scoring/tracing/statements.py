"""Interprets statements of the notebook that touch rows; all others are left to
Python."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable
from typing import Any

from jupyter_pipe.scoring.model import ScoringRefusedError
from jupyter_pipe.scoring.tracing import frames, row_loops
from jupyter_pipe.scoring.tracing.expressions import Interpreter, method_name
from jupyter_pipe.scoring.tracing.functions import Returned
from jupyter_pipe.scoring.tracing.scopes import Scope
from jupyter_pipe.scoring.tracing.selections import INDEXERS
from jupyter_pipe.scoring.tracing.shapes import is_frame, is_instance

__all__ = ["Statements"]

# Statements that hold others.
_COMPOUND = (ast.If, ast.For, ast.While, ast.Try, ast.With)


class _Break(Exception):  # noqa: N818 - ways through a loop, not errors
    pass


class _Continue(Exception):  # noqa: N818
    pass


class Statements:
    """Runs statements through an interpreter of expressions."""

    def __init__(self, interpreter: Interpreter) -> None:
        self.interpreter = interpreter
        self.recorder = interpreter.recorder
        interpreter.execute = self.run

    def run(self, body: list[ast.stmt], scope: Scope) -> None:
        """Run statements in order. Raises ScoringRefusedError, and whatever the
        notebook's code raises."""
        for node in body:
            method: Callable[[Any, Scope], None] | None = getattr(
                self, method_name(node), None
            )
            if self._is_plain(node, scope):
                scope.execute(node)
            elif method is None:
                raise ScoringRefusedError(
                    [
                        self.recorder.refuse(
                            node, "A statement of this kind cannot be followed"
                        )
                    ]
                )
            else:
                method(node, scope)

    def _is_plain(self, node: ast.stmt, scope: Scope) -> bool:
        """Whether Python may execute the statement as it stands: definitions and
        imports always, others only if they touch no rows and the interpreter need not
        see where control goes."""
        if isinstance(node, (ast.Return, ast.Break, ast.Continue, ast.Global)):
            return False
        # In a function: a `return` inside must end the call and not the statement.
        if isinstance(node, _COMPOUND) and scope.local is not None:
            return False
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            target = scope.get(node.target.id, None)
            if self.interpreter.known.touches(target):
                return False
        if isinstance(
            node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
        ):
            return True
        return not self.interpreter.touches(node, scope)

    # One method for each kind of statement; named like the syntax.

    def _pass(self, node: ast.Pass, scope: Scope) -> None:
        pass

    def _expr(self, node: ast.Expr, scope: Scope) -> None:
        self.interpreter.value(node.value, scope)

    def _return(self, node: ast.Return, scope: Scope) -> None:
        raise Returned(
            None if node.value is None else self.interpreter.value(node.value, scope)
        )

    def _global(self, node: ast.Global, scope: Scope) -> None:
        scope.declared.update(node.names)

    def _assert(self, node: ast.Assert, scope: Scope) -> None:
        assert self.interpreter.value(node.test, scope)

    def _raise(self, node: ast.Raise, scope: Scope) -> None:
        scope.execute(node)

    def _break(self, node: ast.Break, scope: Scope) -> None:
        raise _Break

    def _continue(self, node: ast.Continue, scope: Scope) -> None:
        raise _Continue

    def _assign(self, node: ast.Assign, scope: Scope) -> None:
        value = self.interpreter.value(node.value, scope)
        for target in node.targets:
            self.assign(target, value, scope, node)

    def _ann_assign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self.assign(
                node.target, self.interpreter.value(node.value, scope), scope, node
            )

    def _aug_assign(self, node: ast.AugAssign, scope: Scope) -> None:
        """`x += y` as `x = x + y`; of arrays, which it changes in place, as that."""
        loaded = _loaded(node.target)
        before = self.interpreter.value(loaded, scope)
        added = self.interpreter.value(node.value, scope)
        ref = self.interpreter.known.of(before)
        if ref is not None and is_instance(before, "numpy", "ndarray"):
            result = self.interpreter.binary(node.op, before, added, node)
            # Else numpy could not have put the result into the array that is there.
            if result.dtype == before.dtype and result.shape == before.shape:
                self._change_array(before, result, node)
                return
            self.assign(node.target, result, scope, node)
            return
        self.assign(
            node.target,
            self.interpreter.binary(node.op, before, added, node),
            scope,
            node,
        )

    def _change_array(self, before: Any, result: Any, node: ast.stmt) -> None:
        ref = self.interpreter.known.of(before)
        assert ref is not None
        before[...] = result
        target = ast.Subscript(
            ast.Name(ref.var, ast.Load()), ast.Constant(...), ast.Store()
        )
        self.recorder.change(
            ref, ast.Assign([target], self.interpreter.node(result)), [result], node
        )

    def _delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            if isinstance(target, ast.Name):
                scope.delete(target.id)
            elif isinstance(target, ast.Subscript):
                base = self.interpreter.value(target.value, scope)
                key = self.interpreter.value(target.slice, scope)
                if is_frame(base) and self.interpreter.known.of(base) is not None:
                    frames.drop_in_place(self.interpreter, base, (key,), node)
                else:
                    del base[key]

    def _if(self, node: ast.If, scope: Scope) -> None:
        """The notebook's own decision stands, also for other rows."""
        taken = bool(self.interpreter.value(node.test, scope))
        self.run(node.body if taken else node.orelse, scope)

    def _while(self, node: ast.While, scope: Scope) -> None:
        self.recorder.turns.append(0)
        try:
            while self.interpreter.value(node.test, scope):
                self.recorder.turns[-1] += 1
                with contextlib.suppress(_Continue):
                    self.run(node.body, scope)
            self.run(node.orelse, scope)
        except _Break:
            pass
        finally:
            self.recorder.turns.pop()

    def _for(self, node: ast.For, scope: Scope) -> None:
        values = row_loops.groups(
            self.interpreter, self.interpreter.value(node.iter, scope), node
        )
        if row_loops.is_over_rows(self.interpreter, values):
            row_loops.row_loop(self.interpreter, node, values, scope)
            return
        self.recorder.turns.append(0)
        try:
            for value in row_loops.turns(values):
                self.recorder.turns[-1] += 1
                self.assign(node.target, value, scope, node)
                with contextlib.suppress(_Continue):
                    self.run(node.body, scope)
            self.run(node.orelse, scope)
        except _Break:
            pass
        finally:
            self.recorder.turns.pop()

    def _with(self, node: ast.With, scope: Scope) -> None:
        with contextlib.ExitStack() as stack:
            for item in node.items:
                entered = stack.enter_context(
                    self.interpreter.value(item.context_expr, scope)
                )
                if item.optional_vars is not None:
                    self.assign(item.optional_vars, entered, scope, node)
            self.run(node.body, scope)

    def _try(self, node: ast.Try, scope: Scope) -> None:
        try:
            try:
                self.run(node.body, scope)
            # Ways through the code of the notebook, which its `except` must not catch.
            except (Returned, _Break, _Continue, ScoringRefusedError):
                raise
            except Exception as error:
                self._handle(node, error, scope)
            else:
                self.run(node.orelse, scope)
        finally:
            self.run(node.finalbody, scope)

    def _handle(self, node: ast.Try, error: Exception, scope: Scope) -> None:
        for handler in node.handlers:
            if handler.type is None or isinstance(error, scope.evaluate(handler.type)):
                if handler.name:
                    scope.bind(handler.name, error)
                self.run(handler.body, scope)
                return
        raise error

    # Targets

    def assign(
        self, target: ast.expr, value: Any, scope: Scope, where: ast.stmt
    ) -> None:
        """Bind a target, or change what it is a part of."""
        if isinstance(target, ast.Subscript):
            self._assign_item(target, value, scope, where)
        elif isinstance(target, ast.Attribute):
            self._assign_attribute(target, value, scope, where)
        elif isinstance(target, (ast.Tuple, ast.List)) and not all(
            _is_name(part) for part in target.elts
        ):
            for part, one in zip(target.elts, list(value), strict=True):
                self.assign(part, one, scope, where)
        else:
            row_loops.assign_names(self.interpreter, target, value, scope)

    def _assign_attribute(
        self, target: ast.Attribute, value: Any, scope: Scope, where: ast.stmt
    ) -> None:
        base = self.interpreter.value(target.value, scope)
        ref = self.interpreter.known.of(base)
        if ref is None:
            setattr(base, target.attr, value)
        elif is_frame(base) and target.attr in base.columns:
            frames.set_column(self.interpreter, base, target.attr, value, where)
        else:
            setattr(base, target.attr, value)
            made = ast.Attribute(
                ast.Name(ref.var, ast.Load()), target.attr, ast.Store()
            )
            self.recorder.change(
                ref, ast.Assign([made], self.interpreter.node(value)), [value], where
            )

    def _assign_item(
        self, target: ast.Subscript, value: Any, scope: Scope, where: ast.stmt
    ) -> None:
        """`container[key] = value`: written down if the container has to do with rows,
        as in `frame["x"] = …` or `frame.loc[mask, "x"] = …`; otherwise only done."""
        indexer = ""
        owner = target.value
        if isinstance(owner, ast.Attribute) and owner.attr in INDEXERS:
            indexer, owner = owner.attr, owner.value
        base = self.interpreter.value(owner, scope)
        key = self.interpreter.value(target.slice, scope)
        self._adopt(base, value, where)
        if self.interpreter.known.of(base) is None:
            container = getattr(base, indexer) if indexer else base
            container[key] = value
        elif not indexer and is_frame(base) and isinstance(key, str):
            frames.set_column(self.interpreter, base, key, value, where)
        else:
            self._change_item(base, indexer, key, value, where)

    def _adopt(self, base: Any, value: Any, where: ast.stmt) -> None:
        """An empty frame that is given a column of rows holds rows from then on."""
        ref = self.interpreter.known.of(value)
        if (
            is_frame(base)
            and self.interpreter.known.of(base) is None
            and ref is not None
            and len(base) == 0
        ):
            self.recorder.adopt(base, ref, where)

    def _change_item(
        self, base: Any, indexer: str, key: Any, value: Any, where: ast.stmt
    ) -> None:
        """`frame.loc[mask, "x"] = …`, `array[mask] = …`."""
        ref = self.interpreter.known.of(base)
        assert ref is not None
        rows = _masked_rows(ref.rows, indexer, key)
        container = getattr(base, indexer) if indexer else base
        container[key] = value
        owner: ast.expr = ast.Name(ref.var, ast.Load())
        if indexer:
            owner = ast.Attribute(owner, indexer, ast.Load())
        made = ast.Subscript(owner, self.interpreter.node(key), ast.Store())
        self.recorder.change(
            ref,
            ast.Assign([made], self.interpreter.node(value)),
            [key, value],
            where,
            rows=rows,
        )


def _masked_rows(rows: Any, indexer: str, key: Any) -> Any:
    """The positions of the rows that a mask picks, to compare with those of what they
    are given."""
    import numpy

    mask = key[0] if isinstance(key, tuple) and key else key
    found = numpy.asarray(mask) if hasattr(mask, "dtype") else None
    return (
        rows[found]
        if found is not None and found.dtype == bool and found.shape == rows.shape
        else None
    )


def _loaded(target: ast.expr) -> ast.expr:
    import copy

    made = copy.copy(target)
    # `x` in `x += 1` is read before it is bound.
    made.ctx = ast.Load()  # type: ignore[attr-defined]
    return made


def _is_name(node: ast.expr) -> bool:
    if isinstance(node, ast.Starred):
        return _is_name(node.value)
    if isinstance(node, (ast.Tuple, ast.List)):
        return all(_is_name(part) for part in node.elts)
    return isinstance(node, ast.Name)
