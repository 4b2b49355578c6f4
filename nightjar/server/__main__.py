"""Prefect's server as the platform runs it: `python -m nightjar.server --host 127.0.0.1 --port 4200`.

`told` returns all its settings except its database. They are the same here and in containers.
"""

import argparse
import os
import sys
from datetime import timedelta
from functools import partial

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.settings import BadSettings
from nightjar.showing import remedies
from nightjar.wiring.logs import prefect_settings
from nightjar.wiring.settings import Settings


def told(settings: Settings) -> dict[str, str]:
    """Return Prefect's settings. Raises BadSettings without a login: the server would obey everyone."""
    if settings.prefect_auth is None:
        remedy = "Set NIGHTJAR_PREFECT_AUTH, or start it with `nightjar up`."
        raise BadSettings("The Prefect server has no login to ask for", remedy)
    kept = timedelta(days=settings.keep_flow_runs_days)
    own = [f"http://127.0.0.1:{settings.prefect_port}"]
    proxies = [f"{scheme}://{site}" for site in settings.prefect_hosts for scheme in ("http", "https")]
    return {
        **prefect_settings(settings.log_format),
        "PREFECT_SERVER_API_AUTH_STRING": settings.prefect_auth.get_secret_value(),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join([*own, *proxies]),
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "nightjar.server.leases",
        "PREFECT_SERVER_EVENTS_CAUSAL_ORDERING": "nightjar.server.causal_ordering",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": '["events", "flow_runs"]',
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": f"{kept.total_seconds():.0f}",
        "PREFECT_UI_API_URL": "/api",
    }


def main(words: list[str]) -> None:
    options = argparse.ArgumentParser(
        "python -m nightjar.server", description="Prefect's server, behind a login."
    )
    options.add_argument("--host", default="127.0.0.1")
    options.add_argument("--port", type=int, default=4200)
    given = options.parse_args(words)
    settings = Settings()
    os.environ.update(told(settings))

    import uvicorn  # noqa: PLC0415  # after the settings, which Prefect reads when it is imported

    from nightjar.server.app import guarded  # noqa: PLC0415
    from nightjar.server.desk import pages_of, with_desk  # noqa: PLC0415
    from nightjar.wiring.platform import Platform  # noqa: PLC0415

    assert settings.prefect_auth is not None  # `told` wants it
    pages = pages_of(Platform(settings))
    app = guarded(settings.prefect_hosts, partial(with_desk, settings.prefect_auth, pages))
    uvicorn.run(
        app, host=given.host, port=given.port, log_level="warning", log_config=None, server_header=False
    )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except NightjarError as error:
        sys.exit(remedies.told(error))
