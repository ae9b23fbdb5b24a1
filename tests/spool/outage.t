#!/usr/bin/env python3
"""The network is off, jobs of cron have something to say, the power goes off and
comes again, then the network: each mail arrives once, as it was written, with
its first Date and Message-ID. Debian's cron, an ext4 whose power is cut, a name
server and a server; one job, and a thousand.

    tests/spool/outage.t --fetch     only fetches the packages, where it can
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import traceback

import disks  # finds the modules of the folder above
import daemons
import harness
import smtpd
from daemons import RUN, wait_for

CACHE = harness.TESTS.parent / 'build/cron'
PACKAGES = ['cron', 'cron-daemon-common']
LOG = RUN / 'log'
JOBS = pathlib.Path('/etc/cron.d/jobs')


class Machine:
    """root's programs, with a spool on a disk that may lose its power."""

    def __init__(self, disk, box):
        self.disk, self.box = disk, box
        self.spool = disk.place / 'spool'
        port = box.ports['smtp']
        pathlib.Path('/etc/sendling.conf').write_text(
            f'smarthost smtp+plain://mail.example.org:{port}\n'
            f'domain example.org\nspool {self.spool}\nlog {LOG}\n')

    def begin(self):
        self.box.clear()
        LOG.write_text('')

    def cron(self, count):
        """cron starts, and so do its jobs; until all of them are kept. What the
        spool has then."""
        JOBS.write_text('MAILTO=bob\n' + ''.join(
            f'@reboot root echo the end of job {n}\n' for n in range(count)))
        pathlib.Path('/run/crond.reboot').unlink(missing_ok=True)
        process = subprocess.Popen(['cron', '-f'], stdin=subprocess.DEVNULL)
        wait_for(lambda: len(LOG.read_text().splitlines()) >= count)
        kept = self.kept()
        self.disk.cut(disks.NO_LOG_FLUSH)
        process.kill()
        process.wait()
        return kept

    def kept(self):
        """The messages in the spool, in any order."""
        return sorted(message_of(path.read_bytes())
                      for path in self.spool.glob('Q*'))

    def flush(self):
        """As sendling-online does; the status, and what was said."""
        done = subprocess.run(
            [harness.SENDLING, '-oeq', '-qf'], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=harness.WAIT, env={'HOME': '/root'})
        self.box.settle()
        return done.returncode, done.stdout

    def took(self):
        return sorted(message.replace(b'\r\n', b'\n')
                      for message, _ in self.box.took)


def message_of(content):
    """What is between head and trailer."""
    head, _, rest = content.partition(b'\n\n')
    size = int(head.split()[1])
    return rest[:size].replace(b'\r\n', b'\n')


def field(name, message):
    return re.search(rb'^%s: (.*)$' % name, message.partition(b'\n\n')[0],
                     re.M)[1]


def test_outage(t, machine, count):
    what = f'{count} mail{"s" if count > 1 else ""} of cron'
    machine.begin()
    daemons.lower_loopback()
    kept = machine.cron(count)
    log = LOG.read_text()
    t.ok(log.count(' queued=') == log.count(' status=0') == count and
         not machine.box.took, f'{what}, without a network: status 0', log[:999])
    t.ok(len(kept) == count and machine.kept() == kept,
         'the power goes off and comes again: all are there',
         len(kept), len(machine.kept()))
    off = machine.flush()
    t.ok(off[0] == 75 and not machine.box.took and machine.kept() == kept,
         'a run without a network sends nothing, and loses nothing', off)
    daemons.raise_loopback()
    done = machine.flush()
    took = machine.took()
    t.ok(done == (0, b'') and took == kept, 'the network comes: each arrives '
         'once, as it was kept', done, len(took), took[:1], kept[:1])
    t.ok(sorted(message.partition(b'\n\n')[2] for message in took) ==
         sorted(b'the end of job %d\n' % n for n in range(count)),
         '... and as the job said it', took[:1])
    t.ok(len({field(b'Message-ID', message) for message in took}) == count and
         all(field(b'Date', message) for message in took),
         '... each with its Message-ID and Date', took[:1])
    machine.disk.cut(disks.NO_LOG_FLUSH)
    again = machine.flush()
    t.ok(again == (0, b'') and machine.took() == took and not machine.kept(),
         'the power goes off once more: nothing comes twice', again,
         len(machine.box.took))


def main():
    daemons.enter_namespaces(CACHE, PACKAGES)
    sendmail = CACHE / 'root/usr/sbin/sendmail'
    sendmail.unlink(missing_ok=True)
    sendmail.symlink_to(harness.SENDLING)
    daemons.lay_over(CACHE / 'root', {})
    daemons.raise_loopback()
    t = harness.Tap()
    names = daemons.start_dnsmasq('--host-record=mail.example.org,127.0.0.1')
    with open('/etc/resolv.conf', 'a') as f:
        f.write('options timeout:1 attempts:1\n')
    with tempfile.TemporaryDirectory() as folder, smtpd.Server() as box:
        try:
            disk = disks.Disk('ext4', folder)
        except disks.Absent as why:
            harness.skip_all(f'no ext4 to cut the power of: {why}')
        try:
            for count in (1, 1000):
                test_outage(t, Machine(disk, box), count)
        except Exception:
            t.ok(False, 'the tests went to their end', traceback.format_exc())
        finally:
            disk.unmount()
    names.terminate()
    names.wait()
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
