"""What the tests of the spool share: mails that are known by their number, a
server that can be told to fail, runs of the program under the injector, and
what the injector saw."""

import contextlib
import errno
import os
import pathlib
import pickle
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import harness  # noqa: E402
import smtpd  # noqa: E402
import tickets  # noqa: E402

INJECT = os.environ.get('INJECT', str(
    harness.TESTS.parent / 'build/tests/spool/inject'))
LIMIT = 60  # seconds, as the injector's own
USER, PASSWORD = 'alice', 'canary-5ecret'
HUNG = 'hung'
MARK = re.compile(rb'^Message-ID: <(\d+)@spool\.test>\r?$', re.M)
SANITIZED = b'__asan_init' in pathlib.Path(harness.SENDLING).read_bytes() \
    if os.path.exists(harness.SENDLING) else False
# Who is traced cannot look for leaks.
SPEAK_UP = {'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') +
            ':detect_leaks=0'} if SANITIZED else {}


# Mails

def mail(number, size=0):
    """As it is submitted. Nothing in it needs a repair."""
    text = ('From: alice@example.com\nTo: bob@example.org\n'
            'Subject: the mail %d\nDate: Sun, 22 Nov 2026 12:00:00 +0000\n'
            'Message-ID: <%d@spool.test>\n\n.dot\n..dots\n\nThe end.\n'
            % (number, number))
    lines = (size - len(text)) // 70
    return (text + ''.join('%069d\n' % i for i in range(lines))).encode()


def wired(message):
    """As a server gets it."""
    return message.replace(b'\n', b'\r\n')


def number_of(message):
    """None: it is none of ours, though it may quote one."""
    found = MARK.search(re.split(rb'\r?\n\r?\n', message[:4096])[0])
    return int(found[1]) if found else None


# The server

class Session(smtpd.Session):
    """Fails as its server was told to."""

    def mail(self, rest):
        if self.server.at_mail:
            self.reply(self.server.at_mail)
        else:
            super().mail(rest)

    def accept(self, message):
        server = self.server
        if server.at_end:
            self.reply(server.at_end)
            self.reset()
        elif server.lose:
            server.keep(message, self.envelope())
            raise smtpd.Gone
        elif server.drop:
            raise smtpd.Gone
        else:
            super().accept(message)

    COMMANDS = {**smtpd.Session.COMMANDS, 'MAIL': mail}


class Box(smtpd.Server):
    """at_mail and at_end: what is replied there; lose: takes a mail and closes
    without a word; drop: closes and takes none. Recipients are refused by
    `refusals'."""

    def __init__(self, *args, **more):
        self.mend()
        super().__init__(*args, **more)

    def mend(self):
        self.at_mail = self.at_end = None
        self.lose = self.drop = False
        self.refusals = {}

    def serve(self, sock, number, implicit):
        sock.setsockopt(smtpd.socket.SOL_TCP, smtpd.socket.TCP_NODELAY, 1)
        try:
            with contextlib.suppress(OSError, ValueError):
                Session(sock, number, self, implicit).run()
        finally:
            with self.changed:
                self.open -= 1
                self.changed.notify_all()


# Calls, by their numbers on the only processor that the injector knows.

NAMES = {
    0: 'read', 1: 'write', 2: 'open', 3: 'close', 7: 'poll', 8: 'lseek',
    9: 'mmap', 10: 'mprotect', 11: 'munmap', 12: 'brk', 17: 'pread64',
    15: 'rt_sigreturn', 18: 'pwrite64', 19: 'readv', 20: 'writev',
    28: 'madvise', 40: 'sendfile', 41: 'socket',
    42: 'connect', 44: 'sendto', 45: 'recvfrom', 46: 'sendmsg', 47: 'recvmsg',
    56: 'clone', 57: 'fork', 59: 'execve', 60: 'exit', 61: 'wait4',
    72: 'fcntl', 73: 'flock', 74: 'fsync', 75: 'fdatasync', 77: 'ftruncate',
    82: 'rename', 87: 'unlink', 91: 'fchmod', 93: 'fchown', 137: 'statfs',
    138: 'fstatfs', 202: 'futex', 217: 'getdents64', 230: 'clock_nanosleep',
    231: 'exit_group', 257: 'openat', 258: 'mkdirat', 262: 'newfstatat',
    263: 'unlinkat', 264: 'renameat', 265: 'linkat', 271: 'ppoll',
    280: 'utimensat', 285: 'fallocate', 288: 'accept4', 292: 'dup3',
    296: 'pwritev',
    316: 'renameat2', 318: 'getrandom', 326: 'copy_file_range', 435: 'clone3'}
