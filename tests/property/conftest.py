from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cases.pipelines import Forks


@pytest.fixture(scope="package")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    forks = Forks(tmp_path_factory.mktemp("forks"))
    yield forks
    forks.close()
