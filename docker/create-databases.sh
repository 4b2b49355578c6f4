# Run once by the Postgres image, as its superuser, when the volume is empty: roles and databases, each with no more than it needs.
# nightjar_owner may create no roles, so they exist before it migrates. What they may do inside the schema, the migration grants.
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres \
  -v owner="$OWNER_PASSWORD" -v writer="$NIGHTJAR_WRITER_PASSWORD" -v analyst="$NIGHTJAR_ANALYST_PASSWORD" -v prefect="$PREFECT_DATABASE_PASSWORD" <<'SQL'
CREATE ROLE nightjar_owner LOGIN PASSWORD :'owner';
CREATE ROLE nightjar_writer LOGIN PASSWORD :'writer';
CREATE ROLE nightjar_analyst LOGIN PASSWORD :'analyst';
ALTER ROLE nightjar_analyst SET statement_timeout = '60s';
ALTER ROLE nightjar_analyst SET default_transaction_read_only = on;
ALTER ROLE nightjar_analyst SET search_path = analytics;
CREATE ROLE prefect LOGIN PASSWORD :'prefect';
CREATE DATABASE nightjar OWNER nightjar_owner;
REVOKE ALL ON DATABASE nightjar FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE nightjar TO nightjar_writer;
GRANT CONNECT ON DATABASE nightjar TO nightjar_analyst;
CREATE DATABASE prefect OWNER prefect;
REVOKE ALL ON DATABASE prefect FROM PUBLIC;
SQL
