"""The only door to ONNX Runtime: on the processor, and without the telemetry that it begins when it is imported."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# Read once, while the library loads: later, `disable_telemetry_events` finds its files made already.
NO_TELEMETRY = "ORT_DISABLE_TELEMETRY"


class BrokenModel(Exception):
    """A file that ONNX Runtime cannot open as a model."""


def runtime() -> Any:
    """The library, imported with telemetry off: no device id, no data base in the user's cache folder, no uploads.

    Raises:
        ImportError: it is not installed.
    """
    os.environ[NO_TELEMETRY] = "1"
    import onnxruntime

    return onnxruntime


def session(path: Path, threads: int) -> Any:
    """An inference session with that number of threads.

    Raises:
        BrokenModel: the file is no ONNX model, or one of operators that are not known here.
    """
    library = runtime()
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # warnings are about graphs that it can run all the same
    states = library.capi.onnxruntime_pybind11_state
    broken = (states.Fail, states.InvalidGraph, states.InvalidProtobuf, states.InvalidArgument, states.NotImplemented)
    try:
        return library.InferenceSession(str(path), sess_options=options, providers=["CPUExecutionProvider"])
    except (*broken, states.NoSuchFile, states.RuntimeException, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise BrokenModel(f"{path.name} cannot be opened by ONNX Runtime: {reason}") from error
