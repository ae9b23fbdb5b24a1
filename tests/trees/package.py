"""The Debian package in fresh trees of a release, from the sources of `make
dist' and what README says to type: built, installed, set up, used, upgraded,
replaced, removed. cron, bsd-mailx, unattended-upgrades, PHP and Symfony are
Debian's; the provider is smtpd.py on loopback, known by name and trusted as any
other would be."""

import hashlib
import os
import re
import shutil
import subprocess

import daemons
import harness
import smtpd
import tree
from daemons import RUN, run, wait_for
from person import Person
from tree import TOP, Tree

PASSWORD = 'p a:s"s\\#w%rd'
ADDRESS = 'alice@example.org'
MTAS = ('exim4-base', 'postfix', 'msmtp-mta', 'dma', 'nullmailer')
MAILERS = ['cron', 'bsd-mailx', 'unattended-upgrades']
PHP = ['php-cli', 'php-symfony-mailer', 'systemd']
WITHOUT = '--no-install-recommends'
# What is fetched; see tree.make().
SETS = [[*MAILERS, 'msmtp-mta', 'ca-certificates'], [WITHOUT, 'make'],
        [WITHOUT, 'build-essential', 'debhelper', 'gcc', 'libbsd-dev',
         'libc6-dev', 'libcmocka-dev', 'libgnutls28-dev', 'lintian', 'netbase',
         'openssl', 'pkg-config', 'python3', 'python3-minimal'], [WITHOUT, *PHP],
        [WITHOUT, 'apt-utils']]

DEMO = 'make demo'
BUILD = 'make deb'
INSTALL = 'apt install ./build/deb/sendling_*.deb'
SETUP = f'sendling-setup --system {ADDRESS}'
REMOVE = 'apt remove sendling'
PURGE = 'apt purge sendling'
SOCKET = 'systemctl enable --now sendling.socket'

UNATTENDED = '''
Unattended-Upgrade::Mail "root";
Unattended-Upgrade::MailReport "always";
Unattended-Upgrade::Origins-Pattern { "origin=sendling"; };
'''
SERVICE = '''
smarthost            smtps://mail.example.org
user                 alice@example.org
password-credential  password
domain               example.org
spool                /var/spool/sendling
sender-of            www-data *@example.org
'''
THROUGH_SOCKET = '''
smarthost  smtp+unix:/run/sendling/submit
domain     example.org
'''
PHP_MAIL = '''<?php
exit(mail("bob@example.net", "from php", "Hello\\n",
    ["From" => "Shop <shop@example.org>"], "-fshop@example.org") ? 0 : 1);
'''
SYMFONY = '''<?php
require "Symfony/Component/Mailer/autoload.php";
use Symfony\\Component\\Mailer\\{Mailer, Transport};
use Symfony\\Component\\Mime\\Email;
(new Mailer(Transport::fromDsn("sendmail://default")))->send((new Email())
    ->from("shop@example.org")->to("carol@example.net")
    ->subject("from symfony")->text("Hello"));
'''


class World:
    """The provider, and what came there."""

    def __init__(self, t, release):
        self.t, self.release = t, release
        run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'none', str(RUN))
        daemons.raise_loopback()
        self.certificates = RUN / 'certs'
        run(str(harness.TESTS / 'certs.sh'), str(self.certificates),
            'ours=DNS:mail.example.org')
        self.readme = (TOP / 'README').read_text()
        self.took = []
        self.server = None
        self.debs = []

    def serve(self):
        self.server = smtpd.Server(str(self.certificates / 'ours.pem'),
                                   ports={'smtp': 587, 'smtps': 465},
                                   users={ADDRESS: PASSWORD})

    def stop(self):
        self.server.close()
        self.server = None

    def arrives(self, sentence, recipient, *words):
        """A mail for him that holds all the words came, or comes soon."""
        def came():
            return any(recipient in envelope['to'] and
                       all(word.encode() in data for word in words)
                       for data, envelope in list(self.server.took))
        self.t.ok(wait_for(came), sentence,
                  *[mail for mails in self.server.took for mail in mails])

    def tree(self, name):
        """A fresh one that knows the provider, as a resolver and a list of
        authorities would."""
        fresh = Tree(self.release, name)
        fresh.at('etc/hosts').write_text(
            '127.0.0.1 localhost box\n127.0.0.1 mail.example.org\n')
        fresh.at('etc/mailname').write_text('box.example.org\n')
        fresh.at('etc/apt/apt.conf.d/90yes').write_text(
            'APT::Get::Assume-Yes "true";\nAPT::Keep-Downloaded-Packages '
            '"true";\n')
        authorities = fresh.at('usr/local/share/ca-certificates')
        authorities.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.certificates / 'ca.pem', authorities / 'ours.crt')
        return fresh

    def has(self, command):
        """README has it, in a line of its own or in its text."""
        words = r'\s+'.join(map(re.escape, command.split()))
        self.t.ok(re.search(rf"(?m)^    {words}$|`{words}'", self.readme),
                  f'README has: {command}')

    def types(self, box, command, folder=None, **more):
        """A command of README, which must be there."""
        self.has(command)
        status, said = box.does('sh', '-c', command, folder=folder, **more)
        self.t.ok(status == 0, f'... it goes well', said[-4000:])
        return said


