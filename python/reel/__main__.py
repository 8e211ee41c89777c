# SPDX-License-Identifier: Apache-2.0
"""``python -m reel`` is the program ``reel``."""

from .program import main

if __name__ == "__main__":
    main()
