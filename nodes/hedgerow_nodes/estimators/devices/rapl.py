"""The processor's own energy counters (RAPL), read from the powercap tree in sysfs, aware of their wrap-around."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

POWERCAP = Path("/sys/class/powercap")


class RaplUnavailable(Exception):
    """No counter can be read; the message says why and what to do about it."""


@dataclass(frozen=True)
class RaplDomain:
    """One processor package.

    Attributes:
        name: as the kernel calls it, such as `package-0`.
        counter: file of the counter, in microjoules.
        range_uj: where the counter begins again from 0.
    """

    name: str
    counter: Path
    range_uj: int


class Rapl:
    """The package domains of one tree, and the memory's (`dram`), which no package holds.

    The other domains below a package (cores, graphics) and `psys` are left out: they overlap.

    Raises:
        RaplUnavailable: there are none, or they may not be read.
    """

    def __init__(self, root: Path = POWERCAP) -> None:
        folders = sorted(folder for folder in root.glob("*-rapl*:*") if (folder / "energy_uj").exists())
        named = [(folder, _text(folder / "name")) for folder in folders]
        self.domains = tuple(_domain(folder, name) for folder, name in named if name.startswith("package"))
        self.memory_domains = tuple(_domain(folder, name) for folder, name in named if name == "dram")
        if not self.domains:
            raise RaplUnavailable(f"no RAPL package below {root}; a virtual machine has none")
        self.read_uj()

    def read_uj(self) -> dict[str, int]:
        """The counters now, by domain, in microjoules.

        Raises:
            RaplUnavailable: a counter may not be read.
        """
        return {domain.name: _number(domain.counter) for domain in (*self.domains, *self.memory_domains)}

    def joules_between(self, before_uj: Mapping[str, int], after_uj: Mapping[str, int]) -> float:
        """Energy between two readings, summed over the packages.

        A counter that went down has begun again once; a window in which it does so twice (minutes at full load) is
        more than it can tell.
        """
        return _joules(self.domains, before_uj, after_uj)

    def memory_joules_between(self, before_uj: Mapping[str, int], after_uj: Mapping[str, int]) -> float:
        """The same of the memory; 0 where it has no counters."""
        return _joules(self.memory_domains, before_uj, after_uj)


def _joules(domains: Iterable[RaplDomain], before_uj: Mapping[str, int], after_uj: Mapping[str, int]) -> float:
    used_uj = 0
    for domain in domains:
        difference = after_uj[domain.name] - before_uj[domain.name]
        used_uj += difference if difference >= 0 else difference + domain.range_uj
    return used_uj / 1e6


def _domain(folder: Path, name: str) -> RaplDomain:
    range_uj = _number(folder / "max_energy_range_uj")
    if range_uj <= 0:
        raise RaplUnavailable(f"{folder / 'max_energy_range_uj'} holds {range_uj}; it must be above 0")
    # Two sockets may use one name, so the folder keeps them apart.
    return RaplDomain(f"{name} ({folder.name})", folder / "energy_uj", range_uj)


def _number(file: Path) -> int:
    text = _text(file)
    try:
        return int(text)
    except ValueError:
        raise RaplUnavailable(f"{file} holds {text!r}, no number") from None


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii").strip()
    except PermissionError:
        raise RaplUnavailable(f"{file} is readable by root only; allow it with: chmod a+r {file}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RaplUnavailable(f"{file} cannot be read: {error}") from error
