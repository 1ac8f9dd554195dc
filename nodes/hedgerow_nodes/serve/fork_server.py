"""The process that instances are forked from: it has imported what handlers need, and has never touched the bus."""

from __future__ import annotations

import array
import ctypes
import gc
import importlib
import os
import random
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import Any, NoReturn

import msgspec

from hedgerow_nodes.serve import instance
from hedgerow_nodes.serve.catalogue import load
from hedgerow_nodes.serve.handler import HandlerType
from hedgerow_nodes.serve.sender import FAILED_EXIT

HEAVY = ("numpy", "onnxruntime", "PIL.Image", "cv2")
MOST_MESSAGE_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Serve on the socket whose number is given first; the others are modules of handlers."""
    control = socket.socket(fileno=int(arguments[0]))
    for name in HEAVY:
        with suppress(ImportError):
            importlib.import_module(name)
    types, failures = load(arguments[1:])
    gc.collect()
    gc.freeze()  # what is here is shared with every child: the collector shall not write to it
    descriptions = [types[name].describe() for name in sorted(types)]
    _tell(control, {"did": "ready", "failures": failures, "catalogue": msgspec.to_builtins(descriptions)})
    _Server(control, types).serve()
    return 0


class _Server:
    def __init__(self, control: socket.socket, types: dict[str, HandlerType]) -> None:
        self._control = control
        self._types = types
        self._pids: dict[int, int] = {}
        self._woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_ignored: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        # A keyboard's interrupt goes to the whole group; the host says when it is enough.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._waker = waker

    def serve(self) -> None:
        """Fork and reap until the host is gone."""
        while True:
            readable, _, _ = select.select([self._control.fileno(), self._woken], [], [])
            if self._woken in readable:
                with suppress(BlockingIOError):
                    os.read(self._woken, 4096)
                self._reap()
            if self._control.fileno() in readable and not self._hear():
                break
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)
        for pid in self._pids.values():
            os.waitpid(pid, 0)

    def _hear(self) -> bool:
        try:
            data, ancillary, _flags, _address = self._control.recvmsg(4096, socket.CMSG_SPACE(4))
        except OSError:
            return False
        if not data:
            return False
        message = msgspec.msgpack.decode(data)
        if message["do"] == "spawn":
            descriptors = array.array("i")
            descriptors.frombytes(ancillary[0][2][:4])
            self._spawn(message["number"], socket.socket(fileno=descriptors[0]))
        elif message["do"] == "kill" and message["number"] in self._pids:
            os.kill(self._pids[message["number"]], message["signal"])
        return True

    def _spawn(self, number: int, connection: socket.socket) -> None:
        pid = os.fork()
        if pid == 0:
            self._become_instance(connection)
        connection.close()
        self._pids[number] = pid
        _tell(self._control, {"did": "spawned", "number": number, "pid": pid})

    def _become_instance(self, connection: socket.socket) -> NoReturn:
        code = FAILED_EXIT
        try:
            server = os.getppid()
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != server:
                os._exit(code)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (self._control.fileno(), self._woken, self._waker):
                os.close(descriptor)
            _seed()
            code = instance.run(connection, self._types)
        except BaseException as error:  # noqa: BLE001 - nothing may go on in the fork server's place
            sys.stderr.write(f"instance: {type(error).__name__}: {error}\n")
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            number = next((number for number, known in self._pids.items() if known == pid), None)
            if number is not None:
                del self._pids[number]
                code = os.waitstatus_to_exitcode(status)
                _tell(self._control, {"did": "exited", "number": number, "pid": pid, "code": code})


def _seed() -> None:
    """Children of one parent would draw the same numbers."""
    random.seed()
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(int.from_bytes(os.urandom(4), "little"))


def _tell(control: socket.socket, message: dict[str, Any]) -> None:
    with suppress(OSError):
        control.send(msgspec.msgpack.encode(message))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
