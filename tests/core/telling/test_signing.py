"""Signatures are those of the specification, and only its keys are taken."""

import base64
from datetime import UTC, datetime

import pytest

from nightjar.core.telling.signing import headers, key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_message_is_signed_as_the_example_of_the_specification():
    """The values of https://github.com/standard-webhooks/standard-webhooks, spec and reference libraries."""
    body = b'{"test": 2432232314}'
    signed = headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", datetime.fromtimestamp(1614265330, UTC), body, [key(SECRET)]
    )
    assert signed == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_while_a_key_changes_both_sign():
    signed = headers("m", datetime.fromtimestamp(1, UTC), b"{}", [key(SECRET), bytes(24)])
    assert len(set(signed["webhook-signature"].split(" "))) == 2


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "secret",
        SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_###",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
    ],
)
def test_what_is_no_secret_of_the_specification_is_refused_without_being_quoted(secret):
    with pytest.raises(ValueError, match="24 to 64 bytes in base64") as refused:
        key(secret)
    assert not secret or secret not in str(refused.value).replace("whsec_ and", "")
