# SPDX-License-Identifier: Apache-2.0
"""``python -m reel.lightx2v.infer`` takes the flags of ``python -m lightx2v.infer``: ``reel infer``."""

import sys

from ..program import become

if __name__ == "__main__":
    become(["infer", *sys.argv[1:]])
