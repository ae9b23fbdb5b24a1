"""The world of setup.t: the name server, the servers of providers, a system
that trusts them, what `make install' lays out, and the home of a person."""

import os
import pathlib
import shutil
import subprocess
import sys

import daemons
import harness
import smtpd
from daemons import RUN, run, wait_for
from person import Person

CACHE = harness.TESTS.parent / 'build/setup'
PACKAGES = ['dnsmasq-base', 'busybox']
SCRIPT = '/usr/local/bin/sendling-setup'
APPLETS = RUN / 'applets'
# How a shell is started, and where it finds its tools: busybox its own.
SHELLS = {'dash': (['/bin/dash'], '/usr/local/bin:/usr/bin:/bin'),
          'bash': (['/bin/bash'], '/usr/local/bin:/usr/bin:/bin'),
          'busybox': ([str(APPLETS / 'busybox'), 'sh'],
                      f'/usr/local/bin:{APPLETS}')}
PASSWORD = 'p a:s"s\\#w%rd'
NAMES = ('smtp.gmail.com', 'smtp.office365.com', 'mail.example.org',
         'smtp.mailbox.org', 'smtp.guess.example', 'mail.guess2.example',
         'mail.oauth.example', 'relay.example')
ZONE = '''
port=53
listen-address=127.0.0.1
bind-interfaces
no-resolv
no-hosts
no-daemon
user=root
group=root
local=/#/
host-record=smtp.gmail.com,127.0.0.2
host-record=smtp.office365.com,127.0.0.2
host-record=mail.example.org,127.0.0.3
host-record=smtp.mailbox.org,127.0.0.2
host-record=smtp.guess.example,127.0.0.4
host-record=mail.guess2.example,127.0.0.4
host-record=smtp.pin.example,127.0.0.5
host-record=mail.plain.example,127.0.0.6
host-record=relay.example,127.0.0.7
host-record=mail.oauth.example,127.0.0.8
srv-host=_submissions._tcp.example.org,mail.example.org,465,10,5
srv-host=_submission._tcp.example.org,relay.example,587,0,5
srv-host=_submission._tcp.only587.example,mail.example.org,587,10,5
srv-host=_submissions._tcp.none.example
srv-host=_submission._tcp.none.example
host-record=smtp.none.example,127.0.0.4
mx-host=workspace.example,aspmx.l.google.com,1
mx-host=tenant.example,tenant-example.mail.protection.outlook.com,1
'''


# The surroundings

def lay_out():
    """All that the tests see, in our namespaces alone."""
    root = CACHE / 'root'
    shutil.rmtree(root / 'usr/local', ignore_errors=True)
    run(os.environ.get('MAKE', 'make'), '-s', 'install', f'DESTDIR={root}',
        f'B={pathlib.Path(harness.SENDLING).parent}', cwd=harness.TESTS.parent,
        env={name: value for name, value in os.environ.items()
             if not name.startswith('MAKE') and name != 'MFLAGS'})
    daemons.lay_over(root, {})
    APPLETS.mkdir()
    for name in run(f'{root}/bin/busybox', '--list').split() + ['busybox']:
        (APPLETS / name).symlink_to(f'{root}/bin/busybox')
    for name in ('curl', 'jq'):  # which sendling-token needs
        if shutil.which(name):
            (APPLETS / name).symlink_to(shutil.which(name))
    pathlib.Path('/etc/resolv.conf').write_text('nameserver 127.0.0.1\n')
    (RUN / 'zone').write_text(ZONE)
    run(str(harness.TESTS / 'certs.sh'), str(RUN / 'certs'),
        'ours=' + ','.join('DNS:' + name for name in NAMES))
    with open('/etc/ssl/certs/ca-certificates.crt', 'a') as trusted:
        trusted.write((RUN / 'certs/ca.pem').read_text())
    daemons.raise_loopback()


def start_dns():
    server = subprocess.Popen(
        ['/usr/sbin/dnsmasq', '-C', str(RUN / 'zone')],
        stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if not wait_for(lambda: daemons.answers(53) or server.poll() is not None) \
            or server.poll() is not None:
        raise SystemExit('Bail out! dnsmasq did not start')
    return server


def serve(last, certificate='ours', implicit=True, **more):
    """A server at 127.0.0.`last`, on 587 and, unless told otherwise, 465."""
    more.setdefault('users', {'alice@gmail.com': PASSWORD})
    ports = {'smtp': 587}
    if implicit:
        ports['smtps'] = 465
    return smtpd.Server(
        certificate and str(RUN / f'certs/{certificate}.pem'),
        host=f'127.0.0.{last}', ports=ports, **more)


class Home:
    """A home of the person's own, and the whole of what the run leaves."""

    def __init__(self):
        # A spool wants a disk, which an overlay is taken for.
        self.path = pathlib.Path('/var/home')
        self.temporary = RUN / 'tmp'
        for path in self.path, self.temporary:
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        self.folder = self.path / '.config/sendling'
        self.config = self.folder / 'config'
        self.password = self.folder / 'password'

    def put(self, text, name='config'):
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)

    def files(self):
        return sorted(str(path) for top in (self.path, self.temporary)
                      for path in top.rglob('*') if not path.is_dir())

    def give(self, number):
        """It is the home of somebody else than root."""
        for path in self.path, self.temporary:
            os.chown(path, number, number)

    def setup(self, *argv, shell='dash', under=(), option=(), user=None,
              **environment):
        start, path = SHELLS[shell]
        return Person([*under, *start, *option, SCRIPT, *argv],
                      {'HOME': str(self.path), 'PATH': path, 'TERM': 'xterm',
                       'TMPDIR': str(self.temporary), **environment},
                      user=user)


def mode(path):
    return path.stat().st_mode & 0o7777


def lines(path):
    return [line for line in path.read_text().splitlines()
            if line and not line.startswith('#')]
