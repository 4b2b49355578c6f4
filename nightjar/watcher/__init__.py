"""The process beside the worker that sees what is wrong and tells. It needs Postgres alone."""
