# SPDX-License-Identifier: Apache-2.0
"""The stub file names what the module has, and nothing else; all of it is of the oldest Python."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Dict, Set

import reel
from reel import _reel

STUB = Path(reel.__file__).with_name("_reel.pyi")
IN_STUB_ALONE = {"Watcher"}  # what the module asks of an argument


def public(names: object) -> Set[str]:
    return {name for name in names if not name.startswith("_")}  # type: ignore[attr-defined]


def stub_names() -> Dict[str, Set[str]]:
    """Of each class, its members; of the module, its functions and values under ""."""
    names: Dict[str, Set[str]] = {"": set()}
    for node in ast.parse(STUB.read_text()).body:
        if isinstance(node, ast.ClassDef):
            members = (getattr(member, "name", None) or member.target.id
                       for member in node.body if not isinstance(member, ast.Expr))
            names[node.name] = public(members)
        elif isinstance(node, ast.FunctionDef):
            names[""].add(node.name)
        elif isinstance(node, ast.AnnAssign):
            names[""].add(node.target.id)
    return names


def test_stub_and_module_agree() -> None:
    classes = {name: value for name, value in vars(_reel).items() if isinstance(value, type)}
    expected = {name: public(vars(value)) for name, value in classes.items()}
    expected[""] = public(vars(_reel)) - set(classes)
    found = {name: names for name, names in stub_names().items() if name not in IN_STUB_ALONE}
    assert found == expected


def test_is_typed() -> None:
    assert STUB.with_name("py.typed").exists()


def test_exports_are_there() -> None:
    assert all(hasattr(reel, name) for name in reel.__all__)


def test_the_oldest_python_reads_every_file() -> None:
    for path in [*STUB.parent.rglob("*.py"), *STUB.parent.rglob("*.pyi")]:
        ast.parse(path.read_text(), str(path), feature_version=(3, 10))
