"""Disks whose power can be cut: a file with a file system in it, mounted in a
namespace of ours. ext4 and xfs are shut down by their ioctl, which forgets what
was not synced; of btrfs, which has none, the file is copied as it is."""

import ctypes
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import time

import rig  # finds the modules of the folder above
import harness
from daemons import run

CACHE = harness.TESTS.parent / 'build/spool'
PACKAGES = ['xfsprogs', 'btrfs-progs', 'libeatmydata1']
ROOT = CACHE / 'root'
LIBRARIES = ROOT / 'usr/lib/x86_64-linux-gnu'
EATMYDATA = LIBRARIES / 'libeatmydata.so'
SHUTDOWN = 0x8004587d  # _IOR('X', 125, __u32), ext4's and xfs's
# What happens to the journal of the file system: it goes to the disk first, so
# that names may be there without what is in their files, or not.
LOG_FLUSH, NO_LOG_FLUSH = 1, 2
# xfs takes no less.
SIZES = {'ext4': 64 << 20, 'xfs': 304 << 20, 'btrfs': 128 << 20}
MAKE = {'ext4': ['mkfs.ext4', '-q', '-F'],
        'xfs': ['mkfs.xfs', '-q', '-f'],
        'btrfs': ['mkfs.btrfs', '-q', '-f', '-m', 'single']}


class Absent(Exception):
    """This machine has no such file system; the words say why."""


class Disk:
    def __init__(self, kind, folder):
        self.kind = kind
        self.folder = pathlib.Path(folder)
        self.images = [self.folder / f'{kind}{i}' for i in range(2)]
        self.place = self.folder / f'{kind}-mounted'
        self.place.mkdir()
        if kind not in pathlib.Path('/proc/filesystems').read_text().split():
            raise Absent('the kernel has none')
        with open(self.images[0], 'wb') as f:
            f.truncate(SIZES[kind])
        path = ':'.join([f'{ROOT}/usr/sbin', f'{ROOT}/sbin', f'{ROOT}/usr/bin',
                         f'{ROOT}/bin', '/usr/sbin', '/sbin'])
        program = shutil.which(MAKE[kind][0], path=path)
        if program is None:
            raise Absent('there is no ' + MAKE[kind][0])
        try:
            run(program, *MAKE[kind][1:], str(self.images[0]), env={
                **os.environ, 'LD_LIBRARY_PATH': str(LIBRARIES)})
            self.mount()
        except OSError as error:
            raise Absent(str(error).replace('\n', ' ')[:200]) from None

    def mount(self):
        run('mount', '-o', 'loop', '-t', self.kind, str(self.images[0]),
            str(self.place))

    def unmount(self):
        # Whoever was killed a moment ago may still hold a file.
        end = time.monotonic() + harness.WAIT
        while subprocess.run(['umount', self.place],
                             stderr=subprocess.DEVNULL).returncode != 0:
            if time.monotonic() > end:
                raise OSError(f'{self.place} cannot be unmounted')
            time.sleep(0.01)

    def sync(self):
        fd = os.open(self.place, os.O_RDONLY)
        result = ctypes.CDLL(None).syncfs(fd)
        os.close(fd)
        if result != 0:
            raise OSError('syncfs failed')

    def cut(self, how):
        """The power goes off and comes again."""
        if self.kind == 'btrfs':
            run('cp', '--sparse=always', *map(str, self.images))
            self.images.reverse()
        else:
            fd = os.open(self.place, os.O_RDONLY)
            fcntl.ioctl(fd, SHUTDOWN, struct.pack('I', how))
            os.close(fd)
        self.unmount()
        self.mount()


