"""The parts of a worker by themselves: orders once, probes, links, telemetry rows, capabilities, samples."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_idl.serve import OrderCode, OrderKind, ServiceOrder, WorkerStatus
from hedgerow_idl.telemetry import PacketRow
from hedgerow_nodes.core.identity import Identity
from hedgerow_nodes.estimators.models import bundled_weights
from hedgerow_nodes.partition.store import put
from hedgerow_nodes.worker_side.capabilities import look_at_machine
from hedgerow_nodes.worker_side.cpu_limit import usable_cores
from hedgerow_nodes.worker_side.gpus import GpuMeter
from hedgerow_nodes.worker_side.health import HealthMeter
from hedgerow_nodes.worker_side.link_probe import SMALL_PROBES, LinkProbe
from hedgerow_nodes.worker_side.links import LinkBook
from hedgerow_nodes.worker_side.moving import MovingMeter
from hedgerow_nodes.worker_side.order_book import OrderBook
from hedgerow_nodes.worker_side.own_load import OwnLoad
from hedgerow_nodes.worker_side.profiling import ProfileFailed, ProfileOrder, Profiling
from hedgerow_nodes.worker_side.sampling import Sampler
from hedgerow_nodes.worker_side.telemetry_book import BATCH_ROWS, TelemetryBook


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans()), max_size=60))
def test_no_order_is_done_twice_while_it_is_remembered(steps: list[tuple[str, bool]]) -> None:
    book = OrderBook("node", 5, remembered=6)
    begun: set[str] = set()
    for command_id, ends in steps:
        is_new, answer = book.take(ServiceOrder(command_id=command_id, kind=OrderKind.START))
        assert is_new == (command_id not in begun)
        begun.add(command_id)
        assert (answer is None) == (command_id in book.open)
        if ends:
            book.settle(command_id, OrderCode.DONE)
    assert book.settle("never", OrderCode.DONE) is None


def test_only_so_many_answers_are_remembered() -> None:
    book = OrderBook("node", 5, remembered=2)
    for command_id in "abc":
        book.take(ServiceOrder(command_id=command_id))
        book.settle(command_id, OrderCode.DONE)
    assert [book.take(ServiceOrder(command_id=one))[0] for one in "abc"] == [True, False, False]


@given(st.floats(1e5, 1e10), st.floats(0, 0.1))
def test_a_probe_finds_bandwidth_and_latency_of_a_link(bandwidth: float, latency_s: float) -> None:
    probe, clock_s = LinkProbe("b"), 0.0
    while not probe.overdue(clock_s):
        wanted = probe.next_probe(clock_s)
        assert wanted is not None
        number, size_bytes = wanted
        clock_s += size_bytes / bandwidth + 2 * latency_s
        probe.answered(number, clock_s)
        if clock_s > 1000:  # a link of 100 kB/s takes seconds for a burst: more than the patience is not waited for
            break
    assert probe.latency_s == pytest.approx(latency_s, rel=1e-6, abs=1e-9)
    assert probe.bandwidth_bytes_per_s == pytest.approx(bandwidth, rel=0.1)


def test_a_receiver_that_is_silent_ends_the_probe_with_what_is_known() -> None:
    probe = LinkProbe("b")
    assert probe.next_probe(0.0) == (1, 0)
    assert probe.next_probe(1.0) is None
    assert not probe.overdue(4.9)
    assert probe.overdue(5.1)
    assert math.isnan(probe.latency_s)
    assert math.isnan(probe.bandwidth_bytes_per_s)
    assert not probe.complete
    assert SMALL_PROBES > 1


def test_live_traffic_refreshes_a_link_and_age_grows() -> None:
    book = LinkBook()
    book.measured("b", 1e6, 0.01, clock_s=0.0)
    for _ in range(5):
        book.delivered("b", 1_000_000, 2.02, 5.0, alone=True)
    figure = book.figures(8.0)[0]
    assert figure.is_passive
    assert figure.bandwidth_bytes_per_s == pytest.approx(0.5e6)
    assert figure.age_s == 3.0
    before = figure.bandwidth_bytes_per_s
    book.delivered("b", 1_000_000, 100.0, 9.0, alone=False)
    figure = book.figures(9.0)[0]
    assert (figure.bandwidth_bytes_per_s, figure.sent_items) == (before, 6)
    book.delivered("c", 1000, 0.5, 9.0, alone=False)
    unknown = book.figures(9.0)[1]
    assert math.isnan(unknown.bandwidth_bytes_per_s)
    assert math.isnan(unknown.age_s)


def test_items_that_waited_elsewhere_do_not_make_a_link_slow() -> None:
    book = LinkBook()
    book.measured("b", 1e6, 0.01, clock_s=0.0)
    for took_s in (1.02, 1.12, 3.0, 1.02, 2.5, 1.0, 1.12, 4.0, 1.02, 1.02, 3.0, 3.0):
        book.delivered("b", 1_000_000, took_s, 5.0, alone=True)
        assert book.figures(5.0)[0].bandwidth_bytes_per_s == pytest.approx(1e6, rel=0.11)


def test_a_link_can_carry_what_it_has_carried() -> None:
    book = LinkBook()
    book.measured("b", 1e6, 0.01, clock_s=0.0)
    for at in range(50):
        book.delivered("b", 200_000, 1.0, 0.1 * at, alone=False)
    assert book.figures(5.0)[0].bandwidth_bytes_per_s == pytest.approx(2e6)
    for at in range(50, 100):
        book.delivered("b", 50_000, 1.0, 0.1 * at, alone=False)
    book.delivered("b", 50_000_000, 1.0, 500.0, alone=False)  # who knows for how long
    assert book.figures(500.0)[0].bandwidth_bytes_per_s == pytest.approx(2e6)


def test_items_behind_each_other_tell_more_of_a_link_than_one_alone() -> None:
    book = LinkBook()
    book.measured("b", 1e6, 0.01, clock_s=0.0)
    for second in range(1, 30):
        book.followed("b", 1_000_000, 0.5 if second % 2 else 0.25, float(second))
        book.delivered("b", 1_000_000, 3.0, second + 0.1, alone=True)
    figure = book.figures(29.0)[0]
    # Half of them take 0.5 s and half 0.25 s: a million bytes each 0.375 s.
    assert figure.bandwidth_bytes_per_s == pytest.approx(1e6 / 0.375, rel=0.1)
    assert (figure.is_passive, figure.age_s) == (True, 0.0)
    for second in range(45, 75):
        book.delivered("b", 1_000_000, 1.02, float(second), alone=True)
    assert book.figures(75.0)[0].bandwidth_bytes_per_s == pytest.approx(1e6, rel=0.01)


def test_what_comes_in_bunches_tells_no_bandwidth() -> None:
    """A shaper has saved up what it lets through: only what comes later, without a pause, is the link's."""
    book = LinkBook()
    book.measured("b", 1e6, 0.01, clock_s=0.0)
    for second in range(1, 20):
        book.followed("b", 100_000, math.nan, float(second))
        book.followed("b", 100_000, 0.001, second + 0.001)
        book.followed("b", 100_000, 0.198, second + 0.199)
    assert (book.figures(20.0)[0].bandwidth_bytes_per_s, book.figures(20.0)[0].age_s) == (1e6, 20.0)
    book.followed("b", 1_000_000, 1.0, 21.0)  # the first that is long enough, and much of it may be what was saved
    assert not book.figures(21.0)[0].is_passive
    for at in range(20):
        book.followed("b", 10_000, 0.005, 22.0 + 0.005 * at)  # too short each, long enough together
    assert not book.figures(22.1)[0].is_passive
    for at in range(21):
        book.followed("b", 10_000, 0.005, 22.1 + 0.005 * at)
    assert book.figures(22.2)[0].is_passive
    assert 1e6 < book.figures(22.2)[0].bandwidth_bytes_per_s < 2e6


