#!/usr/bin/python3
"""The ways of a password into the program, as people and services use them,
and that it shows itself nowhere.

    tests/secrets.t [WORD ...]    only the tests whose names hold a WORD
"""

import contextlib
import itertools
import os
import pathlib
import pty
import re
import resource
import select
import shutil
import signal
import subprocess
import sys
import termios
import threading
import time

import harness
from canary import CANARY, shows, unquoted
from home import (
    HANG, MESSAGE, MS_BIND, NOBODY, SANITIZED, SERVE, become, can_mount,
    can_trace, in_order, journal, mount, private_mounts, run_tests,
    syslog, trace)
from smtpd import Server

BOB = 'bob@example.org'
PAGE = harness.TESTS.parent / 'man/sendling.conf.5'


# ~/.netrc

NETRC = [
    # What it holds, and what the line gives for alice; None: nothing.
    ('in one line', 'machine mail.example.org login alice password {}\n', True),
    ('in several lines',
     'machine mail.example.org\n\tlogin alice\n\tpassword {}\n', True),
    ('the password first',
     'machine mail.example.org password {} login alice', True),
    ('with an account',
     'machine mail.example.org login alice account x password {}\n', True),
    ('without a login', 'machine mail.example.org password {}\n', True),
    ('behind another machine',
     'machine a.example login alice password x\n\n'
     'machine mail.example.org login alice password {}\n', True),
    ('behind another login',
     'machine mail.example.org login bob password x '
     'machine mail.example.org login alice password {}\n', True),
    ('before another',
     'machine mail.example.org login alice password {}\n'
     'machine mail.example.org login alice password x\n', True),
    ('as the default', 'machine a.example login alice password x\n'
     'default login alice password {}\n', True),
    ('before the default', 'machine mail.example.org login alice password {}\n'
     'default login alice password x\n', True),
    ('behind a macro', 'macdef init\nmachine mail.example.org password x\n\n'
     'machine mail.example.org login alice password {}\n', True),
    ('before a macro', 'machine mail.example.org login alice password {}\n'
     'macdef init\npassword x\n\n', True),
    ('behind comments', '# machine mail.example.org password x\n'
     '  # password x\nmachine mail.example.org login alice password {}\n',
     True),
    ('of other words', 'machine a.example login machine password password\n'
     'machine mail.example.org login alice password {}\n', True),
    ('of another machine', 'machine a.example login alice password {}\n',
     False),
    ('of another login', 'machine mail.example.org login bob password {}\n',
     False),
    ('without a password', 'machine mail.example.org login alice\n', False),
    ('empty', '', False),
]


def printed(*renderer):
    """The line of awk as a reader of the manual sees it."""
    done = subprocess.run([*renderer, PAGE], stdout=subprocess.PIPE)
    text = re.sub('\x1b\\[[0-9;]*m|.\b', '', done.stdout.decode())
    return re.search('^ *(password-command *awk .*)$', text, re.M).group(1)


def awks(home):
    """A PATH for each awk that is here, of which it is the one."""
    for name in 'mawk', 'gawk', 'original-awk', 'busybox':
        path = shutil.which(name)
        if path is not None:
            folder = home.path / ('with-' + name)
            folder.mkdir()
            (folder / 'awk').symlink_to(path)
            yield name, f'{folder}:/usr/bin:/bin'


def test_netrc(t, home):
    """The line that sendling.conf(5) prints."""
    renderers = [words for words in
                 (('mandoc', '-Tascii'), ('mandoc', '-Tutf8'),
                  ('nroff', '-mandoc', '-Tutf8')) if shutil.which(words[0])]
    if not renderers:
        return t.skip('the line for ~/.netrc', 'neither mandoc nor nroff')
    lines = {printed(*words) for words in renderers}
    line = lines.pop()
    t.ok(not lines, 'one line for ~/.netrc is printed, however the manual is '
         'read', line, *lines)
    box = Server(users=[('alice', CANARY)])
    config = home.config(box.config(line))
    for awk, path in awks(home):
        for what, entries, found in NETRC:
            home.file('.netrc', entries.format(CANARY))
            run = home.run(BOB, config=config, environment={
                'HOME': str(home.path), 'PATH': path})
            box.settle()
            t.ok((run.status, len(box.took)) == ((0, 1) if found else (78, 0))
                 and (found or b'ended with status 1' in run.err),
                 f'{awk}, ~/.netrc, {what}: '
                 + ('found' if found else 'not found'), run.words())
            box.clear()


# The terminal