# Building

def build(world):
    t, box = world.t, world.tree('build')
    version = run('cmd/version.sh', cwd=TOP).strip()
    tarball = run('cmd/dist.sh', version, str(RUN / 'dist'), cwd=TOP).strip()
    run('tar', '-x', '-f', tarball, '-C', str(box.at('root')))
    sources = f'/root/sendling-{version}'
    box.must('apt-get', '-q', 'install', 'make')
    # Nothing is there yet but make, no authorities and no `localhost' either.
    box.at('etc/hosts').unlink()
    world.types(box, DEMO, folder=sources)
    world.types(box, BUILD, folder=sources, DEB_BUILD_OPTIONS=os.environ.get(
        'DEB_BUILD_OPTIONS', ''))
    built = box.at(sources) / 'build/deb'
    world.debs = sorted(built.glob('sendling_*.deb'))
    t.ok(len(world.debs) == 1, 'there is a package', *built.glob('*'))
    world.version = run('dpkg-deb', '-f', str(world.debs[0]),
                        'Version').strip()
    box.must('apt-get', '-q', 'install', '--no-install-recommends', 'lintian')
    status, said = box.does(
        'sh', '-c', f'lintian --allow-root --fail-on error,warning '
        f'--show-overrides {sources}/build/deb/*.changes')
    overridden = re.findall('^O: .*', said, re.M)
    t.ok(status == 0 and len(overridden) <= 1, 'lintian has no fault to find',
         said)
    look_inside(t, world.debs[0])
    world.sources = sources
    return box


def look_inside(t, deb):
    run('dpkg-deb', '-R', str(deb), str(RUN / 'inside'))
    inside = RUN / 'inside'
    control = {path.name for path in (inside / 'DEBIAN').iterdir()}
    t.ok(control <= {'control', 'md5sums', 'postinst', 'postrm', 'prerm'},
         'it has no questions', *control)
    privileged = run('find', str(inside), '-perm', '/6000', '-o', '-path',
                     '*apparmor*')
    t.ok(privileged == '', 'no set-id bit and no profile', privileged)
    for name in ('usr/bin/sendling', 'usr/bin/sendling-setup',
                 'usr/bin/sendling-token', 'usr/bin/sendling-import',
                 'usr/sbin/sendmail', 'usr/bin/mailq', 'usr/bin/newaliases',
                 'usr/lib/sendmail', 'usr/share/man/man8/sendmail.8.gz',
                 'usr/share/man/man1/mailq.1.gz',
                 'usr/share/man/man1/newaliases.1.gz',
                 'usr/share/man/man5/sendling.conf.5.gz',
                 'usr/share/bash-completion/completions/sendling',
                 'usr/share/zsh/vendor-completions/_sendling',
                 'usr/share/fish/vendor_completions.d/sendling.fish',
                 'usr/lib/sysusers.d/sendling.conf',
                 'usr/lib/tmpfiles.d/sendling.conf',
                 'usr/lib/systemd/user/sendling-flush.timer',
                 'usr/share/doc/sendling/config.example.gz'):
        path = inside / name
        t.ok(path.exists() or path.is_symlink(), f'it has /{name}')
    units = {path.name for path in inside.glob('**/systemd/system/*')}
    t.ok({'sendling.socket', 'sendling@.service', 'sendling-flush.timer'} <=
         units, '... and the units', *units)


