"""What a Prefect server lets strangers do, found by asking it as one. Changes nothing."""

import httpx

STRANGER = "stranger.invalid"
ORIGIN = f"https://{STRANGER}"
PREFLIGHT = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
"""What a browser asks before a page of another site may go on."""

WAITS_S = 10


def openings(api: str) -> list[str]:
    """What a stranger may do at the server of that API, each as the end of the sentence "the server ...".

    Raises httpx.TransportError where there is none.
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
    """True if a browser would let the page go on."""
    return answer.headers.get("access-control-allow-origin") in {"*", ORIGIN}


def called(stranger: httpx.Client, url: str) -> httpx.Response:
    """The answer to a request that calls the server by a name that it has not."""
    return stranger.get(url, headers={"Host": STRANGER})
