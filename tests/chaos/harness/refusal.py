"""What a platform that is refused lets its caller see: the error with its causes, and the platform itself,
in words.
"""

import sys
import traceback
from typing import Any

from nightjar.core.errors.base import NightjarError
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

ASKED = {
    "engine": lambda platform: platform.engine,
    "migrate": Platform.migrate,
    "registry": lambda platform: platform.registry,
}


def run(order: dict[str, Any]) -> int:
    """order: `settings`, and which of ASKED is `asked`. Prints what is seen; 0 if the platform refused."""
    platform = Platform(Settings(**order["settings"], _env_file=None))
    try:
        ASKED[order["asked"]](platform)
    except NightjarError as error:
        seen = (
            *traceback.format_exception(error),
            repr(error),
            repr(platform),
            repr(platform.settings),
            str(platform.settings),
        )
        sys.stdout.write("\n".join(seen))
        return 0
    return 1
