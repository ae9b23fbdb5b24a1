#!/usr/bin/env python3
"""What may be on the disk after the power went off, by the rules alone: one run
is written down, and of what it had not synced at that moment each write, link,
rename and removal is there or not, of the last write any number of sectors.
Each such spool is flushed by the program, and judged.

The rules are POSIX's: fsync(2) of a file keeps what is in it, of the directory
the names. As on older btrfs, that of a file without a name may keep nothing;
such a file may then be damaged until the run has ended, but never be sent.

SPOOL_EVERY=10 in the environment tries every tenth state only.
"""

import copy
import functools
import hashlib
import itertools
import os
import random
import sys
import time

import rig
import scenarios
from harness import Tap, skip_all

EVERY = int(os.environ.get('SPOOL_EVERY', '1'))
ENOUGH = 10000  # states
SECTOR = 512
AT_MOST = 4000  # of the subsets at one moment
SHOWN = 3
LONG_AGO = 10 ** 18  # nanoseconds; what has failed would not be kept so long


class Op:
    """One change: of a file (write: at, data; truncate: at) or of the names
    (link, unlink, rename)."""

    __slots__ = ('kind', 'file', 'at', 'data', 'name', 'other', 'n')

    def __init__(self, kind, file=None, at=0, data=b'', name=None, other=None,
                 n=0):
        self.kind, self.file, self.at, self.data = kind, file, at, data
        self.name, self.other, self.n = name, other, n

    def is_name(self):
        return self.kind in ('link', 'unlink', 'rename')


class Recorder:
    """Makes changes and syncs of a trace; a file is a number."""

    def __init__(self, spool, before):
        self.spool = str(spool)
        self.files = {}   # number -> what is in it at first
        self.names = {}   # name -> number
        self.open = {}    # descriptor -> [number or 'folder', position]
        self.ops = []
        for name, (content, _) in before.items():
            self.names[name] = self.new(content)
        self.first = dict(self.names)

    def new(self, content=b''):
        self.files[len(self.files)] = content
        return len(self.files) - 1

    def add(self, call, kind, *args, **more):
        self.ops.append(Op(kind, *args, n=call.n, **more))

    def is_folder(self, fd):
        return self.open.get(fd, [None])[0] == 'folder'

    def file_of(self, fd):
        entry = self.open.get(fd)
        return entry if entry and entry[0] != 'folder' else None

    def take(self, call):
        if call.result >= 0 and hasattr(self, call.name):
            getattr(self, call.name)(call)

    def openat(self, call):
        path, flags = call.path(), call.args[2]
        inside = self.is_folder(call.args[0])
        self.open.pop(call.result, None)
        if path.rstrip('/') == self.spool:
            self.open[call.result] = ['folder', 0]
        elif inside and flags & rig.MODE_UNNAMED and path == '.':
            self.open[call.result] = [self.new(), 0]
        elif inside and path != '.':
            if path not in self.names:
                self.names[path] = self.new()
                self.add(call, 'link', self.names[path], name=path)
            self.open[call.result] = [self.names[path], 0]

    def close(self, call):
        self.open.pop(call.args[0], None)

    def dup3(self, call):
        if call.args[0] in self.open:
            self.open[call.args[1]] = self.open[call.args[0]]

    def lseek(self, call):
        if self.file_of(call.args[0]):
            self.file_of(call.args[0])[1] = call.result

    def write(self, call):
        entry = self.file_of(call.args[0])
        if entry:
            self.add(call, 'write', entry[0], entry[1], call.data)
            entry[1] += call.result

    def pwrite64(self, call):
        entry = self.file_of(call.args[0])
        if entry:
            self.add(call, 'write', entry[0], call.args[3], call.data)

    writev, pwritev = write, pwrite64

    def read(self, call):
        entry = self.file_of(call.args[0])
        if entry:
            entry[1] += call.result

    def ftruncate(self, call):
        entry = self.file_of(call.args[0])
        if entry:
            self.add(call, 'truncate', entry[0], call.args[1])

    def fallocate(self, call):
        if self.file_of(call.args[0]) and not call.args[1]:
            self.add(call, 'grow', self.file_of(call.args[0])[0],
                     call.args[2] + call.args[3])

    def copy_file_range(self, call):
        raise ValueError('copy_file_range has no place in the model')

    def linkat(self, call):
        old, new = call.path(0), call.path(1)
        if not self.is_folder(call.args[2]):
            return
        if old.startswith('/proc/self/fd/'):
            number = self.file_of(int(old.rpartition('/')[2]))[0]
        elif old == '':
            number = self.file_of(call.args[0])[0]
        else:
            number = self.names[old]
        self.names[new] = number
        self.add(call, 'link', number, name=new)

    def unlinkat(self, call):
        if self.is_folder(call.args[0]):
            self.names.pop(call.path(), None)
            self.add(call, 'unlink', name=call.path())

    def renameat2(self, call):
        if self.is_folder(call.args[0]):
            old, new = call.path(0), call.path(1)
            self.names[new] = self.names.pop(old)
            self.add(call, 'rename', name=old, other=new)

    renameat = renameat2

    def fsync(self, call):
        if self.is_folder(call.args[0]):
            self.add(call, 'sync-names')
        elif self.file_of(call.args[0]):
            self.add(call, 'sync', self.file_of(call.args[0])[0])

    fdatasync = fsync