NUMBERS = {name: number for number, name in NAMES.items()}
CALLED = struct.Struct('=11q')
MODE_UNNAMED = 0o20000000  # the bit of O_TMPFILE that is its own


class Called:
    """One call: its place, name, arguments, result, and what it read, wrote or
    named."""

    __slots__ = ('n', 'pid', 'name', 'args', 'result', 'data')

    def __init__(self, fields, data):
        self.n, self.pid = fields[:2]
        self.name = NAMES.get(fields[2], str(fields[2]))
        self.args, self.result, self.data = fields[3:9], fields[9], data

    def path(self, which=0):
        return self.data.split(b'\0')[which].decode('utf-8', 'replace')

    def __repr__(self):
        return '%d %s(%s) = %d %r' % (
            self.n, self.name, ', '.join(map(str, self.args[:4])),
            self.result, self.data[:100])


def read_trace(path):
    """In the order in which they ended."""
    content = pathlib.Path(path).read_bytes()
    calls, at = [], 0
    while at + CALLED.size <= len(content):
        fields = CALLED.unpack_from(content, at)
        at += CALLED.size
        calls.append(Called(fields, content[at:at + fields[10]]))
        at += fields[10]
    return calls


# Runs

class Watch:
    """Kills what runs for too long. Popen's own way to wait with a limit sleeps
    for longer than our runs take."""

    def __init__(self):
        self.process = self.end = None
        self.hung = False
        threading.Thread(target=self.look, daemon=True).start()

    def look(self):
        while True:
            time.sleep(1)
            process, end = self.process, self.end
            if process and time.monotonic() > end:
                self.hung = True
                process.kill()

    def wait(self, process):
        self.hung, self.end = False, time.monotonic() + LIMIT
        self.process = process
        process.wait()
        self.process = None
        return HUNG if self.hung else process.returncode


class Ran:
    """How a run ended: `status' is negative for a signal, as in subprocess;
    calls and hit as the injector tells them; hit None: nothing was done."""

    def __init__(self, status, out, err, calls=0, hit=None):
        self.status, self.out, self.err = status, out, err
        self.calls, self.hit = calls, hit

    def __repr__(self):
        return 'status %s, hit %s\n%s%s' % (
            self.status, self.hit, self.out.decode(errors='replace'),
            self.err.decode(errors='replace'))


class Rig:
    """A folder with a spool, two configurations, `first' and `then', and what a
    run needs, in memory where there is a place for that: a process that dies
    loses nothing that it has handed to the kernel."""

    def __init__(self, where=None, program=harness.SENDLING):
        if where is None and os.access('/dev/shm', os.W_OK):
            where = '/dev/shm'
        self.path = pathlib.Path(tempfile.mkdtemp(prefix='spool', dir=where))
        self.spool = self.path / 'spool'
        self.log = self.path / 'log'
        self.trace = self.path / 'trace'
        self.result = self.path / 'result'
        self.program = program
        self.watch = Watch()
        self.preload = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def config(self, name, text):
        folder = self.path / name / 'sendling'
        folder.mkdir(parents=True, exist_ok=True)
        harness.write_config(folder, text)

    def environment(self, config):
        return {**SPEAK_UP, **self.preload, 'PATH': '/usr/bin:/bin',
                'HOME': str(self.path), 'XDG_CONFIG_HOME':
                str(self.path / config)}

    def start(self, argv, config='then', stdin=b'', **more):
        """A pipe is the message's way, as from cron, while it fits into one."""
        if len(stdin) <= 65536:
            source, writer = os.pipe()
            os.write(writer, stdin)
            os.close(writer)
        else:
            (self.path / 'stdin').write_bytes(stdin)
            source = os.open(self.path / 'stdin', os.O_RDONLY)
        with open(self.path / 'out', 'wb') as out, \
                open(self.path / 'err', 'wb') as err:
            process = subprocess.Popen(
                argv, stdin=source, stdout=out, stderr=err,
                env=self.environment(config), cwd='/', **more)
        os.close(source)
        return process

    def said(self):
        return ((self.path / 'out').read_bytes(),
                (self.path / 'err').read_bytes())

    def run(self, *argv, config='then', stdin=b''):
        status = self.watch.wait(self.start([self.program, *argv], config,
                                            stdin))
        return Ran(status, *self.said())

    def inject(self, n, act, *argv, config='first', stdin=b'', unnamed=0):
        """The same with a fault."""
        status = self.watch.wait(self.start(
            [INJECT, *(['-T', str(unnamed)] if unnamed else []), '-t',
             self.trace, self.result, str(n), act, self.program, *argv],
            config, stdin))
        if status == HUNG or status == -signal.SIGALRM:
            return Ran(HUNG, *self.said())
        if status != 0:
            raise OSError('the injector ended with %s' % status)
        calls, hit, status = map(int, self.result.read_text().split())
        status = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else \
            os.WEXITSTATUS(status)
        return Ran(status, *self.said(), calls,
                   None if hit < 0 else NAMES.get(hit, str(hit)))

    # The spool

    def names(self):
        try:
            return sorted(os.listdir(self.spool))
        except FileNotFoundError:
            return []

    def save(self):
        """What is in the spool, with its times."""
        return {name: ((self.spool / name).read_bytes(),
                       (self.spool / name).stat().st_mtime_ns)
                for name in self.names()}

    def lay(self, content):
        """The spool has this and nothing else."""
        shutil.rmtree(self.spool, ignore_errors=True)
        self.spool.mkdir(mode=0o700)
        for name, (what, when) in content.items():
            with open(self.spool / name, 'wb', opener=lambda path, flags:
                      os.open(path, flags, 0o600)) as f:
                f.write(what)
            os.utime(self.spool / name, ns=(when, when))