class Terminal:
    """A shell in a session with a terminal of its own, as a person sits at."""

    def __init__(self, home):
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT,
                           signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.execve('/bin/dash', ['sh', '-i'], {
                'PS1': 'READY>', 'PATH': '/usr/bin:/bin', 'ENV': '',
                'HOME': str(home.path)})
        self.shown = b''
        self.see(b'READY>')

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.master)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def type(self, keys):
        os.write(self.master, keys if isinstance(keys, bytes)
                 else keys.encode())

    def see(self, words):
        """All that is shown, up to these words."""
        limit = time.monotonic() + HANG
        while words not in self.shown:
            ready = select.select([self.master], [], [],
                                  max(0, limit - time.monotonic()))[0]
            if not ready:
                raise TimeoutError(f'{words} is not shown: {self.shown}')
            self.shown += os.read(self.master, 4096)
        seen, _, self.shown = self.shown.partition(words)
        return seen

    def echoes(self):
        flags = termios.tcgetattr(self.master)[3]
        return flags & (termios.ECHO | termios.ICANON) == \
            termios.ECHO | termios.ICANON

    def status(self):
        """Of what has ended, when the shell is back."""
        self.see(b'READY>')
        self.type('echo status=$?.\n')
        self.see(b'status=$?.\r\n')
        return int(re.search(rb'status=(\d+)\.', self.see(b'READY>')).group(1))


def asked(home, box, terminal, *lines):
    """The program, asking for the password of a mail from a file."""
    config = home.config(box.config(*lines))
    mail = home.file('mail', MESSAGE)
    terminal.type(f'{home.path}/sendling -C {config} {BOB} < {mail}\n')
    terminal.see(b'Password of alice: ')


def test_terminal(t, home):
    if not pathlib.Path('/bin/dash').exists():
        return t.skip('the password from a terminal', 'no dash')
    long = ''.join(f'{n:04}' for n in range(1024))
    for what, password, typed in (
            ('typed', CANARY, CANARY + '\n'),
            ('pasted with CR', CANARY, CANARY + '\r\necho pasted\r\n'),
            ('of 4096 octets', long, long + '\n')):
        box = Server(users=[('alice', password)])
        with Terminal(home) as terminal:
            asked(home, box, terminal)
            t.ok(not terminal.echoes(), f'a password {what}: no echo')
            terminal.type(typed)
            seen = terminal.see(b'READY>')
            box.settle()
            terminal.type('echo more\n')
            seen += terminal.see(b'more\r\nmore\r\n')
            t.ok(len(box.took) == 1 and terminal.echoes() and
                 seen.strip() == b'echo', f'a password {what}: it is taken, '
                 'nothing is shown, and nothing of it left for the shell',
                 seen)
    box = Server(users=[('alice', CANARY)])
    for what, keys, status in (
            ('an empty answer', '\n', 78), ('its end', '\x04', 78),
            ('^C', 'c4nary\x03', 130), ('^\\', 'c4nary\x1c', 131)):
        with Terminal(home) as terminal:
            asked(home, box, terminal)
            terminal.type(keys)
            t.ok(terminal.status() == status and terminal.echoes(),
                 f'{what}: status {status}, and the echo is back')
    for name in 'TERM', 'HUP', 'INT', 'QUIT':
        with Terminal(home) as terminal:
            asked(home, box, terminal)
            group = os.tcgetpgrp(terminal.master)
            os.kill(group, getattr(signal, 'SIG' + name))
            status = terminal.status()
            t.ok(status == 128 + getattr(signal, 'SIG' + name) and
                 terminal.echoes(), f'SIG{name}: the echo is back', status)
    with Terminal(home) as terminal:
        asked(home, box, terminal)
        terminal.type('c4nary\x1a')
        status = terminal.status()
        t.ok(status > 128 and terminal.echoes(),
             '^Z: stopped, and the echo is back', status)
        terminal.type('fg\n')
        terminal.see(b'Password of alice: ')
        t.ok(not terminal.echoes(), 'fg: asked again, without echo')
        terminal.type(CANARY + '\n')
        status = terminal.status()
        box.settle()
        t.ok(status == 0 and len(box.took) == 1, 'the mail goes', status)
    with Terminal(home) as terminal:
        asked(home, box, terminal, 'deadline 1s')
        seen = terminal.see(b'READY>')
        t.ok(b'`deadline\'' in seen and terminal.echoes(),
             'it is asked no longer than `deadline\' says', seen)


def test_no_terminal(t, home, box):
    """A job is not asked, and told what to write."""
    config = home.config(box.config('user alice'))
    for argv in (BOB,), ('-t',), ('-bs',):
        run = home.run(*argv, config=config, start_new_session=True,
                       stdin=SERVE if argv == ('-bs',) else MESSAGE)
        t.ok(b'`password-file PATH' in run.out + run.err and box.count == 0,
             f'{argv[0]}, no terminal: an error that names the keywords',
             run.words())