# Using it

def install(world):
    """Together with what wants a sendmail."""
    t, box = world.t, world.tree('fresh')
    folder = box.at(world.sources) / 'build/deb'
    folder.mkdir(parents=True)
    shutil.copy(world.debs[0], folder)
    world.has(INSTALL)
    status, said = box.does('sh', '-c', f'{INSTALL} {" ".join(MAILERS)}',
                            folder=world.sources)
    t.ok(status == 0, '... it goes well with ' + ', '.join(MAILERS), said)
    installed = box.must('dpkg-query', '-W', '-f',
                         '${Package} ${db:Status-Status}\n')
    t.ok('sendling installed' in installed and
         not any(f'{name} installed' in installed for name in MTAS),
         'no other mail system comes', installed)
    t.ok(int(box.must('id', '-u', 'sendling')) < 1000 and
         not box.at('etc/sendling.conf').exists(),
         'a user is made, and no configuration')
    return box


def set_up(world, box):
    t = world.t
    world.has(SETUP)
    with Person(box.argv(*SETUP.split()), tree.ENVIRONMENT) as p:
        for question, answer in (
                ('none: look further): ', ''),
                ('Is smtps://mail.example.org:465 the server', ''),
                (f'User name [{ADDRESS}]: ', ''),
                ('(not shown): ', PASSWORD), ('Group (- for root', ''),
                ('Make the group senders', ''),
                (f'leave as {ADDRESS}', 'no'), ('root', ADDRESS),
                ('Keep mails that cannot be sent now', 'no'),
                ('Write this to', ''),
                (f'Send a mail to {ADDRESS} now', 'yes')):
            p.answers(question, answer)
        t.ok(p.wait() == 0, '... and a person goes through it', p.shown)
    world.arrives('the mail at its end comes', ADDRESS)
    status, said = box.does('sendling', '--check')
    t.ok(status == 0, 'the configuration is accepted', said)


def run_cron(world, box):
    """Jobs of root and of a user who is in the group."""
    box.must('useradd', '-m', '-G', 'senders', 'carol')
    for user in ('root', 'carol'):
        box.must('crontab', '-u', user, '-',
                 text=f'* * * * * echo "job of {user}"\n')
    cron = box.start('cron', '-f')
    world.arrives('the mail of a job of root comes', ADDRESS, 'job of root')
    world.arrives('... and that of a user', 'carol@example.org', 'job of carol')
    cron.terminate()
    cron.wait()
    for user in ('root', 'carol'):
        box.must('crontab', '-u', user, '-r')
    box.must('mail', '-s', 'from mailx', 'bob@example.net', text='Hello\n',
             user='carol')
    world.arrives('mail(1) sends', 'bob@example.net', 'Subject: from mailx')


def publish_next(world, box):
    """An archive in the tree with the next version of the package."""
    repository = box.at('srv/next')
    repository.mkdir(parents=True)
    inside = RUN / 'next'
    run('dpkg-deb', '-R', str(world.debs[0]), str(inside))
    control = inside / 'DEBIAN/control'
    control.write_text(re.sub('(?m)^(Version: .*)', r'\1.1',
                              control.read_text()))
    deb = repository / 'sendling.deb'
    run('dpkg-deb', '-b', str(inside), str(deb))
    data = deb.read_bytes()
    packages = (control.read_text() + f'Filename: ./{deb.name}\n'
                f'Size: {len(data)}\n'
                f'SHA256: {hashlib.sha256(data).hexdigest()}\n').encode()
    (repository / 'Packages').write_bytes(packages)
    (repository / 'Release').write_text(
        'Origin: sendling\nLabel: sendling\nSuite: next\nSHA256:\n '
        f'{hashlib.sha256(packages).hexdigest()} {len(packages)} Packages\n')
    own = '/etc/apt/sources.list.d/next.list'
    box.at(own).write_text('deb [trusted=yes] file:/srv/next ./\n')
    box.must('apt-get', '-q', 'update', '-o', f'Dir::Etc::sourcelist={own}',
             '-o', 'Dir::Etc::sourceparts=-', '-o',
             'APT::Get::List-Cleanup=false')


def settings(box):
    return {path: (path.read_bytes(), path.stat().st_mode, path.stat().st_gid)
            for path in [box.at('etc/sendling.conf'), box.at('etc/aliases'),
                         box.at('etc/sendling.password')]}