class Disk:
    """Files and names as they may be found."""

    def __init__(self, recorder):
        self.files = dict(recorder.files)
        self.names = dict(recorder.first)

    def apply(self, op, length=None):
        """Of a write only so much."""
        if op.kind == 'write':
            data = op.data if length is None else op.data[:length]
            old = self.files[op.file].ljust(op.at, b'\0')
            self.files[op.file] = old[:op.at] + data + old[
                op.at + len(data):]
        elif op.kind == 'truncate':
            self.files[op.file] = self.files[op.file][:op.at].ljust(
                op.at, b'\0')
        elif op.kind == 'grow':
            self.files[op.file] = self.files[op.file].ljust(op.at, b'\0')
        elif op.kind == 'link':
            self.names[op.name] = op.file
        elif op.kind == 'unlink':
            self.names.pop(op.name, None)
        elif op.kind == 'rename' and op.name in self.names:
            self.names[op.other] = self.names.pop(op.name)

    def content(self):
        return {name: (self.files[number], time.time_ns()
                       if name[0] == 'F' else LONG_AGO)
                for name, number in self.names.items() if name != '.lock'}


def pending_at(recorder, moment, old_btrfs):
    """Which of the changes before this moment are on the disk for sure, and
    which may be."""
    ops = recorder.ops
    sure, linked = set(), set(recorder.first.values())
    for i, op in enumerate(ops[:moment]):
        if op.kind == 'link':
            linked.add(op.file)
        if op.kind == 'sync' and (op.file in linked or not old_btrfs):
            sure |= {j for j in range(i) if ops[j].file == op.file and
                     not ops[j].is_name()}
        if op.kind == 'sync-names':
            sure |= {j for j in range(i) if ops[j].is_name()}
    changes = [i for i in range(moment)
               if not ops[i].kind.startswith('sync')]
    return sure, [i for i in changes if i not in sure]


def subsets(pending, chance):
    """All, or as many as there is time for, those that differ from all or
    nothing by one among them."""
    if 2 ** len(pending) <= AT_MOST:
        for size in range(len(pending) + 1):
            yield from itertools.combinations(pending, size)
        return
    yield ()
    yield tuple(pending)
    for i in range(len(pending)):
        yield tuple(pending[:i] + pending[i + 1:])
        yield (pending[i],)
    for _ in range(AT_MOST):
        yield tuple(i for i in pending if chance.random() < 0.5)


def states_of(recorder, old_btrfs):
    """Each legal state: (moment, disk)."""
    ops = recorder.ops
    chance = random.Random(1)
    for moment in range(len(ops) + 1):
        sure, pending = pending_at(recorder, moment, old_btrfs)
        for chosen in subsets(pending, chance):
            there = sorted(sure | set(chosen))
            disk = Disk(recorder)
            for i in there[:-1]:
                disk.apply(ops[i])
            # Of the last write that is not sure any number of sectors.
            last = there[-1] if there else None
            if last is not None and last not in sure and \
                    ops[last].kind == 'write':
                op = ops[last]
                begin = SECTOR - op.at % SECTOR
                for length in range(begin, len(op.data), SECTOR):
                    torn = copy.copy(disk)
                    torn.files = dict(disk.files)
                    torn.apply(op, length)
                    yield moment, torn
            if last is not None:
                disk.apply(ops[last])
            yield moment, disk


class Sum:
    def __init__(self):
        self.states, self.wrong, self.broken = 0, [], None
        self.seen = set()