# Who may read the file

# Mode and owner; what is wrong with it, or None. US is who runs the program.
US, STRANGER = object(), 54321
FILES = [
    (0o600, US, None), (0o640, US, None), (0o400, US, None),
    (0o644, US, '0644'), (0o604, US, '0604'), (0o606, US, '0606'),
    (0o620, US, '0620'), (0o644, 0, '0644'), (0o640, 0, None),
    (0o600, STRANGER, 'somebody else'), (0o644, STRANGER, 'somebody else'),
]


def in_file(home, box, way, mode, owner):
    """A configuration whose password stands in a file of that mode and owner;
    that file, and the environment."""
    environment = {}
    holder, text = 'secret', CANARY + '\n'
    line = f'password-file {home.path}/secret'
    if way == 'password-credential':
        line = 'password-credential secret'
        environment = {'CREDENTIALS_DIRECTORY': str(home.path)}
    elif way == 'SENDLING_PASSWORD_FILE':
        line = '#'
        environment = {'SENDLING_PASSWORD_FILE': f'{home.path}/secret'}
    elif way == 'include':
        line, text = 'include secret', f'password {CANARY}\n'
    elif way in ('-C', "the user's configuration"):
        line, holder = f'password {CANARY}', 'config'
    if way == "the user's configuration":
        environment = {'XDG_CONFIG_HOME': f'{home.path}/xdg'}
        holder = 'xdg/sendling/config'
        (home.path / holder).parent.mkdir(parents=True, exist_ok=True)
    config = box.config(line)
    if holder == 'secret':
        home.config(config, owner=owner if owner != STRANGER else 0,
                    mode=0o644)
    else:
        text = config + 'log off\n'
    return home.file(holder, text, mode, owner), environment


def test_permissions(t, home):
    """One rule for every file that holds a password, of whatever user."""
    if os.geteuid() != 0:
        return t.skip('who may read the password', 'needs root')
    box = Server(users=[('alice', CANARY)])
    for way in ('password-file', 'password-credential',
                'SENDLING_PASSWORD_FILE', 'include', '-C',
                "the user's configuration"):
        for us in 0, NOBODY:
            for mode, owner, wrong in FILES:
                own = us if owner is US else owner
                if wrong is None and own == 0 != us:
                    # Root's, and of our group.
                    path, environment = in_file(home, box, way, mode, own)
                    os.chown(path, 0, us)
                else:
                    path, environment = in_file(home, box, way, mode, own)
                argv = () if 'user' in way else ('-C', home.path / 'config')
                for more in (), ('--check',):
                    run = home.run(
                        *argv, *more, *([] if more else [BOB]),
                        environment=environment,
                        preexec_fn=(lambda: become(NOBODY)) if us else None)
                    box.settle()
                    said = (run.out + run.err).decode()
                    name = f'{way}, mode {mode:04o} of user {own}, for ' \
                        f'{us}{" ".join(("", *more))}'
                    if wrong is None:
                        t.ok(run.status == 0, f'{name}: taken', run.words())
                        box.clear()
                        continue
                    words = [str(path), wrong, f'owner {own}',
                             f'mode {mode:04o}', f'we are user {us}']
                    if us and own == STRANGER and not mode & 0o44:
                        words[1:] = ['user nobody may not read it',
                                     f'owner {own}', f'mode {mode:04o}']
                    t.ok(run.status == 78 and box.count == 0 and
                         all(word in said for word in words) and
                         not shows(said.encode()), f'{name}: refused with '
                         'path, owner, mode and who we are', run.words())
                    box.clear()


# Where it must not show itself

SOURCES = {
    'password': lambda home: f'password {CANARY}',
    'password-file':
        lambda home: f'password-file {home.file("secret", CANARY)}',
    # With another child beside it, which shows what it has been given.
    'password-command': lambda home:
        'password-command sh -c "cat /proc/self/environ /proc/self/cmdline '
        f'>&2" | tee {home.path}/child; cat '
        + str(home.file('secret2', CANARY + '\nrest')),
    'password-credential':
        lambda home: f'password-credential {home.file("cred", CANARY).name}',
}
MODES = {
    'submit': (BOB,), '-t': ('-t',), '-bs': ('-bs',), '-bv': ('-bv', BOB),
    '--dry-run': ('--dry-run', BOB), '--check': ('--check',),
    '--check -v': ('--check', '-v'), '-v': ('-v', BOB),
    '-v -v': ('-v', '-v', BOB),
    '--json': ('--json', BOB), '--probe': ('--probe',),
    '--probe --json': ('--probe', '--json'), '-d99': ('-d99', BOB),
    '--dry-run --json': ('--dry-run', '--json', BOB),
    '--check --json': ('--check', '--json'),
    'a log of objects': ('--json', '--set', 'log-format=json', BOB),
    '-bs -v': ('-bs', '-v'),
}
SPEAKS = 'write,writev,pwrite64,pwritev,sendto,sendmsg,sendmmsg,execve,' \
    'symlink,symlinkat,mkdir,rename,setxattr,memfd_create,prctl'


