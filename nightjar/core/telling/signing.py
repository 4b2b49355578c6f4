"""Signatures of webhooks, as https://www.standardwebhooks.com defines them: HMAC-SHA256, version v1."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64
"""Bytes of a key, as the specification has them."""


def key(secret: str) -> bytes:
    """Return the bytes of a secret like whsec_..., whose rest is base64.

    Raises ValueError for any other text, and for a key of less than 24 or more than 64 bytes.
    """
    try:
        found = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        found = b""
    if not secret.startswith(PREFIX) or not SHORTEST <= len(found) <= LONGEST:
        raise ValueError(f"it reads {PREFIX} and {SHORTEST} to {LONGEST} bytes in base64")
    return found


def headers(message_id: str, at: datetime, body: bytes, keys: Sequence[bytes]) -> Mapping[str, str]:
    """Return the headers of one attempt.

    at: the instant of the attempt, so that a receiver can refuse an old one. keys: one signature each, so
    that a receiver may change its key at any time.
    """
    seconds = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    signatures = (base64.b64encode(hmac.digest(each, signed, "sha256")).decode() for each in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }
