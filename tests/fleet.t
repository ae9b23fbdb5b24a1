#!/usr/bin/env python3
"""A fleet: 200 machines, each with a spool and a configuration of its own, send
2,000 mails to a pool of two relays that DNS names with weights. The relays run
Postfix. One of them dies in the middle and comes back later, and for a while
there is none at all.

    tests/fleet.t --fetch     only fetches the packages, where it can
"""

import collections
import contextlib
import json
import math
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import daemons
import harness
import postfix
from daemons import RUN, wait_for

MACHINES = 200
# Mails of each machine: while all is well, while the heavier relay is killed
# and comes back, while there is none.
WELL, KILLED, NONE = 5, 4, 1
SUM = MACHINES * (WELL + KILLED + NONE)
DOMAIN = 'example.org'
FILTER = 1  # seconds
# Less than this is the chance that a test of the split is red for nothing.
CHANCE = 1e-6

MAIN_CF = '''
myhostname = {name}.example.org
inet_interfaces = 127.0.0.1
virtual_mailbox_maps = static:inbox/
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_tls_chain_files = {certs}/wildcard.key {certs}/wildcard.pem
enable_long_queue_ids = yes
default_process_limit = 200
# As long as a filter looks at a mail, its client waits for the last reply.
smtpd_end_of_data_restrictions = sleep {filter}
'''
LISTENER = '{port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes\n'

CONFIG = '''
smarthost  srv://example.org
helo       {name}.example.com
tls-trust  {certs}/ca.pem
log        {home}/log
spool      ~/spool
# The folder of this test may be in memory.
spool-volatile yes
'''

# What the programs of a machine do, and how that ended; each mail is a line on
# descriptor 3.
SEND = r'''
n=$1
while test "$n" -le "$2"
do
	"$SENDLING" -f "root@$NAME.example.com" -- inbox@example.org \
	    2>>"$HOME/said" <<END
From: root@$NAME.example.com
To: inbox@example.org
Subject: mail $n of $NAME
Date: Sun, 22 Nov 2026 12:00:00 +0000
Message-ID: <$n@$NAME.example.com>

.
Mail $n.
END
	echo "$n $?" >>"$HOME/ended"
	n=$((n + 1))
	echo >&3
done
'''


def children_of(pid):
    with open(f'/proc/{pid}/task/{pid}/children') as children:
        return [int(child) for child in children.read().split()]


def message_id_of(mail):
    return re.search(rb'Message-ID: <([^>]*)>', mail)[1].decode()


class Relay:
    """A machine with Postfix, as far as a process namespace is one. `weight' is
    that of DNS."""

    def __init__(self, folder, name, port, weight):
        self.name, self.port, self.weight = name, port, weight
        words = {'name': name, 'port': port, 'certs': RUN / 'certs',
                 'filter': FILTER}
        self.postfix = postfix.Postfix(
            folder / name, MAIN_CF.format(**words), LISTENER.format(**words))
        self.process = None
        self.had = set()

    def start(self):
        command, environment = self.postfix.command()
        with open(self.postfix.folder / 'log/said', 'ab') as said:
            self.process = subprocess.Popen(
                ['unshare', '-p', '-f', *command], env=environment,
                stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        if not wait_for(lambda: daemons.answers(self.port), 60):
            raise OSError(f'{self.name} does not start\n' + ''.join(
                log.read_text()
                for log in (self.postfix.folder / 'log').glob('*')))

    def kill(self):
        """Ends all of its processes at once, by the first of their
        namespace."""
        os.kill(self.master(), signal.SIGKILL)
        self.process.wait()
        self.had = self.taken()

    def stall(self):
        """It takes mails, and says so to nobody: what writes its queue stands
        still until many wait for it, and when that goes on those who speak to
        clients do not."""
        before = self.taken()
        os.kill(self.master(), signal.SIGSTOP)  # nobody else begins
        self.signal('cleanup', signal.SIGSTOP)
        time.sleep(FILTER)
        self.signal('smtpd', signal.SIGSTOP)
        self.signal('cleanup', signal.SIGCONT)
        wait_for(lambda: self.taken() - before, 10)

    def master(self):
        return children_of(self.process.pid)[0]

    def signal(self, name, number):
        for child in children_of(self.master()):
            with open(f'/proc/{child}/comm') as comm:
                if comm.read() == name + '\n':
                    os.kill(child, number)

    def taken(self):
        """The Message-IDs of all that it has accepted."""
        found = {message_id_of(mail) for mail in self.accepted().values()}
        for path in self.postfix.queued():
            # Meanwhile it may have gone on, and be among the delivered.
            with contextlib.suppress(FileNotFoundError):
                found.add(message_id_of(path.read_bytes()))
        return found

    def accepted(self):
        """The mails, by the numbers that it gave them: one that it delivered
        twice itself, as it died in between, is there once."""
        return {re.search(rb'^Received: .*?\bid (\w+)', mail, re.M | re.S)[1]:
                mail for mail in (path.read_bytes() for path in (
                    self.postfix.folder / 'mail/inbox/new').glob('*'))}


class Machine:
    def __init__(self, folder, number):
        self.name = f'machine-{number}'
        self.home = folder / self.name
        (self.home / '.config/sendling').mkdir(parents=True)
        harness.write_config(self.home / '.config/sendling', CONFIG.format(
            name=self.name, home=self.home, certs=RUN / 'certs'))
        self.environment = {
            'PATH': os.environ['PATH'], 'HOME': str(self.home),
            'NAME': self.name, 'SENDLING': harness.SENDLING}

    def send(self, first, last, progress):
        return subprocess.Popen(
            ['sh', '-c', 'exec 3>&%d; %s' % (progress, SEND), 'sh', str(first),
             str(last)], env=self.environment, stdin=subprocess.DEVNULL,
            pass_fds=[progress])

    def run(self, *argv, **more):
        return subprocess.Popen([harness.SENDLING, *argv],
                                env=self.environment,
                                stdin=subprocess.DEVNULL, **more)

    def ended(self):
        """The exit statuses, by the numbers of its mails."""
        return dict(map(int, line.split()) for line in
                    (self.home / 'ended').read_text().splitlines())

    def mails(self):
        """What `mailq --json' says."""
        done = self.run('-bp', '--json', stdout=subprocess.PIPE)
        return json.loads(done.communicate()[0])

    def message_ids(self, count):
        return [f'{n}@{self.name}.example.com' for n in range(1, count + 1)]

    def read(self, name):
        path = self.home / name
        return path.read_text() if path.exists() else ''


class Fleet:
    def __init__(self, folder):
        self.machines = [Machine(folder, n) for n in range(MACHINES)]
        # Large weights: the way of RFC 2782 gives as much as one more to that
        # which DNS names first.
        self.relays = [Relay(folder, 'mx1', 465, 3000),
                       Relay(folder, 'mx2', 466, 1000)]
        self.sent = 0
        self.killed = set()  # what was accepted by the relay that died

    def send(self, count, *acts):
        """Each machine sends so many mails, all at the same time. acts are
        pairs: after how many mails what is done."""
        first = self.sent + 1
        self.sent += count
        read, write = os.pipe()
        running = [machine.send(first, self.sent, write)
                   for machine in self.machines]
        os.close(write)
        acts, done = list(acts), 0
        while (said := os.read(read, 4096)):
            done += len(said)
            while acts and done >= acts[0][0]:
                acts.pop(0)[1]()
        os.close(read)
        for process in running:
            process.wait()

    def flush(self, *argv):
        """All at once; the exit statuses."""
        running = [machine.run(*argv) for machine in self.machines]
        return collections.Counter(process.wait() for process in running)

    def statuses(self):
        return collections.Counter(
            status for machine in self.machines
            for status in machine.ended().values())

    def said(self):
        return ''.join(machine.read('said') for machine in self.machines)

    def logged(self, word):
        """Lines of their logs with that word."""
        return [line for machine in self.machines
                for line in machine.read('log').splitlines() if word in line]

    def waiting(self):
        return [mail for machine in self.machines
                for mail in machine.mails()['mails']]

    def settle(self):
        for relay in self.relays:
            wait_for(relay.postfix.is_idle)


def deviation(n, p):
    """How far a count of n, each with the probability p, may be from n * p so
    that more than that has a chance below CHANCE: from the ends of the binomial
    distribution inwards."""
    def chance(k):
        return math.exp(
            math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) +
            k * math.log(p) + (n - k) * math.log(1 - p))
    far, beyond = sorted(range(n + 1), key=lambda k: -abs(k - n * p)), 0
    for k in far:
        beyond += chance(k)
        if beyond >= CHANCE:
            return abs(k - n * p)
    raise ValueError(n)


def check_split(t, fleet, n, took, what):
    """Whether the first relay has its share of n."""
    p = fleet.relays[0].weight / sum(relay.weight for relay in fleet.relays)
    allowed = deviation(n, p)
    t.ok(sum(took) == n and abs(took[0] - n * p) <= allowed,
         f'{what}: of {n} mx1 has {took[0]}, mx2 {took[1]}; by its weight '
         f'{n * p:.0f} +- {allowed:.0f}')


def mail_of(message_id):
    number, _, name = message_id.partition('@')
    name = name.partition('.')[0]
    return (f'From: root@{name}.example.com\nTo: inbox@example.org\n'
            f'Subject: mail {number} of {name}\n'
            'Date: Sun, 22 Nov 2026 12:00:00 +0000\n'
            f'Message-ID: <{message_id}>\n\n.\nMail {number}.\n').encode()


