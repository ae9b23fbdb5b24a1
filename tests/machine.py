"""A machine for tests of what is installed: this one's files, with packages of
Debian over them where a test wants some, and sendling as `make install' leaves
it. What is written stays in a folder that goes with the test. Commands run in
it by chroot, in the namespaces of the test (daemons.enter_namespaces); or
systemd does, in namespaces of its own."""

import contextlib
import os
import pathlib
import shlex
import shutil
import stat
import subprocess
import tempfile

import daemons
import harness
import home as surroundings

UNITS = '/usr/local/lib/systemd/system'
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
DEVICES = ('null', 'zero', 'full', 'random', 'urandom', 'tty')
CGROUPS = ('/sys/fs/cgroup/unified', '/sys/fs/cgroup')


class Machine:
    def __init__(self, packages=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(
            prefix='machine', dir=surroundings.on_disk()))
        self.root = self.folder / 'root'
        self.folder.chmod(0o711)
        try:
            self.lay_over()
        except OSError:  # no overlay lies upon another
            daemons.run('mount', '-t', 'tmpfs', '-o', 'mode=711', 'none',
                        str(self.folder))
            self.lay_over()
        self.forget_ours()
        self.mount_system()
        if packages is not None:
            self.unpack(packages)
        self.install()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for path in self.root, self.folder:
            subprocess.run(['umount', '--recursive', '--lazy', path],
                           stderr=subprocess.DEVNULL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def unpack(self, packages):
        """Where /lib is a link it stays one."""
        daemons.run('sh', '-c', 'tar -C "$0" -c . | '
                    'tar -C "$1" -x --keep-directory-symlink', str(packages),
                    str(self.root))

    def lay_over(self):
        for name in ('root', 'upper', 'work'):
            (self.folder / name).mkdir(exist_ok=True)
        daemons.run('mount', '-t', 'overlay', 'none', str(self.root), '-o',
                    f'lowerdir=/,upperdir={self.folder}/upper,'
                    f'workdir={self.folder}/work')

    def forget_ours(self):
        """Not what this machine itself has of sendling."""
        for name in ('etc/sendling', 'etc/sendling.conf', 'etc/aliases'):
            path = self.root / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)

    def mount_system(self):
        root = self.root
        for kind, name, options in (
                ('proc', 'proc', 'rw'), ('tmpfs', 'dev', 'mode=755'),
                ('tmpfs', 'run', 'mode=755'), ('tmpfs', 'tmp', 'mode=1777')):
            (root / name).mkdir(exist_ok=True)
            daemons.run('mount', '-t', kind, '-o', options, 'none',
                        str(root / name))
        for name in DEVICES:
            (root / 'dev' / name).touch()
            daemons.run('mount', '--bind', f'/dev/{name}',
                        str(root / 'dev' / name))
        for name in ('pts', 'shm', 'mqueue'):
            (root / 'dev' / name).mkdir()
        daemons.run('mount', '-t', 'devpts', '-o', 'newinstance,ptmxmode=666',
                    'none', str(root / 'dev/pts'))
        (root / 'dev/ptmx').symlink_to('pts/ptmx')
        (root / 'dev/fd').symlink_to('/proc/self/fd')
        (root / 'dev/stdin').symlink_to('/proc/self/fd/0')

    def install(self):
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith('MAKE') and name != 'MFLAGS'}
        daemons.run('make', '-s', 'install', f'DESTDIR={self.root}',
                    f'B={pathlib.Path(harness.SENDLING).parent}',
                    cwd=harness.TESTS.parent, env=environment)

    def path(self, name):
        return self.root / name.lstrip('/')

    def write(self, name, text, mode=0o644):
        """A file of root's; others may not read it before it has its mode."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        path.chmod(mode)
        return path

    def start(self, *argv, user=None, environment=(), **more):
        """A command in the machine, as root or as one of its users, with the
        groups that the machine has for him."""
        become = []
        if user is not None:
            become = ['setpriv', '--reuid', user, '--regid', self.group(user),
                      '--init-groups', '--']
        return subprocess.Popen(
            ['chroot', self.root, *become, *map(str, argv)],
            env={**surroundings.SPEAK_UP, 'PATH': PATH, **dict(environment)},
            **more)

    def run(self, *argv, stdin=b'', **more):
        process = self.start(*argv, stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             **more)
        try:
            out, err = process.communicate(stdin, timeout=harness.WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            return surroundings.Done(None, out, err + b'it hangs\n')
        return surroundings.Done(process.returncode, out, err)

    def shell(self, text, **more):
        return self.run('sh', '-ec', text, **more)

    def group(self, user):
        for line in self.path('/etc/passwd').read_text().splitlines():
            fields = line.split(':')
            if fields[0] == user:
                return fields[3]
        raise KeyError(user)

    def add_user(self, name):
        """Somebody with a login."""
        self.shell(f'useradd -m -s /bin/sh {name}')

    # systemd

    def boot(self, script, seconds=harness.WAIT):
        """What the script says as a service of systemd's, which is the first
        process then; None where it did not get to the end of it."""
        self.write('/usr/local/sbin/booted',
                   f'export PATH={PATH}\n{script}\necho the end\n', 0o755)
        self.write('/etc/systemd/system/booted.service', BOOTED)
        self.path('/said').unlink(missing_ok=True)
        with cgroup() as folder:
            if folder is None:
                return None
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(
                    ['sh', '-c', BOOT, folder, self.root],
                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL, timeout=seconds)
        with contextlib.suppress(OSError):
            said, end, _ = self.path('/said').read_text(
                errors='replace').rpartition('the end\n')
            return said if end else None
        return None


BOOTED = '''
[Unit]
DefaultDependencies=no
Requires=systemd-journald.service
After=systemd-journald.service
[Service]
Type=oneshot
ExecStart=/bin/sh /usr/local/sbin/booted
StandardOutput=append:/said
StandardError=append:/said
ExecStopPost=/bin/systemctl --force --force poweroff
'''

# $0 is the group of processes that it is in, $1 the machine.
BOOT = '''
echo $$ >"$0/cgroup.procs" &&
exec timeout --signal=KILL 300 \\
    unshare -m -p -f -u -i -C --kill-child sh -ec '
mount -t proc none "$0/proc"
mount -t sysfs none "$0/sys"
mount -t cgroup2 none "$0/sys/fs/cgroup"
mount -t tmpfs -o mode=755 none "$0/run"
mount --make-rshared "$0"
exec chroot "$0" env -i container=test /lib/systemd/systemd --system \\
    --unit=booted.service --log-target=journal --show-status=no' "$1"
'''


@contextlib.contextmanager
def cgroup():
    """A group of processes for systemd, or None."""
    folder = None
    for top in map(pathlib.Path, CGROUPS):
        if (top / 'cgroup.procs').exists() and not (top / 'tasks').exists():
            with contextlib.suppress(OSError):
                folder = pathlib.Path(tempfile.mkdtemp(prefix='test', dir=top))
                break
    yield folder
    if folder is not None:
        remove_groups(folder)


def remove_groups(folder):
    for path in list(folder.iterdir()):
        if path.is_dir():
            remove_groups(path)
    with contextlib.suppress(OSError):
        folder.rmdir()


# Units without systemd

class Unit(dict):
    """The settings of a unit, a list of values each; an empty one begins
    anew."""

    def __init__(self, path):
        super().__init__()
        for line in pathlib.Path(path).read_text().splitlines():
            name, equals, value = line.partition('=')
            if equals and not line.startswith(('#', ';')):
                self[name] = self.get(name, []) + [value] if value else []

    def one(self, name, otherwise=None):
        values = self.get(name, [])
        if not values and otherwise is not None:
            return otherwise
        assert len(values) == 1, (name, values)
        return values[0]


# Credentials are made for each connection, as systemd does; the folder is not
# removed, so that tests can look who may read it.
START = '''#!/bin/sh
credentials=/run/credentials/{name}.$$
install -d -m 755 /run/credentials
install -d -m 500 -o {user} "$credentials"
test -e {source} || printf '{otherwise}' >"$credentials/{id}"
test ! -e {source} || cat {source} >"$credentials/{id}"
chmod 400 "$credentials/{id}"
chown {user} "$credentials/{id}"
install -d -m {mode} -o {user} -g {user} /run/{runtime}
exec env -i {environment} CREDENTIALS_DIRECTORY="$credentials" \\
    {more} USER={user} LOGNAME={user} HOME=/var/spool/sendling PATH={path} \\
    setpriv --reuid {user} --regid {user} --init-groups --no-new-privs \\
    --bounding-set=-all --inh-caps=-all -- {command}
'''


def write_start(machine, name, unit):
    """A program that starts a service as its unit says, but for the sandbox;
    its path."""
    loaded, _, source = unit.one('LoadCredential').partition(':')
    default, _, otherwise = unit.one('SetCredential').partition(':')
    assert loaded == default
    runtime = unit.one('RuntimeDirectory', 'nothing')
    path = f'/usr/local/sbin/start-{name}'
    machine.write(path, START.format(
        name=name, user=unit.one('User'), source=source, id=loaded,
        otherwise=otherwise, runtime=runtime,
        mode=unit.one('RuntimeDirectoryMode', '0700'),
        environment=shlex.join(unit.get('Environment', [])), path=PATH,
        more=f'RUNTIME_DIRECTORY=/run/{runtime} ' + shlex.join(
            f'{key}={value}' for key, value in surroundings.SPEAK_UP.items()),
        command=unit.one('ExecStart').lstrip('-')), 0o755)
    return path


class Activated:
    """A socket unit with Accept=yes and its service, by
    systemd-socket-activate."""

    def __init__(self, machine, name):
        socket = Unit(machine.path(f'{UNITS}/{name}.socket'))
        service = Unit(machine.path(f'{UNITS}/{name}@.service'))
        assert socket.one('Accept') == 'yes'
        assert service.one('StandardInput') == 'socket'
        self.listens = socket['ListenStream']
        paths = [machine.path(listen) for listen in self.listens
                 if listen.startswith('/')]
        for path in paths:
            path.parent.mkdir(mode=0o755, exist_ok=True)
            path.unlink(missing_ok=True)
        self.log = open(machine.folder / f'{name}.log', 'wb')
        self.process = machine.start(
            'systemd-socket-activate', '--accept', '--inetd',
            *[f'--listen={listen}' for listen in self.listens],
            write_start(machine, name, service),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        for path in paths:
            daemons.wait_for(lambda: path.exists() or self.died())
            path.chmod(int(socket.one('SocketMode', '0666'), 8))
        for listen in self.listens:
            if not listen.startswith('/'):
                port = int(listen.rpartition(':')[2])
                daemons.wait_for(lambda: daemons.answers(port) or self.died())

    def died(self):
        return self.process.poll() is not None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)