# Several at a time

def in_parallel(acts):
    """What each of these functions returns, each run in a process of its own;
    None of one that died."""
    def start(act, path):
        child = os.fork()
        if child == 0:
            try:
                with open(path, 'wb') as f:
                    pickle.dump(act(), f)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        return child

    with tempfile.TemporaryDirectory() as folder:
        paths = [f'{folder}/{i}' for i in range(len(acts))]
        for child in [start(*both) for both in zip(acts, paths)]:
            os.waitpid(child, 0)
        results = []
        for path in paths:
            results.append(None)
            with contextlib.suppress(OSError, EOFError), open(path, 'rb') as f:
                results[-1] = pickle.load(f)
        return results


def processors():
    return len(os.sched_getaffinity(0))


# Which faults a call can have. An error that the kernel never gives there would
# ask too much; what it can give on some file system does not.

E = errno
BAD = {
    'openat': (E.EIO, E.EMFILE, E.EOPNOTSUPP, E.ENOSPC),
    'read': (E.EIO,), 'pread64': (E.EIO,), 'getdents64': (E.EIO, E.ENOMEM),
    'write': (E.ENOSPC, E.EIO), 'pwrite64': (E.ENOSPC, E.EIO, E.EDQUOT),
    'writev': (E.ENOSPC, E.EIO), 'pwritev': (E.ENOSPC, E.EIO),
    'ftruncate': (E.ENOSPC, E.EIO), 'fallocate': (E.ENOSPC, E.EOPNOTSUPP),
    'fsync': (E.EIO, E.ENOSPC, E.EDQUOT), 'fdatasync': (E.EIO, E.ENOSPC),
    'linkat': (E.ENOENT, E.EEXIST, E.ENOSPC, E.EPERM, E.EXDEV),
    'unlinkat': (E.EIO, E.EROFS), 'unlink': (E.EIO, E.EROFS),
    'renameat2': (E.EINVAL, E.ENOSYS, E.EIO, E.ENOSPC),
    'renameat': (E.EIO, E.ENOSPC), 'rename': (E.EIO, E.ENOSPC),
    'flock': (E.EWOULDBLOCK, E.ENOLCK), 'utimensat': (E.EPERM, E.EIO),
    'newfstatat': (E.EIO, E.ENOENT), 'fstatfs': (E.EIO, E.ENOSYS),
    'mkdirat': (E.EACCES, E.ENOSPC), 'fchmod': (E.EPERM, E.EIO),
    'fchown': (E.EPERM,), 'fcntl': (E.EINVAL,), 'close': (E.EIO,),
    'socket': (E.EMFILE, E.ENOBUFS, E.EACCES),
    'connect': (E.ECONNREFUSED, E.ENETUNREACH, E.ETIMEDOUT),
    'sendto': (E.ECONNRESET, E.EPIPE, E.ETIMEDOUT),
    'sendmsg': (E.ECONNRESET, E.EPIPE),
    'recvfrom': (E.ECONNRESET, E.ETIMEDOUT), 'recvmsg': (E.ECONNRESET,),
    'poll': (E.ENOMEM,), 'ppoll': (E.ENOMEM,), 'mmap': (E.ENOMEM,),
    'mprotect': (E.ENOMEM,), 'brk': (), 'clone': (E.EAGAIN,),
    'clone3': (E.EAGAIN,), 'fork': (E.EAGAIN,), 'getrandom': (),
    'futex': (), 'wait4': (), 'execve': (E.ENOMEM,)}
