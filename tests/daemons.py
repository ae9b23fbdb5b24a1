"""Servers from Debian's packages for the tests, unpacked into a folder under
build/. They run in mount, process and network namespaces of their own, so that
this machine's mail system, users and ports are not touched and nothing outlives
the test."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time

import harness

RUN = pathlib.Path('/mnt')  # a tmpfs, in our namespace only
WAIT = harness.WAIT


def run(*argv, **more):
    """The output of a command that must go well."""
    done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **more)
    said = done.stdout.decode(errors='replace')
    if done.returncode != 0:
        raise OSError('%s: status %d\n%s' % (' '.join(argv), done.returncode,
                                             said))
    return said


# The packages

def unpack(cache, names):
    """Unpacks the packages, and those they need and this machine lacks."""
    with one_at_a_time(cache):
        stamp = cache / 'unpacked'
        if not stamp.exists() or stamp.read_text() != ' '.join(names):
            fetch(cache, names)
            stamp.write_text(' '.join(names))


@contextlib.contextmanager
def one_at_a_time(cache):
    """apt-get has locks of its own, and does not wait for them."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with open(cache.parent / 'lock', 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(cache, names):
    root = cache / 'root'
    print('# Fetching', *names, 'into', cache, flush=True)
    shutil.rmtree(cache, ignore_errors=True)
    root.mkdir(parents=True)
    try:
        download(cache, names + missing_libraries(names))
    except OSError:
        # The lists may be old, or not there yet.
        run('apt-get', '-q', 'update')
        download(cache, names + missing_libraries(names))
    packages = sorted(cache.glob('*.deb'))
    size = sum(package.stat().st_size for package in packages)
    print(f'# Fetched {len(packages)} packages, {size / 1e6:.0f} MB',
          flush=True)
    for package in packages:
        run('dpkg', '-x', str(package), str(root))
    # Where /lib is a link to /usr/lib on this machine.
    if (root / 'lib').is_dir():
        shutil.copytree(root / 'lib', root / 'usr/lib', symlinks=True,
                        dirs_exist_ok=True)


def missing_libraries(names):
    tree = run('apt-cache', 'depends', '--recurse', '--no-recommends',
               '--no-suggests', '--no-conflicts', '--no-breaks',
               '--no-replaces', '--no-enhances', *names)
    needed = {line for line in tree.splitlines()
              if line.startswith('lib') and not line.endswith('-perl')}
    known = run('dpkg-query', '-W', '-f',
                '${Package} ${db:Status-Status}\n').splitlines()
    return sorted(name for name in needed if name + ' installed' not in known)


def download(cache, names):
    run('apt-get', '-q', 'download', *names, cwd=cache)


# The namespace

def enter_namespaces(cache, names, fetch=lambda: None):
    """Starts over with our own mounts, processes and network; fetches the
    packages first, and by fetch() what is none. With --fetch on the command
    line that is all."""
    if os.environ.get('SENDLING_E2E') == 'inside':
        return
    flags = ['-m', '-n', '-p', '-f', '--kill-child', '--mount-proc']
    why = None
    if os.geteuid() != 0 or not shutil.which('apt-get'):
        why = 'needs root and the packages of Debian'
    elif subprocess.run(['unshare', *flags, 'true'],
                        stderr=subprocess.DEVNULL).returncode != 0:
        why = 'namespaces are not allowed here'
    if why is None:
        try:
            if names:
                unpack(cache, names)
            fetch()
        except OSError as error:
            why = 'cannot be had: %s' % str(error).replace('\n', ' ')[:300]
    if sys.argv[1:] == ['--fetch']:
        sys.exit(0)
    if why is not None:
        harness.skip_all(why)
    os.environ['SENDLING_E2E'] = 'inside'
    os.execvp('unshare', ['unshare', *flags, sys.executable, *sys.argv])


def lay_over(root, users):
    """The packages' files appear under /usr, /etc and /var, of which the last
    two can be written, with users of their own: a table of names and
    numbers."""
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', str(RUN))
    for name in ('usr', 'etc', 'var'):
        (root / name).mkdir(parents=True, exist_ok=True)
    run('mount', '-t', 'overlay', '-o', f'lowerdir={root}/usr:/usr', 'none',
        '/usr')
    for name in ('etc', 'var'):
        upper, work = RUN / 'upper' / name, RUN / 'work' / name
        upper.mkdir(parents=True)
        work.mkdir(parents=True)
        run('mount', '-t', 'overlay', '-o', f'lowerdir={root}/{name}:/{name},'
            f'upperdir={upper},workdir={work}', 'none', f'/{name}')
    run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', '/run')
    for name in ('passwd', 'group'):
        table = pathlib.Path('/etc', name)
        kept = [line for line in table.read_text().splitlines()
                if line.split(':')[0] not in users]
        for user, number in users.items():
            kept.append(f'{user}:x:{number}:{number}::/nonexistent:/bin/false'
                        if name == 'passwd' else f'{user}:x:{number}:')
        table.write_text('\n'.join(kept) + '\n')


def raise_loopback(flags=0x1):  # IFF_UP
    with socket.socket() as s:
        fcntl.ioctl(s, 0x8914, struct.pack('16sH14x', b'lo', flags))


def lower_loopback():
    """There is no network, until it is raised again; who listens stays."""
    raise_loopback(0)


def wait_for(ready, seconds=WAIT):
    """What it says when it is true, or in the end."""
    end = time.monotonic() + seconds
    while not (said := ready()) and time.monotonic() < end:
        time.sleep(0.02)
    return said


def answers(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


def start_dnsmasq(*records):
    """Debian's, at 127.0.0.1, and the one whom this namespace asks: it knows
    these records, and no others of example.org."""
    if not shutil.which('dnsmasq'):
        harness.skip_all('no dnsmasq: install dnsmasq-base')
    for name, text in (('resolv.conf', 'nameserver 127.0.0.1\n'),
                       ('nsswitch.conf', 'hosts: dns\n')):
        path = pathlib.Path('/etc', name)
        path.unlink(missing_ok=True)  # it may be a link to what is not there
        path.write_text(text)
    process = subprocess.Popen(
        ['dnsmasq', '--keep-in-foreground', '--no-resolv', '--no-hosts',
         '--conf-file=/dev/null', '--listen-address=127.0.0.1',
         '--bind-interfaces', '--user=root', '--pid-file=',
         '--log-facility=-', '--local=/example.org/', *records],
        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not wait_for(lambda: answers(53)):
        raise OSError('dnsmasq does not start')
    return process


def difference(expected, mail):
    """Where they part, or '' when mail is the trace fields of the server and
    then exactly what was expected."""
    if mail is None:
        return 'no mail came'
    trace = mail[:len(mail) - len(expected)]
    if not mail.endswith(expected):
        tail = mail[max(0, len(trace)):]
        at = next((i for i, (a, b) in enumerate(zip(expected, tail))
                   if a != b), min(len(expected), len(tail)))
        return (f'{len(expected)} octets were sent, {len(mail)} came; at {at}: '
                f'{expected[at:at + 60]!r} became {tail[at:at + 60]!r}')
    names = {line.split(b':')[0] for line in trace.splitlines()
             if line[:1] not in b' \t'}
    extra = names - {b'Return-Path', b'X-Original-To', b'Delivered-To',
                     b'Received', b'Authentication-Results'}
    return f'fields were added: {extra}' if extra else ''
