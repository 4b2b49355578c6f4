"""A version names its golden rows, one file in the artifact store. Those of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

WRITER = "nightjar_writer"
TABLE = "model_version"
PLACE = r"^(/|file:///|(s3|s3a|gs|gcs|abfs|abfss|az|adl|oci|oss|hdfs|webhdfs|sftp|ssh|smb)://[^/])[^\u0001-\u001f\u007f]*$"
COLUMNS = {
    "golden_uri": "Unseen rows with what it gave for them; null for versions of before golden rows",
    "golden_sha256": "Hash of the golden rows",
}
CHECKS = {
    "golden_uri_of_store": f"golden_uri ~ '{PLACE}'",
    "golden_sha256_hex": "golden_sha256 ~ '^[0-9a-f]{64}$'",
    "golden_whole": "num_nulls(golden_uri, golden_sha256) IN (0, 2)",
}


def upgrade() -> None:
    for name, comment in COLUMNS.items():
        op.add_column(TABLE, sa.Column(name, sa.Text(), nullable=True, comment=comment), schema="nightjar")
    for name, condition in CHECKS.items():
        op.create_check_constraint(op.f(f"{TABLE}_{name}"), TABLE, condition, schema="nightjar")
    op.execute(f"GRANT INSERT ({', '.join(COLUMNS)}) ON nightjar.{TABLE} TO {WRITER}")


def downgrade() -> None:
    for name in reversed(COLUMNS):
        op.drop_column(TABLE, name, schema="nightjar")
