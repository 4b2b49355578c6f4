"""A version names its evidence: all that was measured of it, one file in the artifact store."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

WRITER = "nightjar_writer"
TABLE = "model_version"
PLACE = r"^(/|file:///|(s3|s3a|gs|gcs|abfs|abfss|az|adl|oci|oss|hdfs|webhdfs|sftp|ssh|smb)://[^/])[^\u0001-\u001f\u007f]*$"
COLUMNS = {
    "evidence_uri": "All that was measured of it, as JSON; null for versions of before evidence",
    "evidence_sha256": "Hash of the evidence",
}
CHECKS = {
    "evidence_uri_of_store": f"evidence_uri ~ '{PLACE}'",
    "evidence_sha256_hex": "evidence_sha256 ~ '^[0-9a-f]{64}$'",
    "evidence_whole": "num_nulls(evidence_uri, evidence_sha256) IN (0, 2)",
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
