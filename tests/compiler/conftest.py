from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.compiler import oracle


@pytest.fixture(scope="package", autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    oracle.close()
