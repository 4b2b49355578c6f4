"""Finds what a Prefect server lets a stranger do, by sending requests as a stranger. Changes nothing."""

import httpx

STRANGER = "stranger.invalid"
ORIGIN = f"https://{STRANGER}"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
"""The headers of a browser's preflight request for a page of another site."""

WAITS_S = 10


def openings(api: str) -> list[str]:
    """Return what a stranger may do at the server of that API, each as the end of "the server ...".

    Raises httpx.TransportError if there is no server.
    """
    with httpx.Client(timeout=WAITS_S) as stranger:
        version = f"{api}/admin/version"
        found = {
            "asks nobody for a login": stranger.get(version).is_success,
            "lets pages of other sites use it (CORS)": shared(stranger.options(version, headers=PREFLIGHT)),
            "answers to foreign names (DNS rebinding)": called(stranger, f"{api}/health").is_success,
        }
    return [what for what, is_so in found.items() if is_so]


def shared(answer: httpx.Response) -> bool:
    """Return True if a browser would let the page continue."""
    return answer.headers.get("access-control-allow-origin") in {"*", ORIGIN}


def called(stranger: httpx.Client, url: str) -> httpx.Response:
    """Return the answer to a request that uses a name which is not the server's."""
    return stranger.get(url, headers={"Host": STRANGER})
