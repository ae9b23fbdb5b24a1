#!/usr/bin/env python3
"""Each system call of each scenario fails in each way that it can, or the
process dies before or after it; what came of it is judged by I1 to I8.

    tests/spool/faults.t [WORD ...]   only the scenarios with a WORD in the name

SPOOL_EVERY=10 in the environment strikes every tenth place only. SPOOL_ONE, as
in `SPOOL_ONE=137:before', strikes one and shows what came of it.
"""

import collections
import os
import sys
import tempfile
import time
import traceback

import rig
import scenarios
from harness import Tap, skip_all
from judge import INVARIANTS, judge

EVERY = int(os.environ.get('SPOOL_EVERY', '1'))
ENOUGH = 15000  # faults, of all scenarios, each place
SHOWN = 3       # violations of a scenario that are shown


class Tally:
    """Of one scenario: how many faults, and each violation with where it was
    struck."""

    def __init__(self, name):
        self.name, self.faults, self.wrong = name, 0, []
        self.broken = None

    def add(self, other):
        self.faults += other.faults
        self.wrong += other.wrong
        self.broken = self.broken or other.broken


def strike(scenario, certificate, part, parts):
    """One part of the faults of a scenario."""
    tally = Tally(scenario.name)
    stage = None
    try:
        stage = scenarios.Stage(scenario, certificate)
        places = scenarios.faults_of(stage, EVERY)
        for n, act in places[part::parts]:
            evidence = stage.play(n, act)
            if evidence.ran.hit is None and evidence.ran.status != rig.HUNG:
                continue  # another way than without a fault
            tally.faults += 1
            tally.wrong += [(which, f'{n}:{act}', evidence.ran.hit, words)
                            for which, words in judge(evidence)]
    except scenarios.Broken as words:
        tally.broken = str(words)
    except Exception:  # the others are played all the same
        tally.broken = traceback.format_exc()
    finally:
        if stage:
            stage.close()
    return tally


def all_tallies(chosen, folder):
    parts = rig.processors()
    certificate = scenarios.certificates(folder)
    tallies = [Tally(s.name) for s in chosen]
    for done in rig.in_parallel([
            lambda part=part: [strike(s, certificate, part, parts)
                               for s in chosen] for part in range(parts)]):
        for tally, other in zip(tallies, done):
            tally.add(other)
    return tallies


def show_one(chosen, folder):
    n, _, act = os.environ['SPOOL_ONE'].partition(':')
    stage = scenarios.Stage(chosen[0], scenarios.certificates(folder))
    scenarios.faults_of(stage)
    evidence = stage.play(int(n), act)
    print(*evidence.trace, evidence.ran, *evidence.clean, sep='\n')
    print('before', *evidence.before, '\nafter', *evidence.after)
    print('took', *((t[0], t[1], t[3]) for t in evidence.took))
    print(evidence.log.decode(errors='replace'))
    print(*judge(evidence), sep='\n')
    stage.close()


def main():
    if os.geteuid() != 0 or not os.path.exists(rig.INJECT):
        skip_all('needs root and the injector')
    t = Tap()
    words = sys.argv[1:]
    chosen = [s for s in scenarios.SCENARIOS
              if not words or any(word in s.name for word in words)]
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        if 'SPOOL_ONE' in os.environ:
            return show_one(chosen, folder)
        tallies = all_tallies(chosen, folder)
    kinds = collections.Counter()
    for tally in tallies:
        t.ok(not tally.broken and tally.faults and not tally.wrong,
             f'{tally.name}: faults {tally.faults}, '
             f'violations {len(tally.wrong)}', tally.broken or '',
             *(' '.join(map(str, w)) for w in tally.wrong[:SHOWN]))
        kinds.update(w[0] for w in tally.wrong)
    faults = sum(tally.faults for tally in tallies)
    if not words and EVERY == 1:
        t.ok(faults >= ENOUGH, f'at least {ENOUGH} faults')
    t.note('count: faults %d in %d scenarios, %d s; violations %d: %s' % (
        faults, len(tallies), time.monotonic() - start, sum(kinds.values()),
        ', '.join(f'{name} {kinds[name]}' for name in INVARIANTS)))
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
