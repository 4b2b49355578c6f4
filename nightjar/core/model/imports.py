"""What code imports, directly or not, by its syntax: modules of its own package, and those of others."""

import ast
from collections.abc import Iterator

from nightjar.core.model.definitions import EVERY, Module, ReadModule, imported


def imports_of(start: str, read: ReadModule) -> tuple[frozenset[str], frozenset[str]]:
    """The modules of a package that one of its modules needs, with itself, and the names of other packages.

    An import within a function counts, too. A package is imported with each of its modules.
    """
    package = start.partition(".")[0]
    todo, own, others = [start], set[str](), set[str]()
    while todo:
        name = todo.pop()
        if name in own or (module := read(name)) is None:
            continue
        own.add(name)
        for found in _imported(module, read):
            root = found.partition(".")[0]
            if root == package:
                todo += [found, found.rpartition(".")[0]]
            else:
                others.add(root)
    return frozenset(own), frozenset(others)


def _imported(module: Module, read: ReadModule) -> Iterator[str]:
    for node in ast.walk(module.code.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name for name, _ in imported(node, module, read, EVERY))
