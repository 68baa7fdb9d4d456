"""Each case runs in a process of its own: airplane mode cannot be taken back."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlxtwin.errors import AirplaneMode
from mlxtwin.security import airplane

ROOT = Path(__file__).resolve().parents[2]
TRY = """
import os, socket, sys
from mlxtwin.errors import AirplaneMode
from mlxtwin.security import airplane

def refused(action, *arguments):
    try:
        action(*arguments)
    except AirplaneMode as error:
        assert error.exit_code == 3 and "pull" in error.hint
        return True
    except OSError:
        pass
    return False

def tcp(): return socket.socket(socket.AF_INET, socket.SOCK_STREAM)
def tcp6(): return socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
def udp(): return socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
def unix(): return socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
"""


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-c", TRY + program, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment,
    )


def passes(program: str, *arguments: str) -> None:
    done = run(program, *arguments)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short enough for a Unix socket."""
    folder = Path(tempfile.mkdtemp(prefix="tw"))
    yield folder
    shutil.rmtree(folder)


OUTSIDE = [
    "tcp().connect, ('192.0.2.1', 80)",
    "tcp().connect_ex, ('192.0.2.1', 80)",
    "tcp6().connect, ('2001:db8::1', 80)",
    "tcp6().connect, ('::ffff:192.0.2.1', 80)",
    "tcp().bind, ('0.0.0.0', 0)",
    "tcp().bind, ('', 0)",
    "tcp6().bind, ('::', 0)",
    "udp().sendto, b'x', ('192.0.2.1', 53)",
    "udp().sendmsg, [b'x'], [], 0, ('192.0.2.1', 53)",
    "socket.create_connection, ('192.0.2.1', 80)",
    "socket.getaddrinfo, 'example.org', 80",
    "socket.getaddrinfo, '127.0.0.1.example.org', 80",
    "socket.getaddrinfo, b'example.org', 80",
    "socket.getaddrinfo, '192.0.2.1', 80",
    "socket.gethostbyname, 'example.org'",
    "socket.gethostbyname_ex, 'example.org'",
    "socket.gethostbyaddr, '192.0.2.1'",
    "socket.getnameinfo, ('192.0.2.1', 80), 0",
]
INSIDE = [
    "tcp().connect, ('127.0.0.1', 9)",
    "tcp().connect, ('127.3.2.1', 9)",
    "tcp().connect, ('localhost', 9)",
    "tcp6().connect, ('::1', 9)",
    "tcp().bind, ('127.0.0.1', 0)",
    "udp().sendto, b'x', ('127.0.0.1', 9)",
    "socket.getaddrinfo, 'localhost', 80",
    "socket.getaddrinfo, '127.0.0.1', 80",
    "socket.getaddrinfo, None, 80",
    "unix().connect, '/nowhere/at/all'",
]


def test_every_way_out_is_refused() -> None:
    checks = "\n".join(f"assert refused({action}), {action!r}" for action in OUTSIDE)
    passes(f"airplane.engage()\n{checks}")


def test_loopback_and_unix_sockets_are_not() -> None:
    checks = "\n".join(f"assert not refused({action}), {action!r}" for action in INSIDE)
    passes(f"airplane.engage()\n{checks}")


def test_the_same_calls_are_free_before_it_is_engaged() -> None:
    """So that the cases above can fail: binding every interface harms nobody."""
    passes("assert not refused(tcp().bind, ('0.0.0.0', 0)); assert not airplane.is_engaged()")


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="no other kind of socket here to try")
def test_other_kinds_of_sockets_are_refused() -> None:
    passes("airplane.engage()\nassert refused(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind, (0, 0))")


def test_a_named_host_can_be_allowed_and_no_other() -> None:
    passes(
        "airplane.engage(allow_hosts=frozenset({'0.0.0.0'}))\n"
        "assert not refused(tcp().bind, ('0.0.0.0', 0))\n"
        "assert refused(tcp().bind, ('', 0))\n"
        "airplane.engage(allow_hosts=frozenset({''}))\n"
        "assert refused(tcp().bind, ('', 0))"
    )


def test_the_hub_library_is_told_before_it_is_imported() -> None:
    passes(
        "airplane.engage()\n"
        "from huggingface_hub import constants\n"
        "assert constants.HF_HUB_OFFLINE and constants.HF_HUB_DISABLE_TELEMETRY and constants.HF_HUB_DISABLE_XET"
    )


def test_http_gives_up_at_once_with_our_error() -> None:
    passes("import urllib.request\nairplane.engage()\nassert refused(urllib.request.urlopen, 'http://example.org/')")


def test_a_real_connection_over_loopback_works(listener: socket.socket) -> None:
    passes(
        "airplane.engage()\nsocket.create_connection(('127.0.0.1', int(sys.argv[1])), 5).close()",
        str(listener.getsockname()[1]),
    )


