"""Where the pages of the desk lie on the server of Prefect's UI. Written as files they lie alike."""

from datetime import date

AT = "/desk"
TOP = "index.html"
RUNBOOKS = "runbook-pages"
"""The folder of the runbooks, beside those of the models. No model can have this name."""


def night_file(night: date) -> str:
    """Name of the page of a night, in the folder of its model."""
    return f"{night}.html"


def runbook_place(runbook: str) -> str:
    """Place of the page of a runbook. runbook: its name, or that of its file in runbooks/."""
    return f"{RUNBOOKS}/{runbook.removesuffix('.md')}.html"


def desk_url(ui: str, place: str) -> str:
    """Address of a page. ui: the address of Prefect's UI."""
    return f"{ui}{AT}/{place}"


def run_url(ui: str, flow_run: str) -> str:
    """Address of the page of a flow run in Prefect's UI, which asks for the login and comes back to it.

    Without /v2 it is a page of Prefect's older UI, which tells a browser without the login "not found".
    """
    return f"{ui}/v2/runs/flow-run/{flow_run}"
