"""`Group.tree`: the nodes below a group, as text and as a collapsible list."""

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zarr_py._array import Array
    from zarr_py._group import Group

__all__ = ["Tree", "tree_of"]


class Tree(str):
    """The text of a tree, which notebooks show as a list."""

    __module__ = "zarr_py"
    __slots__ = ("_html",)

    _html: str

    def __new__(cls, text: str, html: str) -> "Tree":
        tree = super().__new__(cls, text)
        tree._html = html
        return tree

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return self._html


def tree_of(group: "Group", level: int | None) -> Tree:
    """Returns the tree of a group, down to `level` levels."""
    name = f"/{group.path}"
    lines, html = [name], [f"<details open><summary>{escape(name)}</summary>"]
    _below(group, 1, level, lines, html)
    html.append("</details>")
    return Tree("\n".join(lines), "".join(html))


def _below(group: "Group", depth: int, level: int | None, lines: list[str], html: list[str]) -> None:
    from zarr_py._group import Group

    html.append("<ul>")
    for name, node in group._members():
        if isinstance(node, Group):
            lines.append("  " * depth + f"{name}/")
            html.append(f"<li><details open><summary>{escape(name)}/</summary>")
            if level is None or depth < level:
                _below(node, depth + 1, level, lines, html)
            html.append("</details></li>")
        else:
            text = f"{name} ({node})" if isinstance(node, Exception) else f"{name} {_described(node)}"
            lines.append("  " * depth + text)
            html.append(f"<li>{escape(text)}</li>")
    html.append("</ul>")


def _described(array: "Array") -> str:
    return f"{array.shape} {array._dtype_text()}"
