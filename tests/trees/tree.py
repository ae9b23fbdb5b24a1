"""A tree of a release of Debian: made once by mmdebstrap, with the packages that
are wanted later in apt's cache, and laid under a layer that takes what a test
writes. Nothing in it reaches a network but our own loopback."""

import os
import pathlib
import shutil
import subprocess

import daemons
import harness
from daemons import RUN, run

TOP = harness.TESTS.parent
DEFAULT = 'http://deb.debian.org/debian'
ENVIRONMENT = {'PATH': '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:'
                       '/sbin:/bin',
               'HOME': '/root', 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'}
SILENT = {**ENVIRONMENT, 'DEBIAN_FRONTEND': 'noninteractive'}


# Making it

def mirror():
    """The archive that this machine's apt asks."""
    done = subprocess.run(['apt-get', 'indextargets', '--format', '$(REPO_URI)',
                           'Created-By: Packages'], stdout=subprocess.PIPE)
    for line in done.stdout.decode().split():
        if line.rstrip('/').endswith('/debian'):
            return line
    return DEFAULT


def base(release):
    return TOP / 'build/trees' / release


def make(release, package_sets):
    """The tree below build/trees, unless it is there. Each of the sets of
    packages is fetched as if it were installed by itself, with what the first
    word, an option or none, makes of it."""
    tree = base(release)
    stamp = tree / 'var/cache/sendling-trees'
    if stamp.exists() and stamp.read_text() == repr(package_sets):
        return
    print('# Making', tree, flush=True)
    shutil.rmtree(tree, ignore_errors=True)
    tree.parent.mkdir(parents=True, exist_ok=True)
    run('mmdebstrap', '--quiet', '--variant=minbase', release, str(tree),
        mirror())
    shutil.copy('/etc/resolv.conf', tree / 'etc/resolv.conf')
    fetch(tree, 'update')
    for names in package_sets:
        fetch(tree, '--download-only', 'install', *names)
    (tree / 'etc/resolv.conf').unlink()
    stamp.write_text(repr(package_sets))


def fetch(tree, *argv):
    # Downloads are root's here: the tree's own user for them finds no way in.
    run('chroot', str(tree), 'apt-get', '-q', '-y', '-o',
        'APT::Sandbox::User=root', *argv, env=SILENT)


# Using it

class Tree:
    """A fresh one: what is written vanishes with our mounts."""

    def __init__(self, release, name):
        self.path = RUN / name
        # On a disk, or no spool would be taken for one that lasts.
        layer = base(release).with_name(f'{release}-{name}')
        shutil.rmtree(layer, ignore_errors=True)
        for path in (self.path, layer / 'upper', layer / 'work'):
            path.mkdir(parents=True)
        run('mount', '-t', 'overlay', '-o', f'lowerdir={base(release)},'
            f'upperdir={layer}/upper,workdir={layer}/work', 'none',
            str(self.path))
        for name in ('dev', 'proc'):
            run('mount', '--rbind', f'/{name}', str(self.path / name))
        run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none',
            str(self.path / 'run'))

    def at(self, path):
        return self.path / path.lstrip('/')

    def argv(self, *argv, user=None):
        """For subprocess: the command in the tree, as the user."""
        as_user = ['setpriv', '--reuid', user, '--regid', user,
                   '--init-groups'] if user else []
        return ['chroot', str(self.path), *as_user, *argv]

    def does(self, *argv, user=None, text='', folder=None, silent=True,
             **variables):
        """Runs it: the status and what it said."""
        shell = ['sh', '-c', 'cd "$0" && exec "$@"', folder or '/', *argv]
        done = subprocess.run(
            self.argv(*shell, user=user), input=text.encode(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1800,
            env={**(SILENT if silent else ENVIRONMENT), **variables})
        return done.returncode, done.stdout.decode(errors='replace')

    def must(self, *argv, **more):
        status, said = self.does(*argv, **more)
        if status != 0:
            raise OSError('%s: status %d\n%s' % (' '.join(argv), status,
                                                 said[-4000:]))
        return said

    def start(self, *argv, user=None, **more):
        return subprocess.Popen(self.argv(*argv, user=user), env=ENVIRONMENT,
                                stdin=subprocess.DEVNULL, **more)

    def files(self):
        """All paths but those that apt, dpkg and logs keep, and that come and
        go."""
        passed_over = ('./dev', './proc', './run', './tmp', './var/cache',
                       './var/lib/apt', './var/lib/dpkg', './var/log',
                       './etc/ld.so.cache')
        paths = run('find', '.', '-xdev', cwd=self.path).splitlines()
        return {path for path in paths if not path.startswith(passed_over)}
