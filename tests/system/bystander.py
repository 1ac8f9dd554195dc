"""A process that has nothing to do with a trial, and says for how long its processor ran nothing.

python bystander.py PROCESSOR. For each number of seconds on its standard input it ticks for so long, and prints how
long it was held up at most, the wait for others on that processor left out: by the machine, as a virtual one can be.
"""

from __future__ import annotations

import os
import sys
import time

from ticking import Ticker


def main(processor: int) -> None:
    """Tick whenever told to."""
    os.sched_setaffinity(0, {processor})
    print("ready", flush=True)
    for line in sys.stdin:
        with Ticker() as ticker:
            time.sleep(float(line))
        print(ticker.longest_held_up_s, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
