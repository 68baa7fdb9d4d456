"""No network: an audit hook in every process, and, for those that load models, none from the operating system either.

The hook sees what Python's own sockets do. It does not see native code that opens sockets by itself, nor programs
that this process starts; and a name (not an address) given straight to ``connect`` is looked up before the hook is
asked, which then refuses. ``deny_network`` closes all three where the system allows it.

Sources: Python's audit events table; user_namespaces(7) and network_namespaces(7); the macOS part is written from
sandbox-exec(1) and Apple's own profiles and was not yet run on a Mac.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import ipaddress
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from mlxtwin.errors import AirplaneMode

Enforced = Literal["namespace", "sandbox", "hook"]
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
QUIET = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "DO_NOT_TRACK": "1"}
# Event -> where in its arguments the address is; these come with a socket first.
SOCKET_EVENTS = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.sendmsg": 1}
# Event -> where the name or address to look up is.
LOOKUP_EVENTS = {"socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0, "socket.getnameinfo": 0}
HINT = "Only `mlxtwin pull` uses the network."
CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
SANDBOX = "/usr/bin/sandbox-exec"
# Later rules win: everything stays allowed but the network, of which Unix sockets stay.
SANDBOX_PROFILE = (
    "(version 1) (allow default) (deny network*)"
    " (allow network* (remote unix-socket)) (allow network* (local unix-socket))"
)
SANDBOX_LOOPBACK = ' (allow network* (remote ip "localhost:*")) (allow network* (local ip "localhost:*"))'
SENTENCES: dict[str, str] = {
    "namespace": "Worker and engine run in a namespace that has no network; every process has the audit hook.",
    "sandbox": "The worker and the engine run in a sandbox without network; every process has the audit hook.",
    "hook": "Only the audit hook of Python: native code could open a connection unseen.",
}
_PROBE_SECONDS = 20

_engaged = threading.Event()


def engage(*, allow_hosts: frozenset[str] = frozenset()) -> None:
    """Turn the network off for the life of this process; call it before anything that might read the environment.

    ``allow_hosts`` are names or addresses, compared as they are given. A second call changes nothing.
    """
    os.environ.update(OFFLINE | QUIET)
    if _engaged.is_set():
        return
    _engaged.set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith("socket."):
            _judge(event, arguments, allow_hosts)

    sys.addaudithook(hook)


def is_engaged() -> bool:
    return _engaged.is_set()


@contextmanager
def online() -> Iterator[None]:
    """For ``pull`` alone: the network stays on, telemetry and native transfers off, the environment as before after.

    Raises AirplaneMode in a process that has engaged it: that cannot be taken back.
    """
    if _engaged.is_set():
        raise AirplaneMode("This process has turned the network off for good.", HINT)
    before = {name: os.environ.get(name) for name in OFFLINE | QUIET}
    os.environ.update(QUIET)
    for name in OFFLINE:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def deny_network(*, loopback: bool = False) -> Enforced:
    """Leave the network, for good, and say what holds from now on; never raises.

    Linux: a network namespace of its own, where not even loopback is up; needs a process with one thread. Who owns
    this process and the files it writes stays the same. Path-named Unix sockets stay, abstract ones (such as some
    session buses) do not. With ``loopback`` that alone is up, for this process and those
    it starts. macOS: this cannot be done from inside; start the process under ``sandbox_command()``.
    """
    leave = _leave_for_loopback if loopback else _leave_network
    if sys.platform == "linux" and _one_thread() and _in_child(leave) and leave():
        return "namespace"
    if sys.platform == "darwin" and not _can_reach_loopback():
        return "sandbox"
    return "hook"


def sandbox_command(*, loopback: bool = False) -> list[str]:
    """What to put before a command on macOS so that it has no network, or only loopback; empty elsewhere."""
    if sys.platform == "darwin" and Path(SANDBOX).exists():
        return [SANDBOX, "-p", SANDBOX_PROFILE + (SANDBOX_LOOPBACK if loopback else "")]
    return []


def enforced_by() -> Enforced:
    """What would hold for a worker started now: tried in a child, which then looks whether a way out is left."""
    names: tuple[Enforced, ...] = ("hook", "namespace", "sandbox")
    program = (
        "import mlxtwin.security.airplane as a; held = a.deny_network();"
        f"raise SystemExit(10 + {names!r}.index('hook' if a._network_left() else held))"
    )
    command = [*sandbox_command(), sys.executable, "-c", program]
    with suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(command, capture_output=True, timeout=_PROBE_SECONDS, check=False, env=_child_env())
        if done.returncode in range(10, 13):
            return names[done.returncode - 10]
    return "hook"


def _child_env() -> dict[str, str]:
    """So that the child finds this package however it was found here."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _judge(event: str, arguments: tuple[Any, ...], allow_hosts: frozenset[str]) -> None:
    if event in SOCKET_EVENTS:
        address = arguments[SOCKET_EVENTS[event]]
        if arguments[0].family == socket.AF_UNIX or address is None:
            return
        if arguments[0].family not in (socket.AF_INET, socket.AF_INET6):
            raise AirplaneMode("A socket of a kind that could leave this machine was refused.", HINT)
        host = address[0] if isinstance(address, tuple) and address else ""
    elif event in LOOKUP_EVENTS:
        host = arguments[LOOKUP_EVENTS[event]]
        host = host[0] if event == "socket.getnameinfo" and isinstance(host, tuple) else host
        if host is None:
            return
    else:
        return
    name = host.decode("ascii", "replace") if isinstance(host, bytes | bytearray) else str(host)
    if name not in allow_hosts and not _is_loopback(name):
        raise AirplaneMode(f"A connection to {name or 'any address'} was refused: the network is off.", HINT)


def _is_loopback(host: str) -> bool:
    """The empty name means every interface, so it is not loopback."""
    if host.casefold() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def _one_thread() -> bool:
    try:
        return len(list(Path("/proc/self/task").iterdir())) == 1
    except OSError:
        return False


def _in_child(attempt: Any) -> bool:
    """Try it where it can do no harm: some systems grant the first half and refuse the second."""
    try:
        child = os.fork()
    except OSError:
        return False
    if child == 0:
        try:
            os._exit(0 if attempt() else 1)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _leave_network() -> bool:
    """A privileged process needs no user namespace; any other maps its own user and group to themselves."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) == 0:
        return True
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0:
        return False
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    except OSError:
        return False
    return True


def _leave_for_loopback() -> bool:
    """A new namespace's own loopback begins down; raising it is its owner's right."""
    if not _leave_network():
        return False
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    except OSError:
        return False
    return True


def _network_left() -> bool:
    """Whether this process still has a way out. On Linux the routes tell, and no socket is opened."""
    if sys.platform != "linux":
        return _can_reach_loopback()
    try:
        routes = Path("/proc/self/net/route").read_text().splitlines()[1:]
        interfaces = {line.split()[0] for line in routes}
        sixth = Path("/proc/self/net/ipv6_route")
        interfaces |= {line.split()[-1] for line in sixth.read_text().splitlines()} if sixth.exists() else set()
    except (OSError, IndexError):
        return True
    return bool(interfaces - {"lo"})


def _can_reach_loopback() -> bool:
    """Port 9 of this machine: refused or accepted means there is a network stack, unreachable or denied that not."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        result = probe.connect_ex(("127.0.0.1", 9))
    return result not in (errno.ENETUNREACH, errno.EPERM, errno.EACCES, errno.EADDRNOTAVAIL)
