"""What code made a version: git knows where there is git, else the package does."""

import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path


@cache
def code_version(checkout: Path) -> str:
    """The commit of a checkout, marked if files differ from it; the package's version where there is none."""
    if shutil.which("git") is None:
        return metadata.version("nightjar")
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--exclude=*"]
    git = subprocess.run(command, capture_output=True, text=True, check=False)
    return git.stdout.strip() if git.returncode == 0 else metadata.version("nightjar")
