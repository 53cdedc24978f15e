"""Readers in native code, of which no audit event tells: which argument is the path, as
data.

A table maps a module to what its functions do, in the words of `docs/knowledge.md`:
`"reads 0:source"` lists functions, classes and methods of that module whose first
argument, or the one called `source`, is the path of what they read. `writes`, `uses`
(reads or writes, or may do so later), `queries` (SQL that may name files in quotes),
`mentions` (values that may be paths) and `contacts` (the address of a database) are
said in the same way. A positional argument of a method
is counted without `self`. Distributions add tables by entry points of the group
`jupyter_pipe.readers`.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...plugins import find_plugins

__all__ = ["READERS", "Tables", "find_tables"]

Tables = Mapping[str, Mapping[str, str]]

READERS: dict[str, dict[str, str]] = {
    "pyarrow": {
        "reads 0:source": "input_stream",
        "reads 0:path": "memory_map",
        "uses 0:path": "OSFile",
        "writes 0:source": "output_stream",
    },
    "pyarrow.parquet": {
        "reads 0:source": "read_table read_pandas ParquetFile",
        "reads 0:where": "read_metadata read_schema",
        "reads 0:path_or_paths": "ParquetDataset",
        "writes 1:where": "write_table write_metadata",
        "writes 0:where": "ParquetWriter",
        "writes 1:root_path": "write_to_dataset",
    },
    "pyarrow.csv": {
        "reads 0:input_file": "read_csv open_csv",
        "writes 1:output_file": "write_csv",
    },
    "pyarrow.json": {"reads 0:input_file": "read_json open_json"},
    "pyarrow.feather": {
        "reads 0:source": "read_table read_feather",
        "writes 1:dest": "write_feather",
    },
    "pyarrow.orc": {
        "reads 0:source": "read_table ORCFile",
        "writes 1:where": "write_table",
    },
    "pyarrow.dataset": {
        "reads 0:source": "dataset parquet_dataset",
        "writes 1:base_dir": "write_dataset",
    },
    "polars": {
        "reads 0:source": "read_csv scan_csv read_parquet scan_parquet read_ipc scan_ipc read_ndjson "
        "scan_ndjson read_json read_avro read_excel read_ods read_parquet_schema read_parquet_metadata "
        "scan_delta read_delta read_csv_batched read_ipc_stream read_ipc_schema scan_lines read_lines",
        "queries 0:query": "sql SQLContext.execute",
        "contacts 1:connection": "read_database",
        "contacts 1:uri": "read_database_uri",
        "writes 0:file": "DataFrame.write_csv DataFrame.write_parquet DataFrame.write_ipc "
        "DataFrame.write_json DataFrame.write_ndjson DataFrame.write_avro DataFrame.write_ipc_stream",
        "writes 0:workbook": "DataFrame.write_excel",
        "writes 0:path": "LazyFrame.sink_parquet LazyFrame.sink_csv LazyFrame.sink_ipc LazyFrame.sink_ndjson",
    },
    "duckdb": {
        "uses 0:database": "connect",
        "reads 0:path_or_buffer": "read_csv from_csv_auto DuckDBPyConnection.read_csv "
        "DuckDBPyConnection.from_csv_auto",
        "reads 0:file_glob": "read_parquet from_parquet DuckDBPyConnection.read_parquet "
        "DuckDBPyConnection.from_parquet",
        "reads 0:name": "read_json DuckDBPyConnection.read_json",
        "queries 0:query": "sql query query_df from_query execute executemany DuckDBPyConnection.sql "
        "DuckDBPyConnection.query DuckDBPyConnection.from_query DuckDBPyConnection.execute "
        "DuckDBPyConnection.executemany",
        "queries 1:sql_query": "DuckDBPyRelation.query",
        "mentions 1:parameters": "execute executemany DuckDBPyConnection.execute "
        "DuckDBPyConnection.executemany",
        "mentions 2:params": "sql query from_query DuckDBPyConnection.sql DuckDBPyConnection.query "
        "DuckDBPyConnection.from_query",
        "writes 1:filename": "write_csv",
        "writes 0:file_name": "DuckDBPyRelation.write_csv DuckDBPyRelation.to_csv "
        "DuckDBPyRelation.write_parquet DuckDBPyRelation.to_parquet",
    },
    "h5py": {"uses 0:name": "File", "reads 0:name": "is_hdf5"},
    "tables": {"uses 0:filename": "open_file", "reads 0:filename": "is_hdf5_file"},
    "netCDF4": {"uses 0:filename": "Dataset", "reads 0:files": "MFDataset"},
    "xarray": {
        "reads 0:filename_or_obj": "open_dataset open_dataarray load_dataset load_dataarray open_datatree",
        "reads 0:paths": "open_mfdataset",
        "reads 0:store": "open_zarr",
        "writes 0:path": "Dataset.to_netcdf DataArray.to_netcdf",
        "writes 0:store": "Dataset.to_zarr DataArray.to_zarr",
    },
    "zarr": {
        "uses 0:store": "open open_group open_array load save save_array save_group"
    },
    "cv2": {
        "reads 0:filename": "imread imreadmulti VideoCapture FileStorage",
        "writes 0:filename": "imwrite imwritemulti VideoWriter",
    },
    "rasterio": {"uses 0:fp": "open"},
    "fiona": {"uses 0:fp": "open", "reads 0:fp": "listlayers"},
    "pyogrio": {
        "reads 0:path_or_buffer": "read_dataframe read_info read_bounds list_layers read_arrow open_arrow",
        "writes 1:path": "write_dataframe",
    },
    "osgeo.gdal": {"uses 0:name": "Open OpenEx"},
    "osgeo.ogr": {"uses 0:name": "Open"},
    "soundfile": {
        "reads 0:file": "read info blocks",
        "uses 0:file": "SoundFile",
        "writes 0:file": "write",
    },
    "torchaudio": {"reads 0:uri": "load info", "writes 0:uri": "save"},
    "torchvision.io": {
        "reads 0:path": "read_image read_file decode_image",
        "reads 0:filename": "read_video",
        "writes 0:filename": "write_file write_video",
    },
    "lxml.etree": {"reads 0:source": "parse iterparse", "reads 0:filename": "fromfile"},
    "xgboost": {
        "reads 0:data": "DMatrix",
        "reads 0:fname": "Booster.load_model XGBModel.load_model",
        "writes 0:fname": "Booster.save_model XGBModel.save_model",
    },
    "lightgbm": {
        "reads 1:model_file": "Booster",
        "reads 0:data": "Dataset",
        "writes 0:filename": "Booster.save_model",
    },
    "catboost": {
        "reads 0:data": "Pool",
        "reads 0:fname": "CatBoost.load_model",
        "writes 0:fname": "CatBoost.save_model",
    },
    "torch.jit": {"reads 0:f": "load", "writes 1:f": "save"},
    "onnxruntime": {"reads 0:path_or_bytes": "InferenceSession"},
    "onnx": {"reads 0:f": "load load_model"},
    "safetensors": {"reads 0:filename": "safe_open"},
    "safetensors.numpy": {
        "reads 0:filename": "load_file",
        "writes 1:filename": "save_file",
    },
    "safetensors.torch": {
        "reads 0:filename": "load_file",
        "writes 1:filename": "save_file",
    },
    "tensorflow": {"reads 0:filename": "io.read_file io.gfile.GFile"},
    "fasttext": {
        "reads 0:path": "load_model",
        "reads 0:input": "train_supervised train_unsupervised",
    },
    "pyreadstat": {
        "reads 0:filename_path": "read_sas7bdat read_sav read_dta read_por read_xport",
        "writes 1:dst_path": "write_sav write_dta write_xport write_por",
    },
    "pyreadr": {"reads 0:path": "read_r", "writes 0:path": "write_rdata write_rds"},
    "python_calamine": {
        "reads 0:path_or_filelike": "load_workbook",
        "reads 0:path": "CalamineWorkbook.from_path",
    },
    "SimpleITK": {"reads 0:fileName": "ReadImage", "writes 1:fileName": "WriteImage"},
    "pysam": {
        "uses 0:filename": "AlignmentFile VariantFile FastaFile TabixFile",
        "reads 0:filename": "faidx",
    },
    "igraph": {
        "reads 0:f": "Graph.Read Graph.Load",
        "writes 0:f": "Graph.write Graph.save",
    },
    "ROOT": {"uses 0:fname": "TFile.Open TFile"},
    "dbm": {"uses 0:file": "open"},
    "psycopg2": {"contacts 0:dsn": "connect"},
    "psycopg": {"contacts 0:conninfo": "connect Connection.connect"},
    "MySQLdb": {"contacts 0:host": "connect"},
    "pyodbc": {"contacts 0:connstring": "connect"},
    "oracledb": {"contacts 0:dsn": "connect"},
    "adbc_driver_postgresql.dbapi": {"contacts 0:uri": "connect"},
    "snowflake.connector": {"contacts 0:account": "connect"},
}


def find_tables() -> dict[str, dict[str, str]]:
    """Ours, and those that installed distributions offer."""
    merged = {module: dict(table) for module, table in READERS.items()}
    for offered in find_plugins("jupyter_pipe.readers"):
        for module, table in offered.items():
            for phrase, names in table.items():
                known = merged.setdefault(module, {})
                known[phrase] = f"{known.get(phrase, '')} {names}".strip()
    return merged
