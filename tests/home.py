"""What environment.t and threats.t share: runs of the program in surroundings
of any kind."""

import contextlib
import ctypes
import functools
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import traceback

import harness
import smtpd

HEADER = (b'From: alice@example.com\r\nTo: bob@example.org\r\n'
          b'Subject: hello\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\n'
          b'Message-ID: <1@example.com>\r\n')
MESSAGE = HEADER + b'\r\nHello.\r\n'
# The same mail by -bs.
SERVE = (b'EHLO client\r\nMAIL FROM:<alice@example.com>\r\n'
         b'RCPT TO:<bob@example.org>\r\nDATA\r\n' + MESSAGE + b'.\r\nQUIT\r\n')
LARGE = HEADER + b'\r\n' + (b'x' * 78 + b'\r\n') * 50000
NOBODY = 65534
HANG = harness.WAIT
# A test that only fetches its packages runs before there is a program.
SANITIZED = os.path.exists(harness.SENDLING) and \
    b'__asan_init' in pathlib.Path(harness.SENDLING).read_bytes()
# Nothing of the caller's environment reaches the program but what makes
# sanitizers speak up.
SPEAK_UP = {name: value for name, value in os.environ.items()
            if name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS')}
LIBC = ctypes.CDLL(None, use_errno=True)
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
MS_REC, MS_PRIVATE = 16384, 1 << 18
JOURNAL = '/run/systemd/journal'
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET = 0x20000, 0x4000000, 0x40000000


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


@functools.cache
def on_disk():
    """A folder for temporary files that a spool may be in, as memory is refused
    to one; where there is none, the usual one."""
    folders = [tempfile.gettempdir(), '/var/tmp']
    mounts = [line.split() for line in
              pathlib.Path('/proc/self/mounts').read_text().splitlines()]
    for folder in folders:
        path = os.path.join(os.path.realpath(folder), '')
        _, kind = max((len(mount[1]), mount[2]) for mount in mounts
                      if path.startswith(os.path.join(mount[1], '')))
        if kind not in ('tmpfs', 'ramfs'):
            return folder
    return folders[0]


class Home:
    """A folder that others may enter, with the program in it under its names
    and what a run needs."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='home', dir=on_disk()))
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


def run_tests(names, *more):
    """Runs the functions called test_... of these names, each with a home and
    what else it wants: a box (a strict server), a certificate, beside which are
    those that make_certificates() makes with `more'. With words on the command
    line only those whose names hold one of them."""
    t = harness.Tap()
    with tempfile.TemporaryDirectory() as folder:
        certificate = harness.make_certificates(folder, *more)
        for name, test in names.items():
            if not name.startswith('test_') or sys.argv[1:] and \
                    not any(word in name for word in sys.argv[1:]):
                continue
            wanted = test.__code__.co_varnames[2:test.__code__.co_argcount]
            start = time.monotonic()
            with Home() as home, smtpd.Server() as box:
                given = {'box': box, 'certificate': certificate}
                try:
                    test(t, home, *(given[name] for name in wanted))
                except Exception:  # the tests behind it are run all the same
                    t.ok(False, f'{name} died', traceback.format_exc())
            if os.environ.get('TEST_TIMES'):
                t.note(f'{name}: {time.monotonic() - start:.1f} s')
    return t.end()


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
    # The journal of this machine is not for what tests say.
    if os.path.isdir(JOURNAL):
        mount('none', JOURNAL, 'tmpfs')


def become(user):
    os.setgroups([])
    os.setgid(user)
    os.setuid(user)


def listening(folder, name):
    """A log that is open to all, in a folder that is made."""
    folder.mkdir(exist_ok=True)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    (folder / name).unlink(missing_ok=True)
    log.bind(str(folder / name))
    (folder / name).chmod(0o666)
    log.settimeout(0)
    return log


def syslog(home):
    """A folder to be mounted over /dev, and its log."""
    return home.path / 'dev', listening(home.path / 'dev', 'log')


def journal(home):
    """A journal that is where systemd has its own, once the function has been
    called behind private_mounts()."""
    log = listening(home.path / 'journal', 'socket')

    def enter():
        mount('none', '/run', 'tmpfs')
        os.makedirs(JOURNAL)
        mount(home.path / 'journal', JOURNAL, flags=MS_BIND)
    return enter, log


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


def trace(home, calls, *argv, **more):
    """A run, and the lines of strace."""
    path = home.path / 'trace'
    path.unlink(missing_ok=True)
    run = home.run(*argv, under=['strace', '-f', '-qq', '-s', '100000', '-e',
                                 'signal=none', '-e', 'trace=' + calls, '-o',
                                 path], **more)
    return run, path.read_text(errors='replace').splitlines()
