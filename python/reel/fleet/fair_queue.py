# SPDX-License-Identifier: Apache-2.0
"""Which clip is next: clients take turns, each client's clips in the order in which they came."""

from __future__ import annotations

from collections import deque
from typing import Deque, Dict, List

from .clip import Clip


class FairQueue:
    """Clips that wait."""

    def __init__(self) -> None:
        self._lines: Dict[str, Deque[Clip]] = {}  # of clients with clips; it is the first one's turn

    def push(self, clip: Clip) -> None:
        """A client that has nothing waiting comes after all that have."""
        self._lines.setdefault(clip.client, deque()).append(clip)

    def pop(self) -> Clip:
        """The clip whose turn it is, of one at least."""
        client = next(iter(self._lines))
        line = self._lines.pop(client)
        clip = line.popleft()
        if line:
            self._lines[client] = line
        return clip

    def remove(self, clip: Clip) -> bool:
        """False when it is not waiting."""
        line = self._lines.get(clip.client, deque())
        if clip not in line:
            return False
        line.remove(clip)
        if not line:
            del self._lines[clip.client]
        return True

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def order(self) -> List[Clip]:
        """All of them in the order that pop() would give."""
        turns = max(map(len, self._lines.values()), default=0)
        return [line[turn] for turn in range(turns) for line in self._lines.values()
                if turn < len(line)]
