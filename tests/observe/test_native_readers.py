"""Readers in native code, each by itself: tables say what they read, and only the
libraries know whether that is so."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from tests.observe.observing import observe, words

READING = {
    "import pyarrow.parquet as pq; pq.read_table('a.parquet')": "a.parquet",
    "import pyarrow.parquet as pq; pq.ParquetFile('a.parquet').read()": "a.parquet",
    "import pyarrow.csv as c; c.read_csv('in/a.csv')": "in/a.csv",
    "import pyarrow.dataset as ds; ds.dataset(['in/a.csv'], format='csv').to_table()": "in/a.csv",
    "import pyarrow.feather as f; f.read_table('a.feather')": "a.feather",
    "import pyarrow as pa; pa.memory_map('a.feather').read()": "a.feather",
    "import pyarrow as pa; pa.OSFile('a.feather').read()": "a.feather",
    "import pyarrow as pa; pa.input_stream('a.feather').read()": "a.feather",
    "import pandas as pd; pd.read_parquet('a.parquet')": "a.parquet",
    "import pandas as pd; pd.read_csv('in/a.csv', engine='pyarrow')": "in/a.csv",
    "import polars as pl; pl.read_csv('in/a.csv')": "in/a.csv",
    "import polars as pl; pl.scan_csv('in/*.csv').collect()": "in/a.csv in/b.csv",
    "import polars as pl; pl.read_parquet(['a.parquet'])": "a.parquet",
    "import polars as pl; pl.sql(\"select * from read_csv('in/a.csv')\").collect()": "in/a.csv",
    "import polars as pl; pl.SQLContext().execute(\"from read_csv('in/a.csv')\").collect()": "in/a.csv",
    "import duckdb; duckdb.sql(\"select * from 'in/*.csv'\").fetchall()": "in/a.csv in/b.csv",
    'import duckdb; duckdb.sql("""\nselect *\nfrom \'in/a.csv\'\n""").fetchall()': "in/a.csv",
    "import duckdb; duckdb.sql('from read_csv(?)', params=['in/a.csv']).fetchall()": "in/a.csv",
    "import duckdb; duckdb.connect().execute('from read_csv(?)', ['in/a.csv']).fetchall()": "in/a.csv",
    "import duckdb; duckdb.from_query(\"from 'in/a.csv'\").fetchall()": "in/a.csv",
    "import duckdb; duckdb.connect().cursor().sql(\"from 'in/a.csv'\").fetchall()": "in/a.csv",
    "import duckdb; duckdb.read_parquet('a.parquet').fetchall()": "a.parquet",
    "import duckdb; duckdb.connect().from_parquet('a.parquet').fetchall()": "a.parquet",
    "import duckdb; duckdb.connect('a.db', read_only=True).execute('from t').fetchall()": "a.db",
    "import duckdb; duckdb.sql(\"attach 'a.db' as z (read_only)\"); duckdb.sql('detach z')": "a.db",
    "import h5py; h5py.File('a.h5')['x'][:]": "a.h5",
    "import h5py; h5py.File('a.h5', mode='r')['x'][:]": "a.h5",
    "import h5py; h5py.is_hdf5('a.h5')": "a.h5",
    "import numpy as np; np.fromfile('a.feather', dtype='u1')": "a.feather",
    "import numpy as np; np.memmap('a.feather', dtype='u1', mode='r')": "a.feather",
}
WRITING = {
    "import polars as pl; pl.DataFrame({'x': [1]}).write_parquet('o')": "o",
    "import polars as pl; pl.LazyFrame({'x': [1]}).sink_csv('o')": "o",
    "import pyarrow as pa, pyarrow.parquet as pq; pq.write_table(pa.table({'x': [1]}), 'o')": "o",
    "import pyarrow as pa; pa.OSFile('o', 'wb').write(b'x')": "o",
    "import duckdb; duckdb.sql('select 1 as x').write_csv('o')": "o",
    "import duckdb; duckdb.sql('select 1 as x').to_parquet('o')": "o",
    "import duckdb; duckdb.sql(\"copy (select 1)\\nto 'o.csv'\")": "o.csv",
    "import duckdb; duckdb.connect('o').close()": "o",
    "import h5py; h5py.File('o', 'w').close()": "o",
    "import pandas as pd; pd.DataFrame({'x': [1]}).to_parquet('o')": "o",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one file of each format."""
    import duckdb
    import h5py
    from pyarrow import feather

    folder = tmp_path_factory.mktemp("native")
    frame = pd.DataFrame({"x": [1, 2]})
    (folder / "in").mkdir()
    for name in ("a", "b"):
        frame.to_csv(folder / "in" / f"{name}.csv", index=False)
    frame.to_parquet(folder / "a.parquet")
    feather.write_feather(frame, str(folder / "a.feather"))
    with h5py.File(folder / "a.h5", "w") as file:
        file["x"] = [1, 2]
    with duckdb.connect(str(folder / "a.db")) as database:
        database.execute("create table t as select 1 as x")
    return folder


@pytest.mark.parametrize(("code", "read"), READING.items())
def test_what_is_read_counts_by_its_content(code: str, read: str, files: Path) -> None:
    noted = words(observe(files, code))
    assert [one for one in noted if one.startswith("content ")] == [
        f"content {name}" for name in read.split()
    ]
    assert not [one for one in noted if one.startswith(("missing ", "wrote "))]


@pytest.mark.parametrize(("code", "written"), WRITING.items())
def test_what_is_written_is_a_result(code: str, written: str, tmp_path: Path) -> None:
    assert f"wrote {written}" in words(observe(tmp_path, code))
