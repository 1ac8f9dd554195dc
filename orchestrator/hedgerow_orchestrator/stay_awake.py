"""Keeps processors from deep sleep while tasks are in hand: to wake one takes longer than to handle most messages."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

DEVICE = Path("/dev/cpu_dma_latency")
"""As long as a process holds it open, no processor sleeps so deeply that it takes longer to wake; Linux `pm_qos`."""

DRIVER = Path("/sys/devices/system/cpu/cpuidle/current_driver")
HALTING = "haltpoll"
LONGEST_WAKE_US = 10
"""Allows the sleeps that spare most (C1), and none that forget the caches."""

LINGER_S = 0.005
"""Nodes answer within this time, or are at work for longer than a wake-up matters."""

VARIABLE = "HEDGEROW_STAY_AWAKE"


class StayAwake:
    """Holds the kernel's promise from one message of a task to the next, and says why where it cannot.

    Args:
        device: the kernel's file.
        driver: tells which driver puts processors to sleep.
        variables: what stands for the process's own ones; `HEDGEROW_STAY_AWAKE=0` switches it off.
    """

    def __init__(
        self, device: Path = DEVICE, driver: Path = DRIVER, variables: Mapping[str, str] | None = None
    ) -> None:
        self._device = device
        self._descriptor: int | None = None
        self._why_not = ""
        variables = os.environ if variables is None else variables
        if variables.get(VARIABLE) == "0":
            self._why_not = f"{VARIABLE} is 0"
        # A guest has one sleep only, and to leave it takes the host: the kernel calls that 1 us.
        self._wake_us = 0 if _read(driver) == HALTING else LONGEST_WAKE_US

    @property
    def held(self) -> bool:
        """Processors are kept awake now."""
        return self._descriptor is not None

    @property
    def detail(self) -> str:
        """What is done, for people."""
        if self._why_not:
            return f"processors sleep between a task's messages: {self._why_not}"
        return "processors are kept from deep sleep between a task's messages"

    def hold(self) -> None:
        """Keep them awake, if the kernel lets this process."""
        if self._descriptor is not None or self._why_not:
            return
        try:
            descriptor = os.open(self._device, os.O_WRONLY)
        except OSError as error:
            self._why_not = str(error)
            return
        try:
            os.write(descriptor, self._wake_us.to_bytes(4, "little"))
        except OSError as error:
            os.close(descriptor)
            self._why_not = f"{self._device}: {error}"
        else:
            self._descriptor = descriptor

    def release(self) -> None:
        """Let them sleep."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""