def test_online_is_quiet_and_puts_the_environment_back() -> None:
    passes(
        "os.environ['HF_HUB_OFFLINE'] = '1'; os.environ.pop('HF_HUB_DISABLE_XET', None)\n"
        "before = dict(os.environ)\n"
        "with airplane.online():\n"
        "    assert 'HF_HUB_OFFLINE' not in os.environ\n"
        "    assert os.environ['HF_HUB_DISABLE_XET'] == os.environ['HF_HUB_DISABLE_TELEMETRY'] == '1'\n"
        "assert dict(os.environ) == before\n"
        "assert not refused(tcp().bind, ('0.0.0.0', 0))"
    )


def test_online_is_refused_once_the_network_is_off() -> None:
    passes("airplane.engage()\nassert refused(airplane.online().__enter__)")


LEAVE = """
held = airplane.deny_network()
assert held == "namespace", held
"""


@pytest.fixture
def namespaces() -> None:
    if airplane.enforced_by() != "namespace":
        pytest.skip("this system lets no process make a network namespace")


@pytest.mark.usefixtures("namespaces")
def test_without_its_network_a_process_reaches_no_listener_of_another(listener: socket.socket) -> None:
    port = str(listener.getsockname()[1])
    reach = "socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\n"
    passes(reach, port)
    done = run(LEAVE + reach, port)
    assert done.returncode == 1
    assert "unreachable" in done.stderr


@pytest.mark.usefixtures("namespaces")
def test_without_its_network_it_still_writes_as_its_owner_and_talks_by_named_sockets(short: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(short / "s"))
        server.listen()
        passes(
            "was = os.getuid(), os.getgid()\n" + LEAVE + "assert was == (os.getuid(), os.getgid())\n"
            "open(sys.argv[1] + '/file', 'w').write('words')\n"
            "os.chmod(sys.argv[1] + '/file', 0o600)\n"
            "unix_socket = unix(); unix_socket.connect(sys.argv[1] + '/s'); unix_socket.sendall(b'here')",
            str(short),
        )
        connection, _ = server.accept()
        with connection:
            assert connection.recv(4) == b"here"
    written = (short / "file").stat()
    assert (written.st_uid, written.st_gid) == (os.getuid(), os.getgid())


@pytest.mark.usefixtures("namespaces")
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become somebody else")
def test_an_unprivileged_process_keeps_its_user_too(short: Path) -> None:
    os.chown(short, 12345, 12345)
    passes(
        "import ctypes\n"
        "os.setgroups([]); os.setresgid(12345, 12345, 12345); os.setresuid(12345, 12345, 12345)\n"
        # Becoming somebody else closes /proc/self to the process itself; a normal login has it open.
        "ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n" + LEAVE + "assert (os.getuid(), os.getgid()) == (12345, 12345)\n"
        "open(sys.argv[1] + '/file', 'w').write('words')\n"
        "assert not airplane._can_reach_loopback()",
        str(short),
    )
    written = (short / "file").stat()
    assert (written.st_uid, written.st_gid) == (12345, 12345)


def test_a_process_with_several_threads_is_left_as_it_was(listener: socket.socket) -> None:
    passes(
        "import threading\n"
        "stop = threading.Event(); threading.Thread(target=stop.wait, daemon=True).start()\n"
        "assert airplane.deny_network() == 'hook'\n"
        "socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5).close(); stop.set()",
        str(listener.getsockname()[1]),
    )


@pytest.mark.usefixtures("namespaces")
def test_a_system_that_grants_only_half_leaves_the_process_whole() -> None:
    passes(
        "real = airplane._leave_network\n"
        "airplane._leave_network = lambda: (real(), False)[1]\n"
        "assert airplane.deny_network() == 'hook'\n"
        "assert airplane._can_reach_loopback()"
    )


def test_asking_what_would_hold_changes_nothing_here() -> None:
    assert airplane.enforced_by() in airplane.SENTENCES
    assert airplane._can_reach_loopback()
    assert not airplane.is_engaged()


def test_what_would_hold_is_only_the_hook_where_nothing_else_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    assert airplane.enforced_by() == "hook"


def test_the_mac_profile_denies_the_network_and_keeps_unix_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = airplane.SANDBOX_PROFILE
    assert rules.index("(allow default)") < rules.index("(deny network*)") < rules.index("unix-socket")
    assert rules.count("(") == rules.count(")")
    monkeypatch.setattr(sys, "platform", "linux")
    assert airplane.sandbox_command() == []


@pytest.mark.mac
@pytest.mark.skipif(sys.platform != "darwin", reason="needs macOS")
def test_on_a_mac_the_sandbox_holds() -> None:
    assert airplane.enforced_by() == "sandbox"


def test_the_refusal_is_one_of_ours() -> None:
    assert issubclass(AirplaneMode, Exception)
    done = run("airplane.engage()\nsocket.gethostbyname('example.org')")
    assert "AirplaneMode: A connection to example.org was refused" in done.stderr