def upgrade(world, box):
    """By unattended-upgrades, whose mail goes through what it upgraded."""
    t, before = world.t, settings(box)
    publish_next(world, box)
    box.at('etc/apt/apt.conf.d/99mail').write_text(UNATTENDED)
    said = box.must('unattended-upgrade', '-v')
    t.ok(box.must('dpkg-query', '-W', '-f', '${Version}', 'sendling') ==
         world.version + '.1', 'unattended-upgrades upgrades it', said)
    t.ok(settings(box) == before, '... the configuration stays')
    world.arrives('... and its report comes', ADDRESS,
                  'unattended-upgrades result', 'sendling')


def remove_with_mail(world, box):
    """The provider is away, so that mails wait when the package goes."""
    t = world.t
    configuration = box.at('etc/sendling.conf')
    line = 'spool ~/.local/state/sendling/spool'
    world.has(line)
    configuration.write_text(f'{line}\n{configuration.read_text()}')
    kept = settings(box)
    world.stop()
    for user in (None, 'carol'):
        box.must('sendmail', 'bob@example.net', user=user,
                 text=f'Subject: kept for {user}\n\nHello\n',
                 HOME=f'/home/{user}' if user else '/root')
    said = world.types(box, REMOVE)
    for home in ('/root', '/home/carol'):
        spool = f'{home}/.local/state/sendling/spool'
        t.ok(f'mails stay in {spool}' in said, f'... says what is in {spool}',
             said)
        t.ok(len(list(box.at(spool).glob('Q*'))) == 1, '... where it stays')
    t.ok(said.count('bob@example.net') >= 2, '... and for whom it is', said)
    t.ok(settings(box) == kept, '... the configuration stays')
    box.must('sh', '-c', INSTALL, folder=world.sources)
    world.serve()
    for user in (None, 'carol'):
        box.must('sendling', '-qf', user=user,
                 HOME=f'/home/{user}' if user else '/root')
        world.arrives('... and when it is back they are sent',
                      'bob@example.net', f'kept for {user}')


# Taking another's place, the socket, and going

def replace(world):
    """msmtp-mta was there; what the tree was like then."""
    t, box = world.t, world.tree('replaced')
    box.must('apt-get', '-q', 'install', *MAILERS, 'msmtp-mta',
             'ca-certificates')
    box.must('apt-get', '-q', 'install', '--no-install-recommends', *PHP)
    before = box.files()
    folder = box.at(world.sources) / 'build/deb'
    folder.mkdir(parents=True)
    shutil.copy(world.debs[0], folder)
    said = world.types(box, INSTALL, folder=world.sources)
    shutil.rmtree(box.at(world.sources))
    t.ok(box.must('dpkg-query', '-W', '-f', '${db:Status-Status}',
                  'msmtp-mta') in ('config-files', 'not-installed') and
         'sendling' in box.must('readlink', '-f', '/usr/sbin/sendmail'),
         'it takes the place of msmtp-mta', said)
    return box, before


def serve_socket(box):
    """sendling.socket and sendling@.service as systemd would run them: the
    words are those of the units."""
    unit = next(iter(box.path.glob('usr/lib/systemd/system/sendling@.service')))
    words = dict(re.findall('(?m)^(ExecStart|User|Environment)=-?(.*)',
                            unit.read_text()))
    socket = re.search('(?m)^ListenStream=(.*)',
                       unit.with_name('sendling.socket').read_text()).group(1)
    box.must('systemd-tmpfiles', '--create', 'sendling.conf')
    credentials = box.at('run/credentials')
    credentials.mkdir(exist_ok=True)
    shutil.copy(box.at('etc/sendling/password'), credentials / 'password')
    box.must('chown', '-R', f'{words["User"]}:', '/run/credentials')
    credentials.chmod(0o700)
    server = box.start(
        'systemd-socket-activate', '--accept', '--inetd', '-l', socket,
        '-E', words['Environment'],
        '-E', 'CREDENTIALS_DIRECTORY=/run/credentials',
        '-E', 'RUNTIME_DIRECTORY=/run/sendling/slots', 'setpriv', '--reuid',
        words['User'], '--regid', words['User'], '--clear-groups',
        *words['ExecStart'].split())
    wait_for(lambda: box.at(socket).exists())
    box.at(socket).chmod(0o666)
    return server


