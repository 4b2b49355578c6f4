"""The definitions that others use, in the source of a package: functions, classes and constants.

Nothing is run. A name is followed through the modules of one package, by their syntax.
"""

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import cast

from nightjar.core.model.plainly import plainly

LITERAL = (ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Set, ast.UnaryOp, ast.unaryop, ast.expr_context)
UNSAID = frozenset({"ctx", "kind", "type_comment"})
EVERY = "*"
"""The name that stands for all definitions of a module."""

Name = tuple[str, str]
"""A module, and the name of a definition in it. `@12` is the definition at line 12."""


@dataclass(frozen=True, slots=True)
class Code:
    """A source. statements: those at top level, each with the names that it binds. names: all of these."""

    tree: ast.Module
    statements: tuple[tuple[ast.stmt, frozenset[str]], ...]
    names: frozenset[str]


@lru_cache(maxsize=256)
def code_of(source: str) -> Code:
    """What many tables are made by is looked into once. Raises SyntaxError for a source that is no Python."""
    tree = cast("ast.Module", Stripped().visit(ast.parse(source)))
    statements = tuple((each, bound(each)) for each in tree.body)
    return Code(tree, statements, frozenset(chain.from_iterable(names for _, names in statements)))


@dataclass(frozen=True, slots=True)
class Module:
    """The source of a module. package: relative imports start there. values: what its names hold now."""

    name: str
    package: str
    code: Code
    values: Mapping[str, object]

    @classmethod
    def of(cls, name: str, package: str, source: str, values: Mapping[str, object]) -> "Module":
        """Raises SyntaxError for a source that is no Python."""
        return cls(name, package, code_of(source), values)

    def binding(self, name: str) -> list[ast.stmt]:
        """The top-level statements that define or change a name."""
        if name.startswith("@"):
            line = int(name[1:])
            spans = ((each, each.end_lineno or line) for each, _ in self.code.statements)
            return [each for each, end in spans if each.lineno <= line <= end]
        return [each for each, names in self.code.statements if name in names or name == EVERY]


ReadModule = Callable[[str], Module | None]
"""The source of a module by its full name. None if there is no such module, or no source of it."""


class Stripped(ast.NodeTransformer):
    """Removes what cannot change a result: docstrings, other bare constants, and the hints of functions."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)


def definitions(names: Sequence[Name], read: ReadModule) -> Iterator[str]:
    """Each definition that the named ones use, directly or not, and each value that they read at import."""
    within = {module.partition(".")[0] for module, _ in names[:1]}
    todo, done = list(names), set[Name]()
    while todo:
        if (name := todo.pop()) in done:
            continue
        done.add(name)
        module = read(name[0]) if name[0].partition(".")[0] in within else None
        if module is None:
            continue
        for statement in module.binding(name[1]):
            if isinstance(statement, ast.Import | ast.ImportFrom):
                todo += imported(statement, module, read, name[1])
            else:
                yield dumped(statement)
                yield from _values(statement, module)
                todo += used(statement, module, read)


def used(statement: ast.stmt, module: Module, read: ReadModule) -> Iterator[Name]:
    """What a statement refers to: names of its module, attributes of modules, and what it imports itself."""
    nodes = list(ast.walk(statement))
    for node in nodes:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from imported(node, module, read, EVERY)
    attributes = [
        (node.value.id, node.attr)
        for node in nodes
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    ]
    known = module.code.names
    for name in {node.id for node in nodes if isinstance(node, ast.Name)}:
        aliased = [found for found in _imports_of(name, module, read) if found[1] == EVERY]
        if aliased and (read_of := [attribute for of, attribute in attributes if of == name]):
            yield from ((found[0], attribute) for found in aliased for attribute in read_of)
        elif name in known:
            yield module.name, name
        else:
            yield from ((source, name) for source, _ in _imports_of(EVERY, module, read))


def _imports_of(name: str, module: Module, read: ReadModule) -> list[Name]:
    return [
        found
        for statement, names in module.code.statements
        if isinstance(statement, ast.Import | ast.ImportFrom) and name in names
        for found in imported(statement, module, read, name)
    ]


def imported(
    statement: ast.Import | ast.ImportFrom, module: Module, read: ReadModule, name: str
) -> Iterator[Name]:
    """What a name stands for that a statement imports. EVERY: each name of the statement."""
    for alias in statement.names:
        if name not in (EVERY, alias.asname or alias.name.partition(".")[0], alias.name):
            continue
        if isinstance(statement, ast.Import):
            yield alias.name, EVERY
            continue
        source = statement.module or ""
        if statement.level:
            above = module.package.rsplit(".", statement.level - 1)[0]
            source = f"{above}.{source}".removesuffix(".")
        inside = f"{source}.{alias.name}"
        is_module = alias.name != EVERY and source.partition(".")[0] == module.name.partition(".")[0]
        yield (inside, EVERY) if is_module and read(inside) is not None else (source, alias.name)


def bound(statement: ast.stmt) -> frozenset[str]:
    """The names that a top-level statement defines, assigns or changes in place."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return frozenset({statement.name})
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return frozenset(alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    found = {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    changed = [node for node in ast.walk(statement) if _changes(node)]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        changed.append(statement.value.func)
    inside = [each for each in ast.walk(statement) if isinstance(each, ast.stmt) and each is not statement]
    return frozenset(found.union(filter(None, map(_base, changed)), *map(bound, inside)))


def _changes(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)


def _base(node: ast.AST) -> str | None:
    """`a` of `a.b[c]`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def dumped(node: object) -> str:
    """The syntax of a node as text, the same in every version of Python that we run on."""
    if isinstance(node, ast.AST):
        said = (
            f"{name}={dumped(value)}"
            for name, value in ast.iter_fields(node)
            if name not in UNSAID and value is not None and value != []
        )
        return f"{type(node).__name__}({','.join(said)})"
    if isinstance(node, list):
        return f"[{','.join(map(dumped, cast('list[object]', node)))}]"
    return repr(node)


def _values(statement: ast.stmt, module: Module) -> Iterator[str]:
    """What an assignment holds that its own text does not say, as the rows of a file that it reads."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return
    if all(isinstance(node, LITERAL) for node in ast.walk(statement.value)):
        return
    for name in sorted(bound(statement)):
        if (text := plainly(module.values.get(name))) is not None:
            yield f"{name} = {text}"
