#!/usr/bin/env python3
"""sendling-import and the programs themselves, from Debian's packages: the
examples that they ship are read; and what one of them sends by its own
configuration, sendling sends alike by what is made of it.

    tests/imported.t --fetch     only fetches the packages, where it can
"""

import email
import os
import pathlib
import re
import shutil
import subprocess
import sys
import traceback

import daemons
import harness
import smtpd
from daemons import RUN, run

CACHE = harness.TESTS.parent / 'build/imported'
IMPORT = harness.TESTS.parent / 'cmd/sendling-import'
PACKAGES = ['msmtp', 'ssmtp', 'nullmailer', 'dma', 'esmtp']
DOC = pathlib.Path('/usr/share/doc')
PASSWORD = 'p:a-s_s.w0rd'
USER = 'alice@example.org'
MESSAGE = (b'From: Carol <carol@example.com>\nTo: bob@example.net\n'
           b'Subject: hello\n\nHello.\n')
BARE = b'To: bob@example.net\nSubject: hello\n\nHello.\n'
HOME = RUN / 'home'


def imported(path, *argv):
    """A configuration, its secrets beside it."""
    for old in HOME.glob('secret*'):
        old.unlink()
    done = subprocess.run([IMPORT, '-s', HOME / 'secret', *argv, path],
                          capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=harness.WAIT)
    for file in re.findall(rb'(?m)^password-file (.*)', done.stdout):
        file = pathlib.Path(os.fsdecode(file))
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(PASSWORD + '\n')
    return done


def sendling(config, *argv, message=b''):
    argv = ('--set', 'spool-volatile=yes', *argv)
    path = harness.write_config(HOME, config.decode())
    return subprocess.run([harness.SENDLING, '-C', path, *argv], input=message,
                          capture_output=True, timeout=harness.WAIT)


# What the packages ship.

def settled(name):
    """What the maintainer's script makes of an example on the first day."""
    if name == 'dma.conf':
        text = pathlib.Path('/usr/share/dma/dma.conf').read_text()
        return re.sub('(?m)^#SMARTHOST.*', 'SMARTHOST mail.example.org', text)
    return ('root=postmaster\nmailhub=mail\n#rewriteDomain=\n'
            'hostname=box.example.org\n#FromLineOverride=YES\n')


def test_examples(t):
    folder = HOME / 'shipped'
    folder.mkdir()
    for name in ('dma.conf', 'ssmtp.conf'):
        (folder / name).write_text(settled(name))
    shutil.copy('/etc/dma/auth.conf', folder)
    shutil.copy('/etc/ssmtp/revaliases', folder)
    remotes = HOME / 'nullmailer'
    remotes.mkdir()
    (remotes / 'remotes').write_text(example_of('nullmailer-send', 'smarthost'))
    for path in (DOC / 'msmtp/examples/msmtprc-system.example',
                 DOC / 'msmtp/examples/msmtprc-user.example',
                 DOC / 'esmtp/examples/sample.esmtprc', folder / 'dma.conf',
                 folder / 'ssmtp.conf', remotes):
        done = imported(path)
        checked = sendling(done.stdout, '--check')
        t.ok(done.returncode == 0 and checked.returncode == 0 and
             b'\nsmarthost ' in b'\n' + done.stdout,
             f'{path.name}, as the package has it', done.stdout, done.stderr,
             checked.stdout)
    done = imported('/usr/share/dma/dma.conf')
    t.ok(done.returncode == 65 and b'SMARTHOST: there is none' in done.stderr,
         'dma.conf without a smarthost', done.stderr)


def example_of(page, word):
    """The line of the manual that begins so."""
    path = next(pathlib.Path('/usr/share/man/man8').glob(f'{page}.8*'))
    text = run('zcat', '-f', str(path)).replace('\\-', '-')
    return next(line for line in text.splitlines()
                if line.lstrip().startswith(word + '.')).strip() + '\n'


# The same mail by both.

