"""What environment.t and threats.t share: the strict server of smtpd.py inside
the test's own process, servers that play a function, and runs of the program
in surroundings of any kind."""

import contextlib
import ctypes
import os
import pathlib
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest.mock

import harness
import smtpd

HEADER = (b'From: alice@example.com\r\nTo: bob@example.org\r\n'
          b'Subject: hello\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
          b'Message-ID: <1@example.com>\r\n')
MESSAGE = HEADER + b'\r\nHello.\r\n'
LARGE = HEADER + b'\r\n' + (b'x' * 78 + b'\r\n') * 50000
NOBODY = 65534
HANG = 20  # seconds after which a run hangs
SANITIZED = b'__asan_init' in pathlib.Path(harness.SENDLING).read_bytes()
# Nothing of the caller's environment reaches the program but what makes
# sanitizers speak up.
SPEAK_UP = {name: value for name, value in os.environ.items()
            if name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS')}
LIBC = ctypes.CDLL(None, use_errno=True)
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x20000, 0x4000000, 0x40000000


class Postbox(smtpd.Server):
    """A strict server on a loopback port: what it took, what it was told, and
    how often somebody connected."""

    def __init__(self, certificates=None, users=(), without=(), refuse=(),
                 size=1 << 30):
        with unittest.mock.patch.object(sys, 'argv', ['', '--folder', '/']):
            options = smtpd.options_parse()
        if certificates:
            options.cert = f'{certificates}/good.pem'
            options.key = f'{certificates}/good.key'
        super().__init__(options)
        self.users = dict(users)
        self.refusals = dict(refuse)
        self.without = set(without)
        self.size = size
        self.mailbox = self
        self.lock = threading.Lock()
        self.clear()
        self.idle = threading.Condition()
        self.open = 0
        self.ports = {}
        self.listeners = []
        for service in ('smtp', 'smtps') if certificates else ('smtp',):
            self.bind(service)

    def clear(self):
        self.took, self.faults, self.heard, self.count = [], [], b'', 0

    def bind(self, service):
        listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.ports[service] = listener.getsockname()[1]
        self.listeners.append(listener)
        threading.Thread(target=self.serve, daemon=True,
                         args=(listener, service == 'smtps')).start()

    # What smtpd.Session asks of a mailbox.

    def keep(self, message, envelope):
        self.took.append((message, envelope))
        return len(self.took)

    def fault(self, text):
        self.faults.append(text)

    def write(self, name, content):
        """Nothing is kept in files."""

    # Connections.

    def serve(self, listener, implicit):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = listener.accept()
                with self.idle:
                    self.open += 1
                    self.count += 1
                threading.Thread(target=self.session, daemon=True,
                                 args=(sock, implicit)).start()

    def session(self, sock, implicit):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = smtpd.Session(sock, self.count, self, implicit)
        receive = session.line._receive

        def listen(timeout):
            chunk = receive(timeout)
            self.heard += chunk or b''
            return chunk

        session.line._receive = listen
        try:
            session.run()
        finally:
            with self.idle:
                self.open -= 1
                self.idle.notify_all()

    def settle(self):
        """Waits until everybody who came has left, and been heard out."""
        for listener in self.listeners:
            while select.select([listener], [], [], 0)[0]:
                time.sleep(0.001)
        with self.idle:
            self.idle.wait_for(lambda: self.open == 0, HANG)

    def commands(self):
        """What the client said up to the mail data."""
        return self.heard.partition(b'DATA\r\n')[0]

    def config(self, scheme='smtp+plain', *lines):
        port = self.ports['smtps' if scheme == 'smtps' else 'smtp']
        return '\n'.join([f'smarthost {scheme}://127.0.0.1:{port}',
                          'from alice@example.com', 'helo client.example',
                          *lines, ''])


class Play:
    """A server that plays one function with each connection."""

    def __init__(self, play):
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.heard, self.count = b'', 0
        self.play = play
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.count += 1
                with sock, contextlib.suppress(OSError):
                    sock.settimeout(HANG)
                    self.play(self, sock)

    def hear(self, sock, end):
        """Reads until the client has said `end`, or closed."""
        heard = b''
        while end not in heard:
            chunk = sock.recv(65536)
            if not chunk:
                break
            heard += chunk
            self.heard += chunk
        return heard

    def config(self, *lines):
        return '\n'.join([f'smarthost smtp+plain://127.0.0.1:{self.port}',
                          'from alice@example.com', 'helo client.example',
                          *lines, ''])

    def stop(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join(HANG)


class Done:
    """How a run ended."""

    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def words(self):
        return 'status %s\nstdout: %r\nstderr: %s' % (
            self.status, self.out[:2000],
            self.err[:4000].decode(errors='backslashreplace'))

    def silent(self):
        return self.out == b'' and self.err == b''


class Home:
    """A folder that others may enter, with the program in it under its names
    and what a run needs."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='home'))
        self.path.chmod(0o755)
        self.program = self.path / 'sendling'
        shutil.copy(harness.SENDLING, self.program)
        self.program.chmod(0o755)
        for name in ('sendmail', 'mailq', 'newaliases', 'send-mail'):
            (self.path / name).symlink_to('sendling')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, content='', mode=0o600, owner=0):
        path = self.path / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        if isinstance(content, str):
            content = content.encode()
        path.write_bytes(content)
        if os.geteuid() == 0:
            os.chown(path, owner, owner)
        path.chmod(mode)
        return path

    def config(self, text, name='config', mode=0o600, owner=0):
        """`log off` where the text says nothing of a log."""
        if '\nlog ' not in text:
            text += 'log off\n'
        return self.file(name, text, mode, owner)

    def start(self, *argv, name='sendling', config=None, environment=None,
              **more):
        """Starts the program as `name`, with the configuration file where one
        is given, and nothing in its environment but `environment`; `under`
        another program, as strace, where one is named."""
        if config is not None:
            argv = ('-C', config, *argv)
        more.setdefault('cwd', '/')
        environment = {**SPEAK_UP, **(environment or {})}
        if 'under' in more:
            return subprocess.Popen(
                [*more.pop('under'), self.path / name, *argv],
                env=environment, **more)
        return subprocess.Popen(
            [more.pop('zeroth', str(self.path / name)), *argv],
            executable=self.path / name, env=environment, **more)

    def run(self, *argv, stdin=MESSAGE, timeout=HANG, **more):
        """One whole run; stdin is bytes or whatever Popen takes."""
        given = isinstance(stdin, bytes)
        more.setdefault('stdout', subprocess.PIPE)
        more.setdefault('stderr', subprocess.PIPE)
        process = self.start(*argv, **more,
                             stdin=subprocess.PIPE if given else stdin)
        try:
            out, err = process.communicate(stdin if given else None, timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            return Done(None, out or b'', (err or b'') + b'it hangs\n')
        return Done(process.returncode, out or b'', err or b'')


# What is done in the child before exec, for preexec_fn.

def check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), 'in the child')


def mount(source, target, kind=None, flags=0, data=None):
    check(LIBC.mount(*(None if s is None else os.fsencode(s) for s in
                       (source, target, kind)), ctypes.c_ulong(flags),
                     None if data is None else data.encode()))


def private_mounts():
    """What is mounted from now on is seen by this process alone."""
    check(LIBC.unshare(CLONE_NEWNS))
    mount(None, '/', flags=MS_REC | MS_PRIVATE)


def become(user):
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def can_mount():
    """Whether a private mount namespace is to be had."""
    if os.geteuid() != 0:
        return False
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            private_mounts()
            mount('none', '/mnt', 'tmpfs')
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def in_order(*acts):
    """One preexec_fn of several."""
    def prepare():
        for act in acts:
            act()
    return prepare


def can_trace():
    """Whether strace is there and may trace. Who is not root sees nothing more
    once the program has hidden itself, and a sanitizer that looks for leaks
    cannot bear it."""
    with contextlib.suppress(OSError):
        return os.geteuid() == 0 and not SANITIZED and subprocess.run(
            ['strace', '-f', '-o', '/dev/null', 'true'],
            stderr=subprocess.DEVNULL).returncode == 0
    return False
