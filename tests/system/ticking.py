"""A thread that wants to run every millisecond, and what kept it from that."""

from __future__ import annotations

import os
import threading
import time

TICK_S = 0.001


class RunQueue:
    """How long a thread of this process has been able to run while the kernel ran somebody else."""

    def __init__(self, thread_id: int) -> None:
        self._file = os.open(f"/proc/self/task/{thread_id}/schedstat", os.O_RDONLY)

    def waited_s(self) -> float:
        """In all, since the thread began."""
        return int(os.pread(self._file, 100, 0).split()[1]) / 1e9


class Ticker:
    """A thread that wants to run every millisecond, and notes the longest time in which it could not.

    Attributes:
        longest_gap_s: by the clock.
        longest_held_up_s: the same, less the time in which this thread or the writing one waited for a processor.
    """

    def __init__(self) -> None:
        self._over = False
        self.ticks = 0
        self.longest_gap_s = self.longest_held_up_s = 0.0
        self._writing = RunQueue(threading.get_native_id())
        self._thread = threading.Thread(target=self._tick)

    def __enter__(self) -> Ticker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._thread.join()

    def _tick(self) -> None:
        queues = self._writing, RunQueue(threading.get_native_id())
        last_s, queued_s = time.perf_counter(), sum(queue.waited_s() for queue in queues)
        while not self._over:
            time.sleep(TICK_S)
            now_s, waited_s = time.perf_counter(), sum(queue.waited_s() for queue in queues)
            self.longest_gap_s = max(self.longest_gap_s, now_s - last_s)
            self.longest_held_up_s = max(self.longest_held_up_s, now_s - last_s - (waited_s - queued_s))
            last_s, queued_s = now_s, waited_s
            self.ticks += 1