@given(st.lists(st.integers(0, 2000), max_size=12), st.integers(1000, 3000))
def test_rows_leave_numbered_without_gaps_and_what_went_is_counted(adds: list[int], most_rows: int) -> None:
    book = TelemetryBook(Identity.fresh("w"), most_rows)
    count = 0
    for rows in adds:
        book.add(PacketRow(sequence_number=count + n) for n in range(rows))
        count += rows
    assert len(book) <= most_rows
    seen: list[int] = []
    number, next_row, lost = 0, 1, 0
    while (batch := book.take_batch()) is not None:
        number, lost = number + 1, batch.lost
        assert (batch.batch, batch.first_row) == (number, next_row)
        assert len(batch.packets) <= BATCH_ROWS
        next_row += len(batch.packets)
        seen += [row.sequence_number for row in batch.packets]
    assert seen == list(range(count))[-len(seen) :] if seen else count == 0
    assert len(seen) + lost == count


def test_enclaves_and_tpms_are_found_by_their_devices(tmp_path: Path) -> None:
    bare = look_at_machine(tmp_path, root=tmp_path)
    assert (bare.has_tee, bare.has_tpm) == (False, False)
    for place in ("dev/sev-guest", "sys/class/tpm/tpm0"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    found = look_at_machine(tmp_path, root=tmp_path)
    assert (found.has_tee, found.has_tpm) == (True, True)
    assert found.cores == len(os.sched_getaffinity(0))
    assert found.memory_bytes > 0
    assert found.disk_bytes > 0


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("groups", "files", "usable"),
    [
        ("0::/box/worker\n", {"box/worker/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/box/worker\n", {"box/worker/cpu.max": "max 100000\n", "box/cpu.max": "30000 100000\n"}, 0.3),
        ("0::/of/the/host\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("0::/box\n", {"box/cpu.max": "800000 100000\n"}, 4.0),
        (
            "4:memory:/box\n3:cpu,cpuacct:/box\n0::/\n",
            {"cpu/box/cpu.cfs_quota_us": "25000\n", "cpu/box/cpu.cfs_period_us": "50000\n"},
            0.5,
        ),
        ("3:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4.0),
        ("0::/nowhere\n", {}, 4.0),
    ],
)
def test_the_tightest_limit_of_all_control_groups_counts(
    tmp_path: Path, groups: str, files: dict[str, str], usable: float
) -> None:
    assert usable_cores(4, tmp_path) == 4.0
    write(tmp_path / "proc/self/cgroup", groups)
    for name, text in files.items():
        write(tmp_path / "sys/fs/cgroup" / name, text)
    assert usable_cores(4, tmp_path) == usable


class NvmlError(Exception):
    """As `pynvml.NVMLError`."""

    def __init__(self, value: int = 3) -> None:
        super().__init__(f"error {value}")
        self.value = value


def fails(value: int) -> Callable[..., Any]:
    """A question that the driver answers with an error."""

    def ask(*_given: object) -> Any:
        raise NvmlError(value)

    return ask


def two_gpus() -> types.SimpleNamespace:
    """Answers like pynvml, for two GPUs; the second does not tell its power."""

    def power(handle: int) -> int:
        if handle:
            raise NvmlError
        return 70_000

    busy = types.SimpleNamespace(pid=os.getpid(), smUtil=40, timeStamp=9)
    return types.SimpleNamespace(
        NVMLError=NvmlError,
        NVML_CLOCK_SM=1,
        NVML_TEMPERATURE_GPU=0,
        nvmlInit=lambda: None,
        nvmlShutdown=lambda: None,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: b"A GPU",
        nvmlDeviceGetMemoryInfo=lambda handle: types.SimpleNamespace(total=8e9, used=2e9),
        nvmlDeviceGetUtilizationRates=lambda handle: types.SimpleNamespace(gpu=50 + handle),
        nvmlDeviceGetClockInfo=lambda handle, kind: 1500,
        nvmlDeviceGetPowerUsage=power,
        nvmlDeviceGetTemperature=lambda handle, kind: 60,
        nvmlDeviceGetProcessUtilization=lambda handle, since: [busy],
        nvmlDeviceGetComputeRunningProcesses=lambda handle: (
            [types.SimpleNamespace(pid=os.getpid(), usedGpuMemory=1e9)] if handle else []
        ),
    )


def test_each_gpu_has_a_row_and_a_process_its_share() -> None:
    sampler = Sampler(GpuMeter(two_gpus()))
    rows = sampler.systems(1.0)
    assert [(row.gpu_index, row.gpu_percent, row.gpu_memory_percent) for row in rows] == [(0, 50, 25), (1, 51, 25)]
    assert (rows[0].gpu_power_w, rows[0].gpu_clock_hz) == (70.0, 1.5e9)
    assert math.isnan(rows[1].gpu_power_w)
    own = ("s", "l", "p", os.getpid())
    sampler.processes([own], 1.0)
    row = sampler.processes([own], 2.0)[0]
    assert (row.gpu_index, row.gpu_percent, row.gpu_memory_percent) == (1, 40.0, 12.5)


def used_by(library: types.SimpleNamespace, pid: int = 7, memory: int | None = 2**30) -> GpuMeter:
    """A meter of two GPUs, on which one process runs."""
    library.nvmlDeviceGetComputeRunningProcesses = lambda handle: (
        [types.SimpleNamespace(pid=pid, usedGpuMemory=memory)] if handle == 0 else []
    )
    return GpuMeter(library)


@pytest.mark.parametrize(
    ("answer", "percent"),
    [
        (lambda *_given: [], 0.0),
        (fails(6), 0.0),  # not found: there is no sample since the last look
        (fails(3), math.nan),  # not supported
        (lambda *_given: [types.SimpleNamespace(pid=7, smUtil=40, timeStamp=1)], 40.0),
        (lambda *_given: [types.SimpleNamespace(pid=7, smUtil=2**32 - 5, timeStamp=1)], math.nan),
        (lambda *_given: [types.SimpleNamespace(pid=40_007, smUtil=40, timeStamp=1)], math.nan),
    ],
)
def test_a_process_that_does_nothing_has_no_share_and_one_that_is_not_told_of_has_none_known(
    answer: Callable[..., Any], percent: float
) -> None:
    library = two_gpus()
    library.nvmlDeviceGetProcessUtilization = answer
    assert used_by(library).processes()[7].percent == pytest.approx(percent, nan_ok=True)


def test_samples_are_asked_for_since_the_last_ones() -> None:
    asked, library = [], two_gpus()

    def samples(handle: int, since: int) -> list[types.SimpleNamespace]:
        asked.append((handle, since))
        return [types.SimpleNamespace(pid=7, smUtil=40, timeStamp=100 + len(asked))]

    library.nvmlDeviceGetProcessUtilization = samples
    meter = used_by(library)
    meter.processes()
    meter.processes()
    assert asked == [(0, 0), (1, 0), (0, 101), (1, 102)]


@pytest.mark.parametrize("memory", [None, 2**64 - 1])
def test_what_a_driver_marks_as_not_available_is_unknown(memory: int | None) -> None:
    library = two_gpus()
    library.nvmlDeviceGetPowerUsage = lambda handle: 2**32 - 1
    library.nvmlDeviceGetTemperature = lambda handle, kind: 2**32 - 1
    library.nvmlDeviceGetMemoryInfo = lambda handle: types.SimpleNamespace(total=0, used=0)
    meter = used_by(library, memory=memory)
    first = meter.look()[0]
    assert all(math.isnan(each) for each in (first.power_w, first.temperature_c, first.memory_percent))
    assert math.isnan(meter.processes()[7].memory_percent)


def test_a_gpu_that_is_lost_is_looked_at_on() -> None:
    library = two_gpus()
    meter = GpuMeter(library)
    for name in vars(library):
        if name.startswith("nvmlDevice"):
            setattr(library, name, fails(15))
    first, _second = meter.look()
    assert first.name == "A GPU"
    assert all(math.isnan(each) for each in (first.percent, first.memory_bytes, first.memory_percent, first.clock_hz))
    assert meter.processes() == {}


def test_the_busiest_gpu_is_told_though_another_tells_nothing(tmp_path: Path) -> None:
    for silent in (0, 1):
        library = two_gpus()

        def rates(handle: int, silent: int = silent) -> types.SimpleNamespace:
            if handle == silent:
                raise NvmlError
            return types.SimpleNamespace(gpu=50)

        library.nvmlDeviceGetUtilizationRates = rates
        status = WorkerStatus()
        HealthMeter(tmp_path, GpuMeter(library)).fill(status)
        assert status.gpu_load_percent == 50.0


def test_without_a_gpu_there_is_one_row() -> None:
    meter = GpuMeter(types.SimpleNamespace(NVMLError=NvmlError, nvmlInit=fails(9)))
    rows = Sampler(meter).systems(1.0)
    assert [row.gpu_index for row in rows] == [-1]
    assert math.isnan(rows[0].gpu_percent)
    assert rows[0].memory_bytes == psutil.virtual_memory().total


def test_a_busy_process_shows_its_processor_time() -> None:
    burn = "import sys\nprint(flush=True)\nwhile True: pass"
    with subprocess.Popen([sys.executable, "-c", burn], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        sampler = Sampler(
            GpuMeter(types.SimpleNamespace(NVMLError=NvmlError, nvmlInit=lambda: None, nvmlDeviceGetCount=lambda: 0))
        )
        own = ("s", "l", "p", process.pid)
        assert sampler.processes([own], 0.0) == []
        seen = 0.0
        while not seen:
            seen = sampler.processes([own], 0.0)[0].cpu_percent
        process.kill()
    assert seen > 0
    assert sampler.processes([], 0.0) == []


def test_a_model_that_is_not_there_fails_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ProfileFailed, match=r"nowhere\.onnx"):
        Profiling(tmp_path).run(ProfileOrder(model=str(tmp_path / "nowhere.onnx"), iterations=1))


def test_a_model_is_profiled_by_what_the_workers_handlers_may_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cpu, model = "CPUExecutionProvider", "shipped:digits-mlp.onnx"
    profiling = Profiling(tmp_path, lambda: (cpu,))
    told = msgspec.json.decode(profiling.run(ProfileOrder(model=model, iterations=1)))
    assert (told["provider"], told["time_kind"]) == (cpu, "thread CPU")
    assert caplog.text == ""
    with pytest.raises(ProfileFailed, match=f"'azure' is not on this worker; it has {cpu}"):
        profiling.run(ProfileOrder(model=model, iterations=1, providers=("azure",)))


def test_models_that_ship_or_were_uploaded_are_profiled_with_the_digest_of_their_file(tmp_path: Path) -> None:
    content = (bundled_weights.folder() / "digits-mlp.onnx").read_bytes()
    upload = put(content, tmp_path)
    told = [
        msgspec.json.decode(Profiling(tmp_path).run(ProfileOrder(model=model, iterations=1)))
        for model in (upload, "shipped:digits-mlp.onnx")
    ]
    assert [one["file_sha256"] for one in told] == [upload.removeprefix("upload:")] * 2
    assert told[0]["layers"]
    with pytest.raises(ProfileFailed, match=r"none\.onnx"):
        Profiling(tmp_path).run(ProfileOrder(model="shipped:none.onnx", iterations=1))


def test_what_an_item_costs_to_move_is_known_after_enough_of_them() -> None:
    meter = MovingMeter()
    meter.look(1000, 5.0)
    meter.look(1010, 5.5)
    assert math.isnan(meter.item_cpu_s)
    meter.look(1110, 5.6)
    assert meter.item_cpu_s == pytest.approx(0.001)
    meter.look(1210, 5.9)
    assert meter.item_cpu_s == pytest.approx(0.001 + 0.3 * 0.002)
    meter.look(0, 0.0)  # the host began anew
    meter.look(100, 0.1)
    assert meter.item_cpu_s == pytest.approx(0.0016 - 0.3 * 0.0006)


def test_what_a_process_below_the_worker_takes_is_its_own_load() -> None:
    clock_s = [0.0]
    load = OwnLoad(lambda: clock_s[0])
    assert math.isnan(load.used_cores)
    code = "import time\nwhile time.process_time() < 0.5: pass\nprint('done', flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as busy:
        assert busy.stdout is not None
        assert busy.stdout.readline()
        clock_s[0] = 1.0
        load.look()
        busy.communicate(b"\n")
    assert 0.45 < load.used_cores < 2.0
    assert load.used_cores <= load.busy_cores + 0.3