def test_weights(t, fleet):
    fleet.send(WELL)
    fleet.settle()
    t.ok(fleet.statuses() == {0: MACHINES * WELL} and not fleet.said(),
         f'{MACHINES} machines at once: each mail ends with status 0, without '
         'a word', fleet.statuses(), fleet.said()[:2000])
    took = [len(relay.accepted()) for relay in fleet.relays]
    check_split(t, fleet, MACHINES * WELL, took, 'the load splits by weight')


def test_kill(t, fleet):
    """The relay that has most of the load dies, and comes back when two thirds
    are sent."""
    heavy, count = fleet.relays[0], MACHINES * KILLED
    fleet.send(KILLED, (count // 3, heavy.stall), (count // 3, heavy.kill),
               (2 * count // 3, heavy.start))
    fleet.killed = heavy.had
    waiting = fleet.waiting()
    t.ok(fleet.statuses() == {0: MACHINES * (WELL + KILLED)} and
         not fleet.said(), f'{heavy.name} dies and comes back while {count} '
         'mails are sent: status 0 all the same', fleet.statuses(),
         fleet.said()[:2000])
    t.ok(waiting and all(mail['doubtful'] for mail in waiting),
         f'in the spools are {len(waiting)} of them, which may have arrived',
         waiting[:2])


def test_none(t, fleet):
    for relay in fleet.relays:
        relay.kill()
    before = len(fleet.waiting())
    fleet.send(NONE)
    waiting = fleet.waiting()
    t.ok(fleet.statuses() == {0: SUM} and not fleet.said() and
         len(waiting) == before + MACHINES * NONE and
         all(mail['state'] == 'waiting' and mail['error'] for mail in waiting),
         f'no relay is there: {len(waiting)} mails wait, and mailq says why',
         fleet.statuses(), fleet.said()[:2000], waiting[:2])
    for relay in fleet.relays:
        relay.start()


def test_flush(t, fleet):
    start = time.monotonic()
    statuses = fleet.flush('-qf')
    left = [name for machine in fleet.machines
            for name in os.listdir(machine.home / 'spool') if name != '.lock']
    t.ok(statuses == {0: MACHINES} and not left and not fleet.waiting(),
         'when they are back all machines flush: nothing stays in a spool',
         statuses, left[:10])
    t.note(f'{MACHINES} flushes at once: {time.monotonic() - start:.1f} s')


def test_arrived(t, fleet):
    fleet.settle()
    times, wrong = collections.Counter(), []
    for relay in fleet.relays:
        for mail in relay.accepted().values():
            message_id = message_id_of(mail)
            times[message_id] += 1
            differs = daemons.difference(mail_of(message_id), mail)
            wrong += [f'{message_id}: {differs}'] if differs else []
    lost = [message_id for machine in fleet.machines
            for message_id in machine.message_ids(fleet.sent)
            if not times[message_id]]
    t.ok(len(times) == SUM and not lost, f'of {SUM} mails {len(times)} arrived',
         lost[:10])
    t.ok(not wrong, 'each is as it was', *wrong[:3])
    twice = {message_id for message_id, count in times.items() if count > 1}
    unsure = {re.search(r'msgid=<([^>]*)>', line)[1]
              for line in fleet.logged('may have been delivered')}
    t.ok(twice == unsure & fleet.killed and max(times.values()) <= 2,
         f'{len(twice)} came twice: those of {len(unsure)} whose last reply the '
         'kill took away that were accepted all the same',
         twice - unsure, twice - fleet.killed, unsure & fleet.killed - twice)
    t.note('in all, ' + ', '.join(f'{relay.name} took {len(relay.accepted())}'
                                  for relay in fleet.relays))


def records(relays):
    """Of DNS, as options of dnsmasq."""
    return [word for relay in relays for word in (
        f'--host-record={relay.name}.{DOMAIN},127.0.0.1',
        f'--srv-host=_submissions._tcp.{DOMAIN},{relay.name}.{DOMAIN},'
        f'{relay.port},10,{relay.weight}')]


def main():
    daemons.enter_namespaces(postfix.CACHE, postfix.PACKAGES)
    daemons.lay_over(postfix.CACHE / 'root', postfix.USERS)
    daemons.raise_loopback()
    harness.make_certificates(RUN / 'certs')
    t = harness.Tap()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)  # for Postfix
        fleet = Fleet(pathlib.Path(folder))
        names = daemons.start_dnsmasq(*records(fleet.relays))
        try:
            for relay in fleet.relays:
                relay.start()
            for test in (test_weights, test_kill, test_none, test_flush,
                         test_arrived):
                start = time.monotonic()
                test(t, fleet)
                t.note(f'{test.__name__}: {time.monotonic() - start:.1f} s')
        except Exception:
            t.ok(False, 'the tests went to their end', traceback.format_exc())
        finally:
            names.terminate()
            names.wait()
            for relay in fleet.relays:
                if relay.process and relay.process.poll() is None:
                    relay.kill()
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
