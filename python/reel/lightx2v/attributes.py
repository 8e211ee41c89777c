# SPDX-License-Identifier: Apache-2.0
"""An object whose attributes are keys of LightX2V's configuration."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping

from .. import _reel


class Attributes:
    """Attributes that are also items: ``pipe["fps"]``, ``pipe.get("fps")``, ``"fps" in pipe``.

    One that is not None and does not begin with "_" is a key of the configuration.
    """

    def __init__(self) -> None:
        self._origins: Dict[str, str] = {}
        self._without_effect: List[str] = []

    def __getitem__(self, key: str) -> Any:
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        setattr(self, key, value)

    def __delitem__(self, key: str) -> None:
        delattr(self, key)

    def __contains__(self, key: str) -> bool:
        return hasattr(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        return getattr(self, key, default)

    def update(self, *mappings: Any, **values: Any) -> None:
        for mapping in (*mappings, values):
            items = mapping.items() if isinstance(mapping, Mapping) else mapping
            for key, value in items:
                setattr(self, key, value)

    def _set(self, origin: str, **values: Any) -> None:
        """Attributes that a call of ``origin`` gave; messages name it."""
        for key, value in values.items():
            setattr(self, key, value)
            self._origins[key] = origin

    def _ignore(self, **values: Any) -> None:
        """Arguments that change nothing; those that were given are named once."""
        given = [name for name, value in values.items() if value is not None]
        self._without_effect += [name for name in given if name not in self._without_effect]

    def _ignored(self) -> List[str]:
        return list(self._without_effect)

    def _settings(self) -> List[_reel.LightX2VSetting]:
        return [
            _reel.LightX2VSetting(key, _to_json(value), self._origins.get(key, "attribute"))
            for key, value in vars(self).items()
            if value is not None and not key.startswith("_")
        ]


def _to_json(value: Any) -> str:
    return json.dumps(os.fspath(value) if isinstance(value, os.PathLike) else value)