def surroundings(home, with_journal):
    """What each run gets: a socket of syslog's, or of the journal, the folder
    of credentials."""
    folder, log = syslog(home)
    enter, entries = journal(home)
    acts = [private_mounts, lambda: mount(folder, '/dev', flags=MS_BIND)]
    if with_journal:
        acts.append(enter)
    (log if with_journal else entries).close()
    return entries if with_journal else log, {
        'environment': {'CREDENTIALS_DIRECTORY': str(home.path)},
        'preexec_fn': in_order(*acts)}


def heard(log):
    said = b''
    with contextlib.suppress(BlockingIOError):
        while True:
            said += log.recv(65536)
    return said


def test_canary_everywhere(t, home, certificate):
    """Every mode with every source, right and wrong, under strace: nothing
    that is said, written, sent but by TLS, logged or given to a child."""
    if not can_trace() or not can_mount():
        return t.skip('the password in every mode', 'no strace, or no mounts')
    servers = {'right': Server(certificate, users=[('alice', CANARY)]),
               'wrong': Server(certificate, users=[('alice', 'other')])}
    for source, line in SOURCES.items():
        for (mode, argv), (kind, box) in itertools.product(
                MODES.items(), servers.items()):
            talks = not {'-bv', '--dry-run', '--check'} & set(argv)
            if kind == 'wrong' and not talks:
                continue
            config = home.config(box.config(line(home), 'log syslog'))
            transcript = home.path / 'transcript'
            transcript.unlink(missing_ok=True)
            log, more = surroundings(home, '--json' in argv)
            with log:
                run, lines = trace(home, SPEAKS, '-X', transcript, *argv,
                                   config=config, stdin=SERVE if '-bs' in argv
                                   else MESSAGE, **more)
                logged = heard(log)
            box.settle()
            said = run.out + run.err + logged + (
                transcript.read_bytes() if transcript.exists() else b'')
            # cat(1) hands it over by a pipe, and nobody else has it.
            ours = [line for line in lines if CANARY not in line or
                    not re.search(r'\b(write|sendfile)\(1, "%s\\nrest'
                                  % CANARY, line)]
            written = b'\n'.join(map(unquoted, ours))
            t.ok(run.status in (0, 77) and (b'AUTH' in said or not talks or
                                            '-v' not in argv) and
                 (box.count > 0) == talks and
                 not shows(said) and not shows(written),
                 f'{source}, {kind}, {mode}: shown nowhere', run.words(),
                 shows(said), *[line for line in ours
                                if shows(unquoted(line))][:5])
            box.clear()


def test_canary_by_mechanism(t, home, certificate):
    """Each mechanism, right and wrong, with all that is said and logged."""
    right = Server(certificate, users=[('alice', CANARY)], tls12=True)
    wrong = Server(certificate, users=[('alice', 'other')], tls12=True)
    for mechanism, (kind, box) in itertools.product(
            ('PLAIN', 'LOGIN', 'SCRAM-SHA-1', 'SCRAM-SHA-256',
             'SCRAM-SHA-1-PLUS', 'SCRAM-SHA-256-PLUS'),
            (('right', right), ('wrong', wrong))):
        transcript, log = home.path / 'x', home.path / 'log'
        for path in (transcript, log):
            path.unlink(missing_ok=True)
        config = home.config(box.config(f'password {CANARY}', f'log {log}',
                                        f'auth {mechanism}',
                                        'tls-priority NORMAL:-VERS-TLS1.3'))
        run = home.run('-v', '-v', '--json', '-X', transcript, BOB,
                       config=config)
        box.settle()
        said = run.out + run.err + transcript.read_bytes() + log.read_bytes()
        t.ok(run.status == (0 if kind == 'right' else 77) and
             mechanism.encode() in said and not shows(said),
             f'{mechanism}, {kind}: shown nowhere', run.words())
    # Those whose servers are no part of smtpd.py: any answer will do.
    for mechanism, challenge in (
            ('CRAM-MD5', '334 PDFAZXhhbXBsZS5vcmc+'), ('XOAUTH2', None),
            ('OAUTHBEARER', None)):
        for last in '235 2.7.0 ok', '535 5.7.8 no', '535 5.7.8 ' + CANARY:
            box = Server(play=any_login(mechanism, challenge, last))
            config = home.config(box.config(
                'user alice', 'password-command cat '
                + str(home.file('token', CANARY)), f'auth {mechanism}'))
            run = home.run('-v', '-v', '--json', BOB, config=config)
            box.close()
            t.ok(run.status in (0, 77) and mechanism.encode() in run.err and
                 not shows(run.out + run.err),
                 f'{mechanism}, {last[:3]}: shown nowhere', run.words())


