#!/usr/bin/env python3
"""The power goes off behind each call that changes the spool, and behind the
run, on ext4, xfs and btrfs: what is there when it comes again is judged by I1
to I8. The same must fail where fsync(2) does nothing, or all this says nothing.

    tests/spool/power.t --fetch     only fetches the packages, where it can

SPOOL_EVERY=10 in the environment cuts at every tenth call only.
"""

import functools
import os
import sys
import tempfile
import traceback

import rig
import daemons
import disks
import scenarios
from harness import Tap
from judge import judge

EVERY = int(os.environ.get('SPOOL_EVERY', '1'))
NAMES = ('enqueue', 'enqueue, large', 'enqueue without unnamed files',
         'direct, nobody listens', 'direct, some later',
         'by -bs, 4yz to the end', 'flush, good', 'flush, some later',
         'flush, some never', 'flush with a report')
WRITING = {'write', 'pwrite64', 'writev', 'pwritev', 'linkat', 'unlinkat',
           'renameat2', 'fsync', 'fdatasync', 'ftruncate', 'fallocate',
           'utimensat', 'copy_file_range'}
SHOWN = 3


class Sum:
    def __init__(self, kind):
        self.kind, self.cuts, self.wrong = kind, 0, []
        self.absent = self.broken = None
        self.eaten = self.eaten_lost = 0


def changing(stage, every):
    """The calls that change the spool, and 0 for the end of the run. What
    goes to the log or to a person changes none."""
    stage.scenario.baseline = stage.play()
    calls = stage.scenario.baseline.trace
    begin = next((i for i, c in enumerate(calls) if c.name == 'openat' and
                  c.path().startswith(str(stage.rig.spool))), 0)
    places = [c.n for c in calls[begin:] if c.name in WRITING and
              (c.name != 'write' or c.args[0] > 2)]
    return [(n, how) for n in [*places[::every], 0] for how in
            (disks.LOG_FLUSH, disks.NO_LOG_FLUSH)]


def cut_all(disk, name, total):
    scenario = scenarios.named(name)
    stage = scenarios.Stage(scenario, spool=disk.place / 'spool')
    try:
        for n, how in changing(stage, EVERY):
            evidence = stage.play(
                n, 'after' if n else 'none', lay=disk.sync,
                cut=functools.partial(disk.cut, how))
            total.cuts += 1
            total.wrong += [(name, n, how, *w) for w in judge(evidence)]
    finally:
        stage.close()


def eat(disk, total):
    """What is left of mails when nothing is synced."""
    stage = scenarios.Stage(scenarios.named('enqueue'),
                            spool=disk.place / 'spool')
    stage.rig.preload = {'LD_PRELOAD': str(disks.EATMYDATA)}
    try:
        for _ in range(5):
            evidence = stage.play(
                lay=disk.sync,
                cut=functools.partial(disk.cut, disks.NO_LOG_FLUSH))
            total.eaten += evidence.ran.status == 0
            total.eaten_lost += any(w[0] == 'I1' for w in judge(evidence))
    finally:
        stage.close()


def play(kind, folder):
    total = Sum(kind)
    disk = None
    try:
        disk = disks.Disk(kind, folder)
        for name in NAMES:
            cut_all(disk, name, total)
        eat(disk, total)
    except disks.Absent as why:
        total.absent = str(why)
    except Exception:  # the other disks are tried all the same
        total.broken = traceback.format_exc()
    finally:
        if disk:
            disk.unmount()
    return total


def main():
    daemons.enter_namespaces(disks.CACHE, disks.PACKAGES)
    daemons.raise_loopback()
    t = Tap()
    where = '/dev/shm' if os.access('/dev/shm', os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        totals = rig.in_parallel([functools.partial(play, kind, folder)
                                  for kind in disks.SIZES])
    for total in totals:
        title = f'{total.kind}: '
        if total.absent:
            t.skip(title + 'the power goes off', total.absent)
            continue
        t.ok(not total.broken and total.cuts and not total.wrong, title +
             f'power cuts {total.cuts}, violations {len(total.wrong)}',
             total.broken or '', *(' '.join(map(str, w))
                                   for w in total.wrong[:SHOWN]))
        t.ok(total.eaten_lost > 0, title + 'where nothing is synced '
             f'{total.eaten_lost} mails of {total.eaten} are lost')
    t.note('count: power cuts %d on %d file systems, %d skipped; violations '
           '%d; where nothing is synced %d mails of %d are lost' % (
               sum(x.cuts for x in totals), sum(x.cuts > 0 for x in totals),
               sum(bool(x.absent) for x in totals),
               sum(len(x.wrong) for x in totals),
               sum(x.eaten_lost for x in totals),
               sum(x.eaten for x in totals)))
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
