"""Where artifacts may lie: in a folder, or in a store that holds files and does nothing else."""

STORES = (
    "s3",
    "s3a",
    "gs",
    "gcs",
    "abfs",
    "abfss",
    "az",
    "adl",
    "oci",
    "oss",
    "hdfs",
    "webhdfs",
    "sftp",
    "ssh",
    "smb",
)
"""Schemes of fsspec that can be written and are shared by all workers.

A browser follows none of them to a page or a script.
"""

PLACE = rf"^(/|file:///|({'|'.join(STORES)})://[^/])[^\u0001-\u001f\u007f]*$"
"""A place as a regular expression, of Python and of Postgres.

It is an absolute path or such a URL, without control characters.
"""