def use_socket(world, box):
    """PHP and Symfony as www-data, who cannot read the password."""
    t = world.t
    box.at('etc/sendling/config').write_text(SERVICE)
    password = box.at('etc/sendling/password')
    password.touch(mode=0o600)
    password.write_text(PASSWORD + '\n')
    box.at('etc/sendling.conf').write_text(THROUGH_SOCKET)
    world.has(SOCKET)
    box.must(*SOCKET.replace(' --now', '').split())
    server = serve_socket(box)
    for name, script, words in (
            ('mail() of PHP', PHP_MAIL,
             ('bob@example.net', 'Subject: from php')),
            ('Symfony', SYMFONY,
             ('carol@example.net', 'Subject: from symfony'))):
        world.server.took.clear()
        box.at('tmp/send.php').write_text(script)
        status, said = box.does('php', '/tmp/send.php', user='www-data',
                                HOME='/var/www')
        t.ok(status == 0, f'{name} as www-data is accepted', said)
        world.arrives('... and its mail comes', *words)
    status, _ = box.does('cat', '/etc/sendling/password', user='www-data')
    t.ok(status != 0, 'www-data cannot read the password')
    status, said = box.does('sendmail', '-f', 'boss@example.com',
                            'bob@example.net', user='www-data',
                            text='Subject: no\n\nno\n', HOME='/var/www')
    t.ok(status != 0 and 'sender-of' in said, '... nor send as somebody else',
         said)
    return server


def purge(world, box, before, server):
    """With mail in the spool of the service, and then without."""
    t = world.t
    world.stop()
    box.must('sendmail', '-f', 'shop@example.org', 'bob@example.net',
             user='www-data', text='Subject: kept\n\nHello\n', HOME='/var/www')
    server.terminate()
    server.wait()
    deb = shutil.copy(world.debs[0], box.at('tmp/sendling.deb'))
    said = box.must('apt-get', '-q', 'install', 'msmtp-mta')
    t.ok('mails stay in /var/spool/sendling' in said and
         'bob@example.net' in said and
         'msmtp' in box.must('readlink', '-f', '/usr/sbin/sendmail'),
         'msmtp-mta takes its place, and it says what waits', said)
    t.ok(box.at('etc/sendling/config').exists() and
         box.at('etc/sendling.conf').exists(), '... the configuration stays')
    said = world.types(box, PURGE)
    mails = list(box.at('var/spool/sendling').glob('Q*'))
    t.ok('/var/spool/sendling is kept' in said and len(mails) == 1,
         '... keeps a spool that holds mail, and says so', said)
    t.ok(not box.at('etc/sendling').exists() and
         not box.at('etc/sendling.conf').exists(), '... nothing else')
    t.ok(box.must('stat', '-c', '%U', '/var/spool/sendling').strip() ==
         'sendling', '... whose owner stays')
    for mail in mails:
        mail.unlink()
    box.must('apt-get', '-q', 'install', '/tmp/sendling.deb')
    box.must('apt-get', '-q', 'install', 'msmtp-mta')
    box.must('sh', '-c', PURGE)
    after = box.files()
    t.ok(after == before, 'one without mail leaves nothing', *after ^ before)
    status, said = box.does('getent', 'passwd', 'sendling')
    t.ok(status != 0, '... no user either', said)


def test_package(world):
    """Its own tests, by autopkgtest."""
    box = world.tree('tested')
    done = subprocess.run(
        ['autopkgtest', '--quiet', *map(str, world.debs),
         *map(str, world.debs[0].parent.glob('*.dsc')), '--', 'chroot',
         str(box.path)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT)
    said = done.stdout.decode(errors='replace')
    world.t.ok(done.returncode == 0 and re.search('(?m)^submit +PASS', said),
               'its own tests pass', said[-6000:])


def main(release):
    daemons.enter_namespaces(TOP / 'build/trees/unused', [],
                             lambda: tree.make(release, SETS))
    t = harness.Tap()
    world = World(t, release)
    world.serve()
    build(world)
    test_package(world)
    box = install(world)
    set_up(world, box)
    run_cron(world, box)
    upgrade(world, box)
    remove_with_mail(world, box)
    box, before = replace(world)
    server = use_socket(world, box)
    purge(world, box, before, server)
    return t.end()