class Case:
    def __init__(self, program, path, text, command, message=MESSAGE, more=None,
                 ours=()):
        self.program, self.path, self.text = program, pathlib.Path(path), text
        self.command, self.message = command, message
        self.more = more or {}
        self.ours = ours  # what sendling is given besides

    def write(self):
        for path, text in {self.path: self.text, **self.more}.items():
            path = pathlib.Path(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            path.touch(mode=0o640)
            path.write_text(text)
            shutil.chown(path, 'mail', 'mail')  # as those two have them


def what(mail):
    """What they must have in common."""
    if mail is None:
        return None
    message, envelope = mail
    sender = email.message_from_bytes(message).get('From', '')
    return {'from': envelope['from'], 'to': envelope['to'],
            'user': envelope.get('user'), 'tls': bool(envelope['tls']),
            'From': email.utils.parseaddr(sender)[1]}


def take(boxes):
    mails = [mail for box in boxes for mail in box.took]
    said = [line for box in boxes for line in box.told]
    for box in boxes:
        box.clear()
    return (mails[0] if len(mails) == 1 else None), said


def send(command, message, boxes):
    """Until a server has it: one of them does not end then."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    process.stdin.write(message)
    process.stdin.close()
    daemons.wait_for(lambda: process.poll() is not None or
                     any(box.took for box in boxes), 30)
    try:
        process.wait(1 if any(box.took for box in boxes) else 0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    return process.stdout.read().decode(errors='replace')


def theirs(case, boxes):
    said = send(case.command, case.message, boxes)
    if case.program == 'nullmailer':
        said += send(['nullmailer-send'], b'', boxes)
    elif case.program == 'dma':
        daemons.wait_for(lambda: any(box.took for box in boxes), 20)
    return *take(boxes), said


def msmtp(text, *argv, **more):
    path = HOME / 'msmtprc'
    return Case('msmtp', path, text, ['msmtp', '-C', path, *argv, '--',
                                      'bob@example.net'], **more)


def cases():
    login = f'auth on\nuser {USER}\npassword {PASSWORD}\n'
    yield 'msmtp: STARTTLS at 587', msmtp(
        'account default\nhost mail.example.org\nport 587\ntls on\n'
        f'{login}from {USER}\n')
    yield 'msmtp: TLS at 465', msmtp(
        'defaults\ntls on\ntls_starttls off\n'
        f'account a\nhost mail.example.org\n{login}from a@example.org\n'
        'account default : a\nfrom b@example.org\n')
    yield 'msmtp: a sender chooses', msmtp(
        f'defaults\nhost mail.example.org\ntls on\nport 587\n'
        f'account one\nfrom one@example.org\n'
        f'account two : one\n{login}from *@two.example.org\n'
        'account default : one\n', '-f', 'x@two.example.org',
        ours=('-f', 'x@two.example.org'))
    yield 'msmtp: patterns, and From anew', msmtp(
        'account default\nhost mail.example.org\nport 26\nfrom %U@example.org\n'
        'allow_from_override off\nset_from_header on\n')
    yield 'msmtp: a password command, quotes, STARTTLS at 25', msmtp(
        f'account default\nhost "mail.example.org"\ntls\nauth\nuser "{USER}"\n'
        f'passwordeval "printf %s \'{PASSWORD}\'"\nfrom {USER}\n')
    yield 'ssmtp: STARTTLS, the From field counts', Case(
        'ssmtp', '/etc/ssmtp/ssmtp.conf',
        f'MailHub=mail.example.org:587\nUseTLS=YES\nUseSTARTTLS=yes\n'
        f'AuthUser={USER}\nAuthPass={PASSWORD}\nFromLineOverride=YES\n'
        'rewriteDomain=example.org\nhostname=box.example.org\n',
        ['ssmtp', 'bob@example.net'], more={'/etc/ssmtp/revaliases': ''})
    yield 'ssmtp: TLS, an alias of root', Case(
        'ssmtp', '/etc/ssmtp/ssmtp.conf',
        f'mailhub=mail.example.org:465\nUseTLS=YES\nAuthUser={USER}\n'
        f'AuthPass={PASSWORD}\nhostname=box.example.org\n',
        ['ssmtp', 'bob@example.net'], message=BARE,
        more={'/etc/ssmtp/revaliases': 'root:me@example.org\n'})
    yield 'ssmtp: a relay, the login is the sender', Case(
        'ssmtp', '/etc/ssmtp/ssmtp.conf',
        'mailhub=mail.example.org:26\nhostname=box.example.org\n',
        ['ssmtp', 'bob@example.net'], more={'/etc/ssmtp/revaliases': ''})
    yield 'esmtp: STARTTLS, a forced sender', Case(
        'esmtp', HOME / 'esmtprc',
        'hostname = mail.example.org:2587\nstarttls = required\n'
        f'username "{USER}" password = \'{PASSWORD}\'\n'
        'force reverse_path "me@example.org"\n',
        ['esmtp', '-C', HOME / 'esmtprc', 'bob@example.net'],
        message=MESSAGE.replace(b'Carol <carol@example.com>',
                                b'me@example.org'))
    yield 'dma: STARTTLS, masquerade', Case(
        'dma', '/etc/dma/dma.conf',
        'SMARTHOST mail.example.org\nPORT 587\nAUTHPATH /etc/dma/auth.conf\n'
        'SECURETRANSFER\nSTARTTLS\nMAILNAME box.example.org\n'
        'MASQUERADE me@example.org\n', ['dma', '-D', 'bob@example.net'],
        message=MESSAGE.replace(b'Carol <carol@example.com>',
                                b'me@example.org'),
        more={'/etc/dma/auth.conf': f'{USER}|mail.example.org:{PASSWORD}\n'})
    yield 'nullmailer: TLS, one sender for all', Case(
        'nullmailer', '/etc/nullmailer/remotes',
        f"mail.example.org smtp --ssl user={USER} pass='{PASSWORD}'\n",
        ['nullmailer-inject', 'bob@example.net'],
        message=MESSAGE.replace(b'Carol <carol@example.com>',
                                b'all@example.org'),
        more={'/etc/nullmailer/allmailfrom': 'all@example.org\n',
              '/etc/nullmailer/me': 'box.example.org\n',
              '/etc/nullmailer/pausetime': '0\n'})


def test_mail(t, boxes):
    for name, case in cases():
        case.write()
        before, said, ran = theirs(case, boxes)
        done = imported(case.path)
        us = sendling(done.stdout + b'log off\n' * (b'\nlog ' not in
                      done.stdout and b'\naccount' not in b'\n' + done.stdout),
                      *case.ours, 'bob@example.net', message=case.message)
        after, _ = take(boxes)
        t.ok(before is not None and what(before) == what(after), name,
             'theirs:', what(before), ran, *said[-9:],
             'ours:', what(after), done.stdout.decode(), done.stderr.decode(),
             us.stderr.decode())


def prepare():
    daemons.lay_over(CACHE / 'root', {})
    daemons.raise_loopback()
    HOME.mkdir()
    os.environ |= {'HOME': str(HOME), 'USER': 'root', 'LOGNAME': 'root'}
    os.environ['PATH'] += ':/usr/sbin:/sbin'
    # The example of msmtp has its password from a program of this name.
    (RUN / 'gpg2').symlink_to('/usr/bin/true')
    os.environ['PATH'] += f':{RUN}'
    hosts = pathlib.Path('/etc/hosts')
    hosts.write_text(hosts.read_text() + '127.0.0.1 mail.example.org\n')
    pathlib.Path('/etc/mailname').write_text('box.example.org\n')
    harness_certs = RUN / 'certs'
    subprocess.run([harness.TESTS / 'certs.sh', harness_certs,
                    'box=DNS:mail.example.org'], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.copy(harness_certs / 'ca.pem', '/etc/ssl/certs/ca-certificates.crt')
    for name, mode in (('dma', 0o2775), ('nullmailer', 0o755)):
        folder = pathlib.Path('/var/spool', name)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, 'mail', 'mail')
        folder.chmod(mode)
    for name in ('queue', 'tmp', 'failed'):
        folder = pathlib.Path('/var/spool/nullmailer', name)
        folder.mkdir(exist_ok=True)
        shutil.chown(folder, 'mail', 'mail')
    trigger = '/var/spool/nullmailer/trigger'
    os.mkfifo(trigger, 0o622)
    shutil.chown(trigger, 'mail', 'mail')
    return str(harness_certs / 'box.pem')


def main():
    daemons.enter_namespaces(CACHE, PACKAGES)
    certificate = prepare()
    t = harness.Tap()
    users = {USER: PASSWORD}
    try:
        test_examples(t)
        with smtpd.Server(certificate, users=users,
                          ports={'smtp': 587, 'smtps': 465}) as one, \
                smtpd.Server(certificate, users=users,
                             ports={'smtp': 25}) as two, \
                smtpd.Server(ports={'smtp': 26}) as three, \
                smtpd.Server(certificate, users=users, tls12=True,  # for esmtp
                             ports={'smtp': 2587}) as old:
            test_mail(t, (one, two, three, old))
    except Exception:
        t.ok(False, 'the tests went to their end', traceback.format_exc())
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