def any_login(mechanism, challenge, last):
    def play(server, sock):
        lines = sock.makefile('rb')
        sock.sendall(b'220 mail.test\r\n')
        for line in lines:
            if line.startswith(b'EHLO'):
                sock.sendall(b'250-mail.test\r\n250 AUTH %s\r\n'
                             % mechanism.encode())
            elif line.startswith(b'AUTH'):
                if challenge is not None:
                    sock.sendall(challenge.encode() + b'\r\n')
                    lines.readline()
                sock.sendall(last.encode() + b'\r\n')
            elif line.startswith(b'DATA'):
                sock.sendall(b'354 go on\r\n')
                while lines.readline() not in (b'.\r\n', b''):
                    pass
                sock.sendall(b'250 taken\r\n')
            else:
                sock.sendall(b'250 ok\r\n')
    return play


def test_canary_in_children(t, home):
    """While the password command runs: what is to be seen of us, of it and of
    its children in /proc."""
    box = Server(users=[('alice', CANARY)])
    met, go = home.path / 'met', home.path / 'go'
    os.mkfifo(go)
    config = home.config(box.config(
        f'password-command sleep {HANG} & echo $! $$ > {met}.new; mv {met}.new'
        f' {met}; read x < {go}; kill $!; cat '
        + str(home.file('secret', CANARY))))
    process = home.start(BOB, config=config, stdin=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    process.stdin.write(MESSAGE)
    process.stdin.close()
    while not met.exists() and process.poll() is None:
        time.sleep(0.01)
    seen = b''
    for pid in process.pid, *map(int, met.read_text().split()):
        for file in 'cmdline', 'environ':
            with contextlib.suppress(PermissionError):
                seen += pathlib.Path(f'/proc/{pid}/{file}').read_bytes()
    go.write_text('\n')
    process.stdin = None
    process.communicate(timeout=HANG)
    box.settle()
    t.ok(process.returncode == 0 and len(box.took) == 1 and b'sleep' in seen
         and not shows(seen), 'command lines and environments of us, of the '
         'password command and of what it starts', seen)


def test_no_core_anywhere(t, home):
    """SIGSEGV at each step: no core."""
    if SANITIZED:
        return t.skip('no core', 'a sanitizer ends by itself')
    folder = home.path / 'cores'
    folder.mkdir()
    folder.chmod(0o777)
    pattern = pathlib.Path('/proc/sys/kernel/core_pattern').read_text()
    def prepare():
        resource.setrlimit(resource.RLIMIT_CORE,
                           (resource.RLIM_INFINITY,) * 2)
        os.chdir(folder)
    for step in 'GREETING', 'EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA':
        process = None

        def play(server, sock):
            lines = sock.makefile('rb')
            if step == 'GREETING':
                return stop(sock)
            sock.sendall(b'220 mail.test\r\n')
            for line in lines:
                if line.startswith(step.encode()):
                    return stop(sock)
                sock.sendall(b'250-mail.test\r\n250 AUTH PLAIN\r\n'
                             if line.startswith(b'EHLO') else
                             b'235 ok\r\n' if line.startswith(b'AUTH') else
                             b'250 ok\r\n')

        def stop(sock):
            ready.wait(HANG)
            process.send_signal(signal.SIGSEGV)
            process.wait(HANG)
        ready = threading.Event()
        with Server(play=play) as box:
            process = home.start(
                BOB, config=home.config(box.config('user alice',
                                                   f'password {CANARY}')),
                stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=None,
                preexec_fn=prepare)
            process.stdin.write(MESSAGE)
            process.stdin.close()
            ready.set()
            process.wait(HANG)
        t.ok(process.returncode == -signal.SIGSEGV and
             list(folder.iterdir()) == [], f'SIGSEGV at {step}: no core',
             process.returncode, pattern, list(folder.iterdir()))


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
