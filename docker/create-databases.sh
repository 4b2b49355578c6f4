# Run once by the Postgres image, as its superuser, when the volume is empty: roles and databases, each with
# no more than it needs.
# nightjar_owner may create no roles, so they exist before it migrates. What they may do inside the schema,
# the migration grants.
# The last part closes what Postgres lets everybody use; on a server that is not made by this script an
# administrator runs it by hand.
# Passwords may hold any character. They come by environment and are in no log: who lists processes sees
# arguments, and a server may log statements.
psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d postgres <<'SQL'
\getenv owner OWNER_PASSWORD
\getenv writer NIGHTJAR_WRITER_PASSWORD
\getenv analyst NIGHTJAR_ANALYST_PASSWORD
\getenv prefect PREFECT_DATABASE_PASSWORD
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
CREATE ROLE nightjar_owner LOGIN PASSWORD :'owner';
CREATE ROLE nightjar_writer LOGIN PASSWORD :'writer';
CREATE ROLE nightjar_analyst LOGIN PASSWORD :'analyst' CONNECTION LIMIT 40;
ALTER ROLE nightjar_analyst SET statement_timeout = '60s';
ALTER ROLE nightjar_analyst SET default_transaction_read_only = on;
ALTER ROLE nightjar_analyst SET search_path = analytics;
ALTER ROLE nightjar_analyst SET temp_file_limit = '4GB';
CREATE ROLE prefect LOGIN PASSWORD :'prefect';
CREATE DATABASE nightjar OWNER nightjar_owner;
CREATE DATABASE prefect OWNER prefect;
REVOKE ALL ON DATABASE nightjar, prefect, postgres, template1 FROM PUBLIC;
GRANT CONNECT ON DATABASE nightjar TO nightjar_writer, nightjar_analyst;

\connect nightjar
SELECT format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT TEMPORARY ON DATABASE %I TO nightjar_writer', current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON LANGUAGE plpgsql FROM PUBLIC;
GRANT USAGE ON LANGUAGE plpgsql TO nightjar_owner;
SELECT format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace
  AND (proname LIKE 'lo\_%' OR proname LIKE '%advisory%' OR proname IN ('loread', 'lowrite', 'pg_logical_emit_message')) \gexec
SELECT format('GRANT EXECUTE ON FUNCTION %s TO nightjar_owner, nightjar_writer', oid::regprocedure) FROM pg_proc
  WHERE pronamespace = 'pg_catalog'::regnamespace AND proname LIKE '%advisory%' \gexec
SQL
