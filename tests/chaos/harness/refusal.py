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
    """order: `settings`. Prints what is seen when each of ASKED is asked; 0 if the platform refused all."""
    return max(_refused(order["settings"], asked) for asked in ASKED)


def _refused(settings: dict[str, Any], asked: str) -> int:
    platform = Platform(Settings(**settings, _env_file=None))
    try:
        ASKED[asked](platform)
    except NightjarError as error:
        seen = (
            *traceback.format_exception(error),
            repr(error),
            repr(platform),
            repr(platform.settings),
            str(platform.settings),
        )
        sys.stdout.write(f"--- {asked}\n" + "\n".join(seen) + "\n")
        return 0
    return 1
