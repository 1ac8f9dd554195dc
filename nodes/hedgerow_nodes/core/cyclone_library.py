"""The functions of Cyclone's C library that the binding does not wrap; they run without the interpreter's lock."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from cyclonedds.internal import DDS

library = DDS._dll_handle

_SERDATA_KIND_DATA = 2
_READ_ONLY = 0x100  # PyBUF_READ
_TAKEN_AT_ONCE = 16
_UNBUFFERED = 2  # _IONBF


class _Part(ctypes.Structure):
    """A C `iovec`."""

    _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))


class _SampleInfo(ctypes.Structure):
    """A C `dds_sample_info_t`."""

    _fields_ = (
        ("states", ctypes.c_int32 * 3),
        ("valid_data", ctypes.c_bool),
        ("source_timestamp", ctypes.c_int64),
        ("handles", ctypes.c_uint64 * 2),
        ("counts_and_ranks", ctypes.c_uint32 * 5),
    )


def function(name: str, result: Any, *argument_types: Any) -> Any:
    """A function of the library by its C name."""
    found = library[name]  # indexing makes an object of its own: the binding sets other types on the shared one
    found.restype, found.argtypes = result, argument_types
    return found


_entity = ctypes.c_int32
_code = ctypes.c_int32
_pointer = ctypes.c_void_p

create_domain = function("dds_create_domain", _entity, ctypes.c_uint32, ctypes.c_char_p)
delete = function("dds_delete", _code, _entity)
write_flush = function("dds_write_flush", _code, _entity)
write_set_batch = function("dds_write_set_batch", None, ctypes.c_bool)
waitset_attach = function("dds_waitset_attach", _code, _entity, _entity, ctypes.c_ssize_t)
waitset_wait = function("dds_waitset_wait", _code, _entity, _pointer, ctypes.c_size_t, ctypes.c_int64)
matched_subscriptions = function("dds_get_matched_subscriptions", _code, _entity, _pointer, ctypes.c_size_t)
set_deafmute = function("dds_domain_set_deafmute", _code, _entity, ctypes.c_bool, ctypes.c_bool, ctypes.c_int64)
_entity_sertype = function("dds_get_entity_sertype", _code, _entity, ctypes.POINTER(_pointer))
_writecdr = function("dds_writecdr", _code, _entity, _pointer)
_takecdr = function(
    "dds_takecdr",
    _code,
    _entity,
    ctypes.POINTER(_pointer),
    ctypes.c_uint32,
    ctypes.POINTER(_SampleInfo),
    ctypes.c_uint32,
)
_serdata_of_parts = function(
    "ddsi_serdata_from_ser_iov",
    _pointer,
    _pointer,
    ctypes.c_int,
    ctypes.c_size_t,
    ctypes.POINTER(_Part),
    ctypes.c_size_t,
)
_serdata_size = function("ddsi_serdata_size", ctypes.c_uint32, _pointer)
_serdata_hold = function(
    "ddsi_serdata_to_ser_ref", _pointer, _pointer, ctypes.c_size_t, ctypes.c_size_t, ctypes.POINTER(_Part)
)
_serdata_release = function("ddsi_serdata_to_ser_unref", None, _pointer, ctypes.POINTER(_Part))
_serdata_unref = function("ddsi_serdata_unref", None, _pointer)
_libc = ctypes.CDLL(None)
_fdopen, _setvbuf = _libc["fdopen"], _libc["setvbuf"]
_fdopen.restype, _fdopen.argtypes = _pointer, (ctypes.c_int, ctypes.c_char_p)
_setvbuf.argtypes = (_pointer, ctypes.c_char_p, ctypes.c_int, ctypes.c_size_t)
_stderr = _pointer.in_dll(_libc, "stderr")
_memoryview = ctypes.pythonapi["PyMemoryView_FromMemory"]
_memoryview.restype, _memoryview.argtypes = ctypes.py_object, (_pointer, ctypes.c_ssize_t, ctypes.c_int)


def triggers(count: int) -> Any:
    """Room for what `waitset_wait` tells: the number with which each was attached that has triggered."""
    return (ctypes.c_ssize_t * count)()


def open_stream(descriptor: int) -> int:
    """A C stream that writes to a file descriptor, unbuffered."""
    stream: int = _fdopen(descriptor, b"w")
    _setvbuf(stream, None, _UNBUFFERED, 0)
    return stream


@contextmanager
def logging_to(stream: int) -> Iterator[None]:
    """Domains that are made inside log to this stream: the library keeps for each what `stderr` was at that time."""
    before, _stderr.value = _stderr.value, stream
    try:
        yield
    finally:
        _stderr.value = before


def write_parts(writer: int, parts: Sequence[bytes | memoryview]) -> int:
    """Write an encoded sample that lies in several places: the only copy is the one that the library keeps.

    Returns a code below 0 where the library refused the sample.
    """
    held = [np.frombuffer(part, np.uint8) for part in parts if len(part)]
    places = (_Part * len(held))(*[_Part(part.ctypes.data, part.size) for part in held])
    sertype = _pointer()
    code: int = _entity_sertype(writer, ctypes.byref(sertype))
    if code < 0:
        return code
    serdata = _serdata_of_parts(sertype, _SERDATA_KIND_DATA, len(held), places, sum(part.size for part in held))
    if not serdata:
        return -3  # DDS_RETCODE_BAD_PARAMETER: the bytes are no sample of the type
    written: int = _writecdr(writer, serdata)
    return written


def take_views(reader: int, mask: int, handle: Callable[[memoryview], None]) -> int:
    """Take all samples and show each where the library keeps it; a view is gone when `handle` returns.

    Returns how many were shown, or a code below 0.
    """
    pointers, infos = (_pointer * _TAKEN_AT_ONCE)(), (_SampleInfo * _TAKEN_AT_ONCE)()
    shown = 0
    while True:
        count: int = _takecdr(reader, pointers, _TAKEN_AT_ONCE, infos, mask)
        if count < 0:
            return count
        at = 0
        try:
            for at in range(count):
                if infos[at].valid_data:
                    _show(pointers[at], handle)
                    shown += 1
                _serdata_unref(pointers[at])
        except BaseException:
            for left in range(at, count):
                _serdata_unref(pointers[left])
            raise
        if count < _TAKEN_AT_ONCE:
            return shown


def _show(serdata: int | None, handle: Callable[[memoryview], None]) -> None:
    place, size = _Part(), _serdata_size(serdata)
    held = _serdata_hold(serdata, 0, size, ctypes.byref(place))
    try:
        with _memoryview(place.base, size, _READ_ONLY) as view:
            handle(view)
    finally:
        _serdata_release(held, ctypes.byref(place))
