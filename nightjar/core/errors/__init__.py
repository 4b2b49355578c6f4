"""Every error Nightjar raises on purpose, by subject: what was wrong, where, and what has to happen.

The edge adds the command that does it (nightjar/showing/remedies.py). The command line shows an error without
a traceback and exits with the class's `exit_code`; `runbook` names the page in `runbooks/` that an operator
opens. A class without an exit code of its own is a case of the class that it derives from. Retryable or not
is
a type: `except Retryable` is the whole retry policy.
Who imports one subject knows all: programs look for an error's class among the subclasses of NightjarError.
"""

from nightjar.core.errors import database, inputs, machine, model, night, platform, settings

__all__ = ["database", "inputs", "machine", "model", "night", "platform", "settings"]
