"""The door to ONNX Runtime for parts: one thread by default, known providers only, and no telemetry."""

from __future__ import annotations

import contextlib
import functools
import io
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from hedgerow_nodes.partition.problems import ModelError, ProviderUnusable

Optimisation = Literal["full", "exact"]
"""`full`: all of ONNX Runtime's fusions and layouts. A cut may lie inside what it would fuse, so that a part rounds
otherwise than the whole does there. `exact`: none of them; every layer is the same kernel in a part and in the whole,
and results are equal bit for bit, at up to three times the work."""

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"

logger = logging.getLogger(__name__)


def runtime() -> Any:
    """The library; that it reports to nobody has to be said before it is imported."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    return onnxruntime


def checked_providers(providers: Sequence[str]) -> tuple[str, ...]:
    """The providers, all of them known here.

    Raises:
        ModelError: one is not there, or there is none.
    """
    known = runtime().get_available_providers()
    for name in providers:
        if name not in known:
            raise ModelError(f"execution provider {name!r} is not on this machine; there are: {', '.join(known)}")
    if not providers:
        raise ModelError(f"no execution provider is named; there are: {', '.join(known)}")
    return tuple(providers)


def open_session(
    source: Path | bytes,
    name: str,
    providers: Sequence[str] = (CPU,),
    threads: int = 1,
    optimisation: Optimisation = "full",
    profile_to: str = "",
    optimised_to: str = "",
) -> Any:
    """An inference session.

    Args:
        source: the model's file or its bytes; `name` is what errors call it.
        threads: inside an operator; those that wait sleep, so that they cost no processor time.
        profile_to: begin of the name of the file to which each operator's time is written.
        optimised_to: file to which the graph is written as it is run.

    Raises:
        ModelError: a provider that is not there, no model, or one with operators that are not known here.
        ProviderUnusable: the first provider is there, but finds no device or lacks a library; ONNX Runtime would run
            the model on the processor, and say so in its log alone.
    """
    library = runtime()
    options = library.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # warnings are about graphs that it can run all the same
    if optimisation == "exact":
        options.graph_optimization_level = library.GraphOptimizationLevel.ORT_DISABLE_ALL
    if profile_to:
        options.enable_profiling = True
        options.profile_file_prefix = profile_to
    if optimised_to:
        options.optimized_model_filepath = optimised_to
    content = source if isinstance(source, bytes) else str(source)
    chosen = list(checked_providers(providers))
    if CUDA in chosen:
        _load_cuda_libraries()
    try:
        session = library.InferenceSession(content, sess_options=options, providers=chosen, enable_fallback=0)
    except Exception as error:
        if type(error).__module__.split(".")[0] != "onnxruntime" and not isinstance(error, (RuntimeError, ValueError)):
            raise
        reason = f"ONNX Runtime cannot open {name}: {_said(error)}"
        if chosen[0] != CPU and _opens_on_processor(source, name):
            raise ProviderUnusable(_unusable(chosen[0], reason)) from error
        raise ModelError(reason) from error
    used = session.get_providers()
    if used[0] != chosen[0]:
        raise ProviderUnusable(_unusable(chosen[0], f"ONNX Runtime opened {name} with {', '.join(used)}"))
    return session


def _unusable(provider: str, reason: str) -> str:
    return (
        f"execution provider {provider!r} cannot be used on this machine: {reason}; "
        "it needs its device with free memory, the driver and its libraries"
    )


def _said(error: Exception) -> str:
    """In one line; of a failure of CUDA what failed, without the signatures that the library puts around it."""
    said = " ".join(str(error).split())
    _, failed, why = said.rpartition("CUDA failure ")
    return f"CUDA failure {why.split(' ; ')[0]}" if failed else said


def _opens_on_processor(source: Path | bytes, name: str) -> bool:
    """Whether it is not the model that is at fault."""
    try:
        open_session(source, name)
    except ModelError:
        return False
    return True


@functools.cache
def _load_cuda_libraries() -> None:
    """CUDA's libraries from NVIDIA's packages for pip, where no path leads to them; others are found as usual."""
    load = getattr(runtime(), "preload_dlls", None)
    if load is None:  # before version 1.21
        return
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        load()
    for line in said.getvalue().splitlines():
        logger.info("%s", line)


def run_session(session: Any, outputs: Sequence[str], feed: dict[str, Any], name: str) -> list[Any]:
    """One run.

    Raises:
        ModelError: an operator failed; the message is ONNX Runtime's.
    """
    try:
        return list(session.run(list(outputs), feed))
    except Exception as error:
        if type(error).__module__.split(".")[0] != "onnxruntime" and not isinstance(error, (RuntimeError, ValueError)):
            raise
        raise ModelError(f"{name} cannot be run: {_said(error)}") from error
