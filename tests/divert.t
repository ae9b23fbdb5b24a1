#!/usr/bin/env python3
"""The commands of README that make us the system's sendmail on Debian, and
those that go back, as they are printed, in a small root of its own with the
real dpkg: beside a package that has these names, and before there is one."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import harness

README = (harness.TESTS.parent / 'README').read_text()
NAMES = ('usr/sbin/sendmail', 'usr/bin/mailq', 'usr/bin/newaliases',
         'usr/lib/sendmail')
PROGRAMS = ('sh', 'ln', 'rm', 'tar', 'dpkg', 'dpkg-deb', 'dpkg-split',
            'dpkg-divert')
# dpkg wants to see them, and has nothing for them to do here.
IDLE = ('ldconfig', 'start-stop-daemon', 'diff')
CONTROL = '''Package: other-mta
Version: {}
Architecture: all
Maintainer: nobody <nobody@example.org>
Description: has a sendmail
'''


def block(word):
    """The block of README's section that has this word."""
    section = re.search(r"^As the system's sendmail\n-+\n(.*?)^-{5}", README,
                        re.M | re.S)[1]
    found, = [text for text in re.findall(r'(?:^ {4,}.*\n)+', section, re.M)
              if word in text]
    return found


def copy_program(root, name):
    path = shutil.which(name)
    said = subprocess.run(['ldd', path], stdout=subprocess.PIPE, text=True)
    for file in [path, *re.findall(r'(/\S+) \(0x', said.stdout)]:
        target = root / os.path.realpath(file)[1:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
        # By its other name too, where that is a link.
        other = root / file[1:]
        other.parent.mkdir(parents=True, exist_ok=True)
        if not other.exists():
            shutil.copy(file, other)


class Root:
    """A root with dpkg and our program in it, and nothing else."""

    def __init__(self, folder):
        self.path = pathlib.Path(folder)
        for name in PROGRAMS:
            copy_program(self.path, name)
        for name in ('usr/local/bin', 'usr/sbin', 'usr/lib', 'bin', 'tmp',
                     'var/lib/dpkg/info', 'var/lib/dpkg/updates',
                     'var/lib/dpkg/triggers'):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        if not (self.path / 'bin/sh').exists():
            shutil.copy(shutil.which('sh'), self.path / 'bin/sh')
        for name in IDLE:
            (self.path / 'usr/sbin' / name).write_text('#!/bin/sh\n')
            (self.path / 'usr/sbin' / name).chmod(0o755)
        (self.path / 'var/lib/dpkg/status').touch()
        (self.path / 'usr/local/bin/sendling').write_text('ours\n')

    def run(self, script):
        return subprocess.run(
            ['chroot', self.path, '/bin/sh', '-ec', script], text=True,
            env={'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'}, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)

    def install(self, version):
        """The other package, or a newer one of it."""
        tree = self.path / 'tmp/other'
        shutil.rmtree(tree, ignore_errors=True)
        for name in NAMES[:3]:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(f'theirs {version}\n')
        (tree / 'usr/lib').mkdir()
        (tree / NAMES[3]).symlink_to('../sbin/sendmail')
        (tree / 'DEBIAN').mkdir()
        (tree / 'DEBIAN/control').write_text(CONTROL.format(version))
        for folder in (tree, *tree.rglob('*')):
            if folder.is_dir():
                folder.chmod(0o755)
        return self.run('dpkg-deb -Zgzip --build /tmp/other /tmp/other.deb && '
                        'dpkg --force-unsafe-io -i /tmp/other.deb')

    def names(self):
        """Whose each of the names is; the links are followed in here."""
        return [self.read(name) for name in NAMES]

    def aside(self):
        return [self.read(name + '.distrib') for name in NAMES[:3]]

    def read(self, name):
        for _ in range(8):
            path = self.path / name
            if not path.is_symlink():
                return path.read_text() if path.exists() else None
            target = os.readlink(path)
            name = target[1:] if target.startswith('/') else os.path.normpath(
                os.path.join(os.path.dirname(name), target))
        return 'a loop'


def check_with_package(tap, root):
    done = root.install(1)
    tap.ok(root.names() == ['theirs 1\n'] * 4, 'a package has the names',
           done.stdout)
    done = root.run(block('--add'))
    done = root.run(block('ln -s')) if done.returncode == 0 else done
    tap.ok(done.returncode == 0 and root.names() == ['ours\n'] * 4,
           'then they are ours', done.stdout, root.names())
    tap.ok(root.aside() == ['theirs 1\n'] * 3, '... and its files are aside',
           root.aside())
    done = root.install(2)
    tap.ok(root.names() == ['ours\n'] * 4 and
           root.aside() == ['theirs 2\n'] * 3,
           'a new version of it is aside as well', done.stdout, root.names())
    check_back(tap, root, ['theirs 2\n'] * 4)


def check_back(tap, root, names):
    done = root.run(block('--remove'))
    tap.ok(done.returncode == 0 and root.names() == names,
           'going back, all is as it was', done.stdout, root.names())
    left = root.run('dpkg-divert --list').stdout
    tap.ok(not left and root.aside() == [None] * 3, '... and nothing is left',
           left, root.aside())
    done = root.run(block('--remove'))
    tap.ok(done.returncode == 0 and root.names() == names,
           '... and again, it stays so', done.stdout, root.names())


def check_without_package(tap, root):
    done = root.run(block('--add') + block('ln -s'))
    tap.ok(done.returncode == 0 and root.names() == ['ours\n'] * 4,
           'where no package has the names they are ours', done.stdout)
    check_back(tap, root, [None] * 4)
    root.run(block('--add') + block('ln -s'))
    done = root.install(1)
    tap.ok(root.names() == ['ours\n'] * 4 and
           root.aside() == ['theirs 1\n'] * 3,
           'a package that comes later is aside', done.stdout, root.names())
    check_back(tap, root, ['theirs 1\n'] * 4)


def check_order(tap, root):
    """What README warns of: links that are there first are moved aside."""
    root.run(block('ln -s'))
    root.run(block('--add'))
    tap.ok(root.names() == [None] * 4, 'the other way round nothing is left',
           root.names())


def main():
    if os.geteuid() != 0 or not all(map(shutil.which, PROGRAMS)):
        harness.skip_all('wants root and dpkg')
    tap = harness.Tap()
    for check in (check_with_package, check_without_package, check_order):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            check(tap, Root(folder))
    return tap.end()


if __name__ == '__main__':
    sys.exit(main())
