"""Generates docs/python-api.md from the docstrings: `python tests/api_page.py`. `test_api_docs.py`
checks that the page is current.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "python" / "zarr_py"
PAGE = HERE.parents[1] / "docs" / "python-api.md"

HEAD = """\
# The Python API

Generated from the docstrings by `zarr-py/tests/api_page.py`. Pages with examples: [arrays](python-arrays.md), [objects](python-objects.md),
[the store](python-store.md) and [the pipeline](python-pipeline.md) for zarr-python, [xarray and dask](python-xarray-dask.md),
[names of other libraries](python-names.md).

Each name that ends in `_async` is a coroutine function with the arguments of the name without `_async`, listed beside it.
"""

MODULES = ("codecs", "config", "dask", "errors", "xarray")
ORDER = (
    "open", "open_array", "open_group", "create_array", "create_group", "save", "load", "copy", "rechunk", "explain", "objects", "use",
    "Array", "WritePlan", "WriteTask", "ReadPlan", "ReadTask", "Region", "Typed", "Lazy", "Group", "Objects", "Store", "CodecPipeline")

type Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(name: str) -> ast.Module:
    path = PACKAGE / f"{name}.pyi"
    return ast.parse((path if path.exists() else PACKAGE / f"{name}.py").read_text())


def definition(module: str, name: str) -> ast.stmt | None:
    found = [node for node in parsed(module).body if isinstance(node, ast.ClassDef | Function.__value__) and node.name == name]
    return found[-1] if found else None


def homes() -> dict[str, str]:
    """Returns the module of each public name."""
    for node in parsed("__init__").body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "_HOMES":
            found: dict[str, str] = ast.literal_eval(node.value)
            return {name: home.removeprefix("zarr_py.") for name, home in found.items()}
    raise AssertionError("no _HOMES")


def signature(function: Function) -> str:
    arguments = function.args
    if arguments.args and arguments.args[0].arg in ("self", "cls", "slf"):
        arguments.args = arguments.args[1:]
    arguments.posonlyargs = [one for one in arguments.posonlyargs if one.arg not in ("self", "cls")]
    returns = "" if function.returns is None else f" -> {result(function.returns)}"
    for one in [*arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]:
        if one is not None and isinstance(one.annotation, ast.Constant):
            one.annotation = ast.parse(str(one.annotation.value), mode="eval").body
    return f"({ast.unparse(arguments)}){returns}"


def unquoted(annotation: ast.expr) -> str:
    return str(annotation.value) if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str) else ast.unparse(annotation)


def result(annotation: ast.expr) -> str:
    """Returns the type of a result; that of `T` for a function defined by `Steps[T]`."""
    return unquoted(annotation).removeprefix("Steps[").removesuffix("]") if unquoted(annotation).startswith("Steps[") else unquoted(annotation)


def text(node: ast.ClassDef | Function) -> str:
    """Returns the docstring, with parameters as a list."""
    lines: list[str] = []
    within = False
    for line in (ast.get_docstring(node) or "").splitlines():
        if line.startswith("---"):
            lines.pop()
            within = True
        elif within and line and not line.startswith(" "):
            within = not lines[-1] == "" or not line.endswith(".")
            lines.append(f"- `{line}`:" if within else line)
        else:
            lines.append(line)
    return "\n".join(lines)


def is_property(function: Function) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "property" for one in function.decorator_list)


def members(node: ast.ClassDef, module: str) -> dict[str, Function]:
    """Returns public methods and properties, starting with those of our parent classes."""
    found: dict[str, Function] = {}
    for base in node.bases:
        base = base.value if isinstance(base, ast.Subscript) else base
        name = base.id if isinstance(base, ast.Name) else ""
        for home in (module, "_node", "_chunked", "_growing", "_mapped", "_plan", "_native", "_views", "_lazy"):
            parent = definition(home, name)
            if isinstance(parent, ast.ClassDef):
                found |= members(parent, home)
                break
    for one in node.body:
        if isinstance(one, Function.__value__) and not one.name.startswith("_") and text(one):
            found[one.name] = one
        elif isinstance(one, ast.Assign) and ast.unparse(one.value).startswith("later("):
            variant = ast.unparse(one.targets[0])
            found[variant] = found[variant.removesuffix("_async")]
    return found


def fields(node: ast.ClassDef) -> Iterator[str]:
    """Yields the fields of a data class."""
    body = node.body
    for number, one in enumerate(body):
        if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name) or one.target.id.startswith("_"):
            continue
        if "ClassVar" in ast.unparse(one.annotation):
            continue
        after = body[number + 1] if number + 1 < len(body) else None
        said = after.value.value if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) else ""
        default = "" if one.value is None else f" = {ast.unparse(one.value)}"
        yield f"- `{one.target.id}: {unquoted(one.annotation)}{default}`" + (f": {' '.join(str(said).split())}" if said else "")


def function_entry(name: str, function: Function, variants: bool, level: str) -> Iterator[str]:
    yield f"{level} `{name}`"
    yield ""
    if not is_property(function):
        yield from ["```python", f"{function.name}{signature(function)}", "```", ""]
    if variants:
        yield f"Also `{function.name}_async`."
        yield ""
    yield text(function)
    yield ""


def class_entry(name: str, node: ast.ClassDef, module: str, level: str) -> Iterator[str]:
    yield f"{level} `{name}`"
    yield ""
    yield text(node)
    yield ""
    listed = list(fields(node))
    if listed:
        yield from [*listed, ""]
    found = members(node, module)
    for member, function in found.items():
        if member.removesuffix("_async") in found and member.endswith("_async"):
            continue
        yield from function_entry(member, function, f"{member}_async" in found, level + "#")


def entry(name: str, home: str, names: set[str]) -> Iterator[str]:
    if name.endswith("_async") and name.removesuffix("_async") in names:
        return
    node = definition(home, name)
    if isinstance(node, ast.ClassDef):
        yield from class_entry(f"zarr_py.{name}", node, home, "##")
    elif isinstance(node, Function.__value__):
        yield from function_entry(f"zarr_py.{name}", node, f"{name}_async" in names, "##")
    else:
        raise AssertionError(f"{name} is not in {home}")


def module_entry(module: str) -> Iterator[str]:
    yield f"## `zarr_py.{module}`"
    yield ""
    yield ast.get_docstring(parsed(module)) or ""
    yield ""
    for node in parsed(module).body:
        if isinstance(node, ast.ClassDef | Function.__value__) and not node.name.startswith("_") and text(node):
            if isinstance(node, ast.ClassDef):
                bases = ", ".join(ast.unparse(base) for base in node.bases)
                yield from class_entry(f"{module}.{node.name}" + (f"({bases})" if bases else ""), node, module, "###")
            elif node.name not in ("checked", "is_default", "settings"):
                yield from function_entry(f"{module}.{node.name}", node, False, "###")


def options_entry() -> Iterator[str]:
    yield "## Options of stores"
    yield ""
    yield "Keywords of everything that opens a store."
    yield ""
    for name in ("StoreArguments", "RequestOptions", "BucketOptions", "S3Options", "GoogleOptions", "AzureOptions", "WebOptions"):
        node = definition("_option_names", name)
        assert isinstance(node, ast.ClassDef)
        yield f"{text(node)}"
        yield ""
        yield from [*fields(node), ""]


def page() -> str:
    found = homes()
    rest = sorted(set(found) - set(ORDER))
    lines = [HEAD]
    for name in (*ORDER, *rest):
        lines.extend(entry(name, found[name], set(found)))
    for module in MODULES:
        lines.extend(module_entry(module))
    lines.extend(options_entry())
    # Strips trailing spaces and repeated empty lines, which docstrings may contain.
    made = "\n".join(line.rstrip() for line in "\n".join(lines).splitlines())
    while "\n\n\n" in made:
        made = made.replace("\n\n\n", "\n\n")
    return made.strip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page())
    sys.stdout.write(f"{PAGE}\n")
