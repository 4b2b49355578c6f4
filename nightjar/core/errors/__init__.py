"""Every error Nightjar raises on purpose, by subject: what was wrong, where, and what to do next.

The command line shows them without a traceback and exits with the class's `exit_code`; `runbook` names the page in
`runbooks/` that an operator opens. Retryable or not is a type: `except Retryable` is the whole retry policy.
"""

from nightjar.core.errors import (  # noqa: F401  # who looks for subclasses finds all of them
    database,
    inputs,
    machine,
    model,
    night,
    platform,
    settings,
)