INTERRUPTED = {'read', 'write', 'readv', 'writev', 'pread64', 'pwrite64',
               'pwritev', 'recvfrom', 'recvmsg', 'sendto', 'sendmsg', 'poll',
               'ppoll', 'flock', 'fsync', 'fdatasync', 'ftruncate',
               'fallocate', 'wait4', 'copy_file_range'}
HALVED = {'read', 'write', 'readv', 'writev', 'pread64', 'pwrite64', 'pwritev',
          'recvfrom', 'sendto', 'sendmsg'}
CHANGES = {'write', 'pwrite64', 'writev', 'pwritev', 'sendto', 'sendmsg',
           'linkat', 'unlinkat', 'unlink', 'renameat2', 'renameat', 'rename',
           'fsync', 'fdatasync', 'ftruncate', 'fallocate', 'utimensat',
           'openat', 'flock', 'mkdirat', 'fchmod', 'connect', 'recvfrom',
           'close', 'clone', 'fork'}
HALF, INTERRUPT = 'half', 'errno=%d:' % E.EINTR
# No sanitizer bears these to fail.
MEMORY = {'mmap', 'munmap', 'mprotect', 'madvise', 'clone', 'clone3'}


def is_harmless(act):
    return act == HALF or act.startswith(INTERRUPT)


def acts_at(call, loading=False):
    """What can be done to this call, as words for the injector; while the
    program is loaded the dynamic linker is asked for nothing but an end."""
    acts = ['before']
    if loading or call.name in ('exit_group', 'exit', 'rt_sigreturn'):
        return acts
    if call.name in CHANGES:
        acts.append('after')
    errors = ()
    if call.result >= 0 or call.name in ('recvfrom', 'connect'):
        errors = BAD.get(call.name, (E.EIO,))
    if SANITIZED and call.name in MEMORY:
        errors = ()
    if call.name in INTERRUPTED:
        errors = (*errors, E.EINTR)
    acts += ['errno=%d:%s' % (error, NUMBERS.get(call.name, call.name))
             for error in errors]
    if call.name in HALVED and call.result > 1:
        acts.append(HALF)
    return acts


def begin_of(calls):
    """The first that is not the dynamic linker's or a library's: main() has
    asked for the configuration soon after."""
    for i, call in enumerate(calls):
        if call.name == 'openat' and call.path().endswith('/sendling/config'):
            return max(call.n - 12, 1)
    return 1


# Files of the spool, read by other code than the program's

TRAILER = re.compile(rb'E [0-9a-f]{64}\n\0*')
RESULT = re.compile(rb'^R ([DF]) ([0-9,-]+)', re.M)


def message_of(content):
    """What stands behind the head, and some more."""
    return content.partition(b'\n\n')[2]


def with_records(content, ticket_id, lines):
    """With these in a journal that is empty."""
    journal = b''.join(tickets.records(ticket_id, lines))
    at = -(-next(re.finditer(rb'\nE [0-9a-f]{64}\n', content)).end() //
           tickets.BLOCK) * tickets.BLOCK
    return content[:at] + journal + content[at + len(journal):]


def settled(content):
    """What each recipient is by head and journal: o open, d delivered, f
    failed."""
    head, _, rest = content.partition(b'\n\n')
    rows = [line.split(b' ') for line in head.split(b'\n')
            if line.startswith(b'r ')]
    states = ['f' if row[1] == b't' else row[1].decode() for row in rows]
    for what, numbers in RESULT.findall(TRAILER.split(rest)[-1]):
        for part in numbers.split(b','):
            first, _, last = part.partition(b'-')
            for i in range(int(first), int(last or first) + 1):
                states[i] = what.decode().lower()
    return {row[4].decode(): state for row, state in zip(rows, states)}
