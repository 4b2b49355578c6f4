"""`python -m nightjar.watcher`: the watcher as a process of its own."""

from nightjar.showing.remedies import advised
from nightjar.watcher.loop import watch
from nightjar.wiring import logs
from nightjar.wiring.platform import Platform

if __name__ == "__main__":
    platform = Platform(advised=advised)
    logs.configure(platform.settings.log_format, platform.settings.log_level)
    watch(platform)