class Model:
    """A scenario, what its run did, and what the server had from it when."""

    def __init__(self, scenario):
        self.stage = scenarios.Stage(scenario)
        self.scenario = scenario
        self.evidence = self.stage.play()
        self.recorder = Recorder(self.stage.rig.spool, self.stage.before)
        for call in self.evidence.trace:
            self.recorder.take(call)

    def told_before(self, moment):
        """How many acceptances the run had seen when it made this change."""
        ops = self.recorder.ops
        end = ops[moment].n if moment < len(ops) else 10 ** 9
        heard = b''.join(c.data for c in self.evidence.trace
                         if c.name == 'recvfrom' and c.n < end)
        return heard.count(b'queued as')

    def check(self, moment, disk, old_btrfs):
        """Flushes what is there: the violations."""
        stage, s = self.stage, self.scenario
        over = moment == len(self.recorder.ops)
        early = [t for t in self.evidence.took if t[3]]
        stage.rig.lay(disk.content())
        stage.box.clear()
        stage.box.mend()
        ran = stage.rig.run('-qf')
        if s.report and ran.status == 0:
            ran = stage.rig.run('-qf')
        stage.box.settle()
        left = [name for name in stage.rig.names() if name != '.lock']
        late = [(rig.number_of(m), e['to'], m) for m, e in stage.box.took]
        if ran.status != 0:
            yield 'the flush ended so: %r' % ran
        for number, _, message in late:
            if number is not None and \
                    message != rig.wired(s.message_of(number)):
                yield '%d came as %r' % (number, message[:200])
        seen = early[:self.told_before(moment)]
        if s.act:
            words = s.check_act(left, any(t[0] == 1 for t in late),
                                over and self.evidence.ran.status == 0)
            if words:
                yield words
        for number in s.numbers()[1 if s.act else 0:]:
            for recipient in s.recipients_of(number):
                now = sum(t[0] == number and recipient in t[1] for t in late)
                then = sum(t[0] == number and recipient in t[1] for t in seen)
                failed = recipient in s.fail.get('refusals', {}) and any(
                    name[0] == 'F' for name in left)
                promised = over and self.evidence.ran.status == 0 or \
                    number != s.number
                if promised and now + then == 0 and not failed:
                    yield '%d is lost to %s' % (number, recipient)
                if now > 1 or over and now and then:
                    yield '%d goes to %s twice' % (number, recipient)
        for name in left:
            if name[1:] == s.id or name[0] == 'F' and s.may_fail or \
                    name[0] == 'X' and old_btrfs and not over:
                continue
            yield '%s is left' % name


def try_states(scenario, old_btrfs, part, parts):
    total = Sum()
    model = None
    try:
        model = Model(scenario)
        for i, (moment, disk) in enumerate(states_of(model.recorder,
                                                     old_btrfs)):
            if i % (parts * EVERY) != part * EVERY:
                continue
            total.states += 1
            key = hashlib.sha256(repr((
                moment == len(model.recorder.ops), model.told_before(moment),
                sorted((name, what) for name, (what, _) in
                       disk.content().items()))).encode()).digest()
            if key in total.seen:
                continue
            total.seen.add(key)
            total.wrong += [(moment, words) for words in
                            model.check(moment, disk, old_btrfs)]
    except Exception as error:
        total.broken = repr(error)
    finally:
        if model:
            model.stage.close()
    return total


NAMES = ('enqueue', 'enqueue, large', 'enqueue without unnamed files',
         'direct, some later', 'flush, good', 'flush, some later',
         'flush, some never', 'flush in passing', 'flush with a report',
         'hold', 'release what is held', 'release what has failed', 'delete')


def main():
    if os.geteuid() != 0 or not os.path.exists(rig.INJECT):
        skip_all('needs root and the injector')
    t = Tap()
    parts = rig.processors()
    states = distinct = wrong = 0
    chosen = [scenarios.named(name) for name in NAMES
              if not sys.argv[1:] or any(w in name for w in sys.argv[1:])]
    for scenario, old_btrfs in itertools.product(chosen, (False, True)):
        totals = rig.in_parallel([functools.partial(
            try_states, scenario, old_btrfs, part, parts)
            for part in range(parts)])
        count = sum(x.states for x in totals)
        bad = [w for x in totals for w in x.wrong]
        broken = next((x.broken for x in totals if x.broken), '')
        title = scenario.name + (', older btrfs' if old_btrfs else '')
        t.ok(count and not bad and not broken,
             f'{title}: states {count}, violations {len(bad)}', broken,
             *(' '.join(map(str, w)) for w in bad[:SHOWN]))
        states, wrong = states + count, wrong + len(bad)
        distinct += len(set().union(*(x.seen for x in totals)))
    if EVERY == 1 and not sys.argv[1:]:
        t.ok(states >= ENOUGH, f'at least {ENOUGH} states')
    t.note(f'count: states {states}, of which {distinct} differ; violations {wrong}')
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
