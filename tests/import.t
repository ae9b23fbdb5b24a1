#!/usr/bin/env python3
"""sendling-import: what becomes of the files in tests/import. Beside NAME.in, a
file or the folder of a program, stands NAME.out: what is printed, then `--', then
what is said of it. What is printed passes --check, with the password in its file
or where it says that one is missing; and mail goes by it.

    tests/import.t --update     writes the .out anew, to be looked at
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import harness
import home as homes
import smtpd

UPDATE = '--update' in sys.argv and not sys.argv.remove('--update')
CMD = harness.TESTS.parent / 'cmd'
CASES = sorted((harness.TESTS / 'import').glob('*.in'))
MAILNAME = 'mailname.example.org'
# No smarthost in them, so that nothing can be sent by what comes of them.
WITHOUT_HOST = {'dma-none', 'esmtp-local-only', 'nullmailer-empty'}
# A shell, an awk, and whose the other tools are, where they are not the usual.
COMBINATIONS = [
    (('dash',), ('mawk',), None), (('bash',), ('gawk',), None),
    (('bash', '--posix'), ('gawk', '--posix'), None),
    (('dash',), ('original-awk',), None),
    (('busybox', 'sh'), ('busybox', 'awk'), 'busybox')]
TOOLS = ('dirname', 'grep', 'id', 'sed', 'tail', 'tr', 'wc')


class Place:
    """A home with the program, whose system's folder is one of its own."""

    def __init__(self, home):
        self.home = home
        self.path = home.path
        (self.path / 'etc').mkdir()
        (self.path / 'etc/mailname').write_text(MAILNAME + '\n')
        shutil.copytree(CMD / 'import', self.path / 'import')
        text = (CMD / 'sendling-import').read_text()
        text = re.sub('(?m)^etc=.*', f'etc={self.path}/etc', text)
        self.script = self.path / 'sendling-import'
        self.script.write_text(text)
        self.script.chmod(0o755)

    def run(self, *argv, shell=(), tools=None, stdin=b'', **more):
        environment = {'PATH': f'{tools}:' * bool(tools) + os.environ['PATH'],
                       'HOME': str(self.path)} | more.pop('environment', {})
        try:
            done = subprocess.run([*shell, self.script, *argv], cwd=self.path,
                                  env=environment, capture_output=True,
                                  input=stdin, timeout=harness.WAIT, **more)
        except subprocess.TimeoutExpired:
            return homes.Done(None, b'', b'it hangs\n')
        return homes.Done(done.returncode, done.stdout, done.stderr)

    def put(self, case):
        """The case's files in a place that all machines have alike."""
        target = self.path / 'in'
        if target.is_dir():
            shutil.rmtree(target)
        target.mkdir()
        if case.is_dir():
            shutil.copytree(case, target, dirs_exist_ok=True)
            return target
        return shutil.copy(case, target / case.stem)

    def shown(self, done):
        """Both outputs, without the folder's own name."""
        text = done.out + b'--\n' + done.err
        return text.replace(os.fsencode(self.path), b'HOME')

    def check(self, config, name='config'):
        path = self.home.file(name, config)
        return self.home.run('-C', path, '--check', stdin=b'',
                             environment={'HOME': str(self.path)})

    def tools(self, awk, of):
        """A folder to be searched before all others, with this awk in it."""
        folder = self.path / ('tools-' + '-'.join(awk))
        folder.mkdir()
        for name, command in [('awk', awk)] + [
                (tool, (of, tool)) for tool in TOOLS if of]:
            script = folder / name
            script.write_text('#!/bin/sh\nexec %s "$@"\n' % ' '.join(
                [shutil.which(command[0]), *command[1:]]))
            script.chmod(0o755)
        return folder


def expected(case):
    path = case.with_suffix('.out')
    return path.read_bytes() if path.exists() else b''


def test_each_case(t, home):
    place = Place(home)
    for case in CASES:
        done = place.run(place.put(case))
        if UPDATE:
            case.with_suffix('.out').write_bytes(place.shown(done))
        good = done.status == (65 if case.stem in WITHOUT_HOST else 0)
        t.ok(good and place.shown(done) == expected(case), case.stem,
             f'status {done.status}', place.shown(done).decode(
                 errors='backslashreplace'))


def test_each_passes_the_check(t, home):
    """With a file for the passwords, and those that are missing written."""
    place = Place(home)
    for case in CASES:
        secret = place.path / f'secrets-{case.stem}'
        secret.mkdir()
        done = place.run('-s', secret / 'password', place.put(case))
        for file in re.findall(rb'(?m)^password-file (.*)', done.out):
            path = pathlib.Path(os.fsdecode(file))
            if not path.exists():
                home.file(path.relative_to(place.path), 'x\n')
        checked = place.check(done.out)
        if case.stem in WITHOUT_HOST:
            t.ok(checked.status == 78 and b'no `smarthost' in checked.out,
                 f'{case.stem}: --check tells what is missing',
                 checked.words())
            continue
        t.ok(checked.status == 0, f'{case.stem}: passes --check',
             done.out.decode(errors='backslashreplace'), checked.words())
        t.ok(all((path.stat().st_mode & 0o777) == 0o600
                 for path in secret.iterdir()), f'{case.stem}: for nobody else')


def test_every_shell_and_awk(t, home):
    if homes.SANITIZED:
        t.skip('every shell and awk', 'the program is not run there')
        return
    place = Place(home)
    for shell, awk, of in COMBINATIONS:
        name = f'{" ".join(shell)}, {" ".join(awk)}'
        missing = [one[0] for one in (shell, awk) if not shutil.which(one[0])]
        if missing:
            t.skip(name, f'{missing[0]} is not here')
            continue
        tools = place.tools(awk, of)
        wrong = [case.stem for case in CASES if place.shown(place.run(
            place.put(case), shell=shell, tools=tools)) != expected(case)]
        t.ok(not wrong, f'{name}: do the same', *wrong)


# Passwords

USER = 'alice@example.org'
SECRET = 'p a:s"s#w%U\'d'
MSMTP = f"""account default
host mail.example.org
port 587
tls on
auth on
user alice@example.org
password {SECRET}
from alice@example.org
"""


def test_passwords_are_not_shown(t, home):
    place = Place(home)
    done = place.run(home.file('msmtprc', MSMTP))
    t.ok(done.status == 0 and SECRET.encode() not in done.out + done.err and
         b'password-file' in done.out, 'nowhere unless asked', done.words())
    t.ok(home.run('--check', '-C', home.file('config', done.out), stdin=b'',
                  ).status == 78, '--check names the file that is missing')
    done = place.run('-p', home.path / 'msmtprc')
    t.ok(f'password {SECRET}\n'.encode() in done.out and
         SECRET.encode() not in done.err, '-p: in the configuration',
         done.words())
    t.ok(place.check(done.out).status == 0, 'which passes --check')
    source = home.file('msmtprc', MSMTP.replace(SECRET, '" blank"'))
    done = place.run('-p', source)
    t.ok(b'blank' not in done.out + done.err and b'use -s' in done.err and
         b'\npassword-file ' in done.out,
         '-p: what a configuration cannot hold', done.words())
    for line, secret in (('password =s3c', '=s3c'), ('password :s3c', ':s3c'),
                         ('password = s3c', 's3c'), ('password=s3c', 's3c'),
                         ('password\t: s3c', 's3c'), ('password "=s"', '=s')):
        done = place.run('-p', home.file('signs', MSMTP.replace(
            f'password {SECRET}', line)))
        t.ok(f'\npassword {secret}\n'.encode() in done.out, line, done.words())
    done = place.run('-s', home.path / 'blank', source)
    t.ok((home.path / 'blank').read_text() == ' blank\n', '-s holds it',
         done.words())


def test_a_command_that_is_the_password(t, home):
    """One that only prints it: who asks for no passwords sees none."""
    place = Place(home)
    case = harness.TESTS / 'import/msmtp-echo-password.in'
    done = place.run(case)
    t.ok(not re.search(rb'hunter|abcdefgh|a\$b', done.out + done.err) and
         b'password-command echo "$SMTP_PASS"\n' in done.out,
         'nor the command', done.words())
    place.run('-s', home.path / 'secret', case)
    t.ok([(home.path / f'secret{name}').read_text() for name in (
          '', '.two', '.three')] ==
         ['hunter-2 !\n', 'abcdefgh1234\n', 'a$b`c\n'],
         'the file has what it printed', *home.path.glob('secret*'))


def test_secret_file(t, home):
    place = Place(home)
    source = home.file('msmtprc', MSMTP)
    path = home.path / 'pass word'
    done = place.run('-s', 'pass word', source)
    t.ok(done.status == 0 and path.read_text() == SECRET + '\n' and
         path.stat().st_mode & 0o777 == 0o600 and
         f'password-file {path}\n'.encode() in done.out and
         SECRET.encode() not in done.out + done.err,
         '-s: byte for byte, mode 0600, with its whole name', done.words())
    for name, make in (('a file', lambda p: p.write_text('other\n')),
                       ('a link to nowhere', lambda p: p.symlink_to('gone')),
                       ('a pipe', os.mkfifo), ('a folder', os.mkdir)):
        path = home.path / name
        make(path)
        done = place.run('-s', path, source)
        t.ok(done.status == 73 and b'there already' in done.err and
             not (home.path / 'gone').exists() and
             SECRET.encode() not in done.err, f'-s: {name} stays',
             done.words())
    t.ok((home.path / 'a file').read_text() == 'other\n', 'as it was')
    done = place.run('-s', home.path / 'none/such', source)
    t.ok(done.status == 73, '-s: no folder', done.words())
    other = MSMTP.replace('default', 'b').replace(SECRET, 'second')
    third = MSMTP.replace('default', 'c/../../d').replace(SECRET, 'third')
    done = place.run('-s', home.path / 'three',
                     home.file('msmtprc', MSMTP + other + third))
    t.ok(sorted(p.name for p in home.path.glob('three*')) ==
         ['three', 'three.b', 'three.c_.._.._d'] and
         (home.path / 'three.b').read_text() == 'second\n',
         '-s: one file for each password', done.words(),
         *home.path.glob('three*'))
    t.ok(place.check(done.out).status == 0, 'which --check finds')
    (home.path / 'four.b').write_text('other\n')
    done = place.run('-s', home.path / 'four', home.path / 'msmtprc')
    t.ok(done.status == 73 and
         (home.path / 'four.b').read_text() == 'other\n',
         '-s: one that is there stays', done.words())


def test_whose_home(t, home):
    """A user's password is to stand in his home; a machine's file has none."""
    place = Place(home)
    text = MSMTP + 'logfile ~/msmtp.log\n'
    (home.path / 'etc/msmtprc').write_text(text)
    done = place.run(home.path / 'etc/msmtprc')
    t.ok(b'\nlog ' not in done.out and b'logfile: it needs a whole path' in
         done.err, 'a machine has no ~', done.words())
    if os.geteuid() != 0:
        t.skip('another user', 'not root')
        return
    source = home.file('msmtprc', text, owner=homes.NOBODY)
    more = {'user': homes.NOBODY, 'group': homes.NOBODY, 'extra_groups': []}
    done = place.run(source, **more)
    t.ok(f'password-file {home.path}/.config/sendling/password\n'.encode() in
         done.out, "a user's is in his home", done.words())
    for folder, says in (('/xdg', '/xdg'), ('xdg', f'{home.path}/.config')):
        done = place.run(source, environment={'XDG_CONFIG_HOME': folder},
                         **more)
        t.ok(f'password-file {says}/sendling/password\n'.encode() in done.out,
             f'where XDG_CONFIG_HOME says, {folder}', done.words())
    done = place.run(home.file('foreign', text), **more)
    t.ok(done.status == 66, 'what he may not read', done.words())
    folder = home.path / 'others'
    folder.mkdir()
    (folder / 'me').write_text('box.example.org\n')
    home.file('others/remotes', 'mail.example.org\n')
    done = place.run(folder, **more)
    t.ok(done.status == 66 and b'others/remotes' in done.err and
         done.out == b'', 'nor of a folder', done.words())
    (folder / 'ssmtp.conf').write_text('mailhub=mail.example.org\n')
    home.file('others/revaliases', 'root:alice@example.org\n')
    done = place.run(folder / 'ssmtp.conf', **more)
    t.ok(done.status == 0 and b'revaliases: it cannot be read' in done.err,
         'what stands beside it', done.words())


# The manual

def examples():
    page = (harness.TESTS.parent / 'man/sendling-import.1').read_text()
    text = page[page.index('.Sh EXAMPLES'):]
    return [block.replace('\\e\n', '\\\n') for block in
            re.findall(r'(?s)\.Bd -literal[^\n]*\n(.*?)\.Ed', text)]


def test_manual(t, home):
    """As somebody types them, whose umask is the usual one."""
    place = Place(home)
    home.file('.msmtprc', MSMTP)
    (home.path / 'etc/ssmtp').mkdir()
    home.file('etc/ssmtp/ssmtp.conf', 'mailhub=mail.example.org:587\n'
              f'UseSTARTTLS=YES\nAuthUser={USER}\nAuthPass={SECRET[4:]}\n')
    told = examples()
    for text in told:
        # The machine's own configuration is not for a test.
        text = text.replace('/etc/', f'{home.path}/etc/').replace(
            'sendling --check', 'sendling --check "$@"')
        argv = ['-C', home.path / 'etc/sendling.conf'] * ('ssmtp' in text)
        done = subprocess.run(
            ['sh', '-ec', 'umask 022\n' + text, 'sh', *argv],
            cwd=home.path, capture_output=True, timeout=harness.WAIT,
            env={**homes.SPEAK_UP, 'HOME': str(home.path),
                 'PATH': f'{home.path}:{os.environ["PATH"]}'})
        t.ok(done.returncode == 0, text.splitlines()[0], done.stdout,
             done.stderr)
    t.ok(len(told) == 2 and (home.path / '.config/sendling/password').
         read_text() == SECRET + '\n', 'all examples were run')


# Whose a file is

def test_recognition(t, home):
    place = Place(home)
    for name, text, program in (
            ('msmtprc', 'host mail.example.org\n', 'msmtp'),
            ('.msmtprc', 'host = mail.example.org\n', 'msmtp'),
            ('nameless', 'defaults\ntls on\naccount a\nhost a.example\n', 'msmtp'),
            ('ssmtp.conf', 'mailhub=mail.example.org\n', 'ssmtp'),
            ('nameless', 'root=a@b.example\nMAILHUB=mail.example.org\n', 'ssmtp'),
            ('nameless', 'SMARTHOST mail.example.org\nPORT 25\n', 'dma'),
            ('esmtprc', 'hostname=mail.example.org\n', 'esmtp'),
            ('nameless', 'hostname=mail.example.org\n', 'esmtp'),
            ('nameless', 'hostname = mail.example.org:25\nusername = "x"\n',
             'esmtp'),
            ('remotes', 'mail.example.org\n', 'nullmailer'),
            ('nameless', 'mail.example.org smtp --ssl\n', 'nullmailer')):
        path = home.file(name, text)
        done, told = place.run(path), place.run('-t', program, path)
        t.ok(done.status == 0 and b'smarthost smtp' in done.out and
             (done.out, done.err) == (told.out, told.err),
             f'{name}, {text.splitlines()[0]}: {program}', done.words(),
             told.words())
        path.unlink()
    for name, content in (('remotes', 'mail.example.org smtp\n'),
                          ('dma.conf', 'SMARTHOST mail.example.org\n'),
                          ('ssmtp.conf', 'mailhub=mail.example.org\n'),
                          ('esmtprc', 'hostname=mail.example.org\n'),
                          ('msmtprc', 'host mail.example.org\n')):
        folder = home.path / f'folder-{name}'
        folder.mkdir()
        (folder / name).write_text(content)
        done = place.run(folder)
        t.ok(done.status == 0 and b'smarthost smtp' in done.out,
             f'a folder with {name}', done.words())


def test_refusals(t, home):
    place = Place(home)
    strange = home.file('strange', 'What is this?\n')
    ours = home.file('ours', 'smarthost smtps://mail.example.org\n'
                     'force-from a@example.org\n')
    pipe = home.path / 'pipe'
    os.mkfifo(pipe)
    large = home.file('large', 'host x\n' * 200000)
    empty = home.path / 'empty'
    empty.mkdir()
    other = home.path / 'other'
    other.mkdir()
    (other / 'remotes').write_text('mail.example.org smtp\n')
    (other / 'ssmtp.conf').write_text('mailhub=mail.example.org\n')
    for argv, status, words in (
            ((), 64, 'usage'), (('a', 'b'), 64, 'usage'), (('-x',), 64, 'usage'),
            (('-s',), 64, 'usage'), (('-t', 'exim', ours), 64, 'exim'),
            (('-p', '-s', 'x', ours), 64, 'usage'),
            (('a\nb',), 64, 'control'), (('-s', 'a\nb', ours), 64, 'control'),
            ((strange,), 65, 'no program that is known'),
            ((ours,), 65, 'already'), ((home.path / 'none',), 66, 'read'),
            ((pipe,), 66, 'not a file'), (('/dev/zero',), 66, 'not a file'),
            ((large,), 66, 'larger'), ((empty,), 66, 'holds no'),
            (('-t', 'nullmailer', empty), 66, 'configuration of nullmailer'),
            (('-t', 'dma', other), 66, 'configuration of dma'),
            (('-t', 'msmtp', other), 66, 'configuration of msmtp')):
        done = place.run(*argv)
        t.ok(done.status == status and words.encode() in done.err and
             done.out == b'', f'{status}: {words}', argv, done.words())
    dying = place.path / 'dying'
    dying.mkdir()
    (dying / 'awk').write_text(
        f'#!/bin/sh\n"{shutil.which("awk")}" "$@" | sed \'$d\'\nexit 2\n')
    (dying / 'awk').chmod(0o755)
    done = place.run('-t', 'msmtp', home.file('msmtprc', MSMTP), tools=dying)
    t.ok(done.status == 70 and b'awk' in done.err, '70: awk died',
         done.words())
    done = place.run('--help')
    t.ok(done.status == 0 and b'usage' in done.out, '--help', done.words())


# Whom to trust

def self_signed(folder, name, *more):
    path = folder / f'{name}.pem'
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
         'ec_paramgen_curve:P-256', '-nodes', '-days', '30', '-out', path,
         '-keyout', folder / f'{name}.key', '-subj', f'/CN={name}', *more],
        check=True, stderr=subprocess.DEVNULL)
    return path


def pin_of(path):
    spki = subprocess.run(
        f"openssl x509 -in '{path}' -noout -pubkey | openssl pkey -pubin "
        '-outform DER | openssl dgst -sha256 -binary | openssl base64',
        shell=True, check=True, stdout=subprocess.PIPE).stdout
    return b'tls-pin sha256:' + spki


def trusting(path, host='mail.example.org'):
    return MSMTP.replace('mail.example.org', host) + f'tls_trust_file {path}\n'


def test_trust(t, home, certificate):
    place = Place(home)
    own = self_signed(home.path, 'mail.example.org')  # as openssl makes it: a CA
    named = self_signed(home.path, 'Mail', '-addext',
                        'subjectAltName=DNS:x.example,DNS:mail.example.org')
    leaf = pathlib.Path(certificate)
    authority = leaf.with_name('ca.pem')
    both = home.file('both.pem', own.read_bytes() + authority.read_bytes())
    folder = home.path / 'folder'
    folder.mkdir()
    named_alike = home.file('ca-bundle.crt', authority.read_bytes())
    for path, line in (
            (own, pin_of(own)), (named, pin_of(named)),
            (leaf, pin_of(leaf)), (authority, f'tls-trust {authority}\n'),
            (both, f'tls-trust {both}\n'),
            (named_alike, f'tls-trust {named_alike}\n'), (folder, f'tls-trust {folder}\n'),
            (home.file('no.pem', 'x\n'), f'tls-trust {home.path}/no.pem\n'),
            ('/etc/ssl/certs/ca-certificates.crt', b''), ('system', b''),
            ('/no/such', b'#tls-trust /no/such\n')):
        done = place.run(home.file('msmtprc', trusting(path)))
        lines = b''.join(line for line in done.out.splitlines(True)
                         if line.lstrip(b'#').startswith(b'tls-'))
        line = line.encode() if isinstance(line, str) else line
        t.ok(done.status == 0 and lines == line,
             f'tls_trust_file {os.path.basename(path)}', lines, done.words())
    without = place.path / 'without'
    without.mkdir()
    for name in ('cat', 'awk', 'sed', 'tr', 'grep', 'wc', 'id', 'dirname',
                 'tail', 'sh'):
        (without / name).symlink_to(shutil.which(name))
    bare = {'environment': {'PATH': str(without)}}
    done = place.run(home.file('msmtprc', trusting(own)), **bare)
    t.ok(f'tls-trust {own}\n'.encode() in done.out and
         b'neither openssl nor certtool' in done.err,
         'without openssl and certtool: told what to do', done.words())
    if shutil.which('certtool') is None:
        t.skip('with certtool', 'certtool is not here')
        return
    (without / 'certtool').symlink_to(shutil.which('certtool'))
    for path in (own, named, leaf):
        done = place.run(home.file('msmtprc', trusting(path)), **bare)
        t.ok(pin_of(path) in done.out, f'certtool: a pin of {path.name}',
             done.words())
    done = place.run(home.file('msmtprc', trusting(authority)), **bare)
    t.ok(f'tls-trust {authority}\n'.encode() in done.out,
         'certtool: an authority', done.words())


# Mail goes by what is printed


def sent(place, box, source, *argv, message=homes.MESSAGE, **more):
    """What the server took of a mail by the imported configuration."""
    done = place.run('-s', place.path / f'secret{box.count}', source)
    config = place.home.file('config', done.out.replace(
        b'log HOME', b'log off') + (b'' if b'\nlog ' in done.out else b'log off\n'))
    run = place.home.run('-C', config, *argv, 'bob@example.org', stdin=message,
                         environment={'HOME': str(place.path)}, **more)
    words = [done.words(), run.words(), config.read_text()]
    return (box.took[-1] if run.status == 0 and box.took else None), words


def test_mail_by_each(t, home, certificate):
    place = Place(home)
    authority = pathlib.Path(certificate).with_name('ca.pem')
    with smtpd.Server(certificate, users={USER: SECRET}) as box:
        smtp, smtps = box.ports['smtp'], box.ports['smtps']
        trust = f'tls_trust_file {authority}\n'
        sources = {
            'msmtp, STARTTLS': ('msmtprc', f"""defaults
tls on
{trust}
account default
host localhost
port {smtp}
auth on
user {USER}
password "{SECRET}"
from sender@example.org
""", 'sender@example.org'),
            'msmtp, TLS': ('msmtprc', f"""account default
host localhost
port {smtps}
tls on
tls_starttls off
tls_trust_file {certificate}
auth plain
user {USER}
passwordeval cat '{home.file('pw', SECRET)}'
from *@example.org
""", '@example.org'),
            'ssmtp': ('ssmtp.conf', f"""mailhub=localhost:{smtp}
UseSTARTTLS=YES
TLS_CA_File={authority}
AuthUser={USER}
AuthPass={SECRET}
rewriteDomain=example.org
FromLineOverride=YES
""", 'alice@example.com'),
            'esmtp': ('esmtprc', f"""hostname = localhost:{smtp}
username = "{USER}"
password = "{SECRET.replace('"', chr(92) + '"')}"
starttls = required
force reverse_path "me@example.org"
""", 'me@example.org'),
        }
        for name, (file, text, sender) in sources.items():
            source = home.file(file, text)
            if name == 'esmtp':
                mail, words = sent(place, box, source, '--set',
                                   f'tls-trust={authority}')
            else:
                mail, words = sent(place, box, source)
            t.ok(mail is not None and mail[1]['user'] == USER and
                 mail[1]['from'].endswith(sender) and mail[1]['tls'],
                 f'{name}: a mail goes', mail and mail[1], *words)
        folder = home.path / 'nullmailer'
        folder.mkdir()
        (folder / 'remotes').write_text(
            f'localhost smtp port={smtps} ssl user={USER} '
            f"pass='{SECRET[:-2]}'\\''d' x509cafile={authority}\n")
        (folder / 'allmailfrom').write_text('all@example.org\n')
        mail, words = sent(place, box, folder)
        t.ok(mail is not None and mail[1]['from'] == 'all@example.org' and
             mail[1]['user'] == USER, 'nullmailer: a mail goes', *words)
        folder = home.path / 'dma'
        folder.mkdir()
        (folder / 'dma.conf').write_text(
            f'SMARTHOST localhost\nPORT {smtp}\nSECURETRANSFER\nSTARTTLS\n'
            f'AUTHPATH {folder}/auth.conf\nROOTCERT {authority}\n'
            'MASQUERADE example.net\n')
        (folder / 'auth.conf').write_text(f'{USER}|localhost:{SECRET}\n')
        mail, words = sent(place, box, folder)
        t.ok(mail is not None and mail[1]['from'].endswith('@example.net') and
             mail[1]['user'] == USER, 'dma: a mail goes', *words)


def test_pin_and_patterns(t, home):
    """The server's own certificate, which nobody else issued; and accounts that
    are chosen as they were before."""
    place = Place(home)
    own = self_signed(home.path, 'localhost')
    with smtpd.Server(str(own)) as box:
        source = home.file('msmtprc', f"""defaults
tls on
host localhost
port {box.ports['smtp']}
tls_trust_file {own}
account default
from %U@one.example
account two
from *@two.example
set_from_header on
""")
        mail, words = sent(place, box, source)
        t.ok(mail is not None and mail[1]['tls'], 'a pin in its place', *words)
        mail, words = sent(place, box, source, '-v', message=homes.MESSAGE.replace(
            b'example.com', b'two.example'))
        t.ok(mail is not None and b'two' in words[1].encode(),
             'a pattern chooses the account', *words)


def test_accounts_of_forced_senders(t, home):
    """They are chosen by the address that the caller gives, as they were."""
    place = Place(home)
    config = home.file('config', place.run(
        harness.TESTS / 'import/msmtp-forced-two.in').out)
    for address, account in (('alice@home.example', 'home'),
                             ('Alice@work.example', 'work'),
                             ('alice@club.example', 'club'),
                             ('bob@work.example', 'default')):
        done = home.run('-C', config, '--dry-run', '-f', address,
                        'bob@example.org', stdin=homes.MESSAGE)
        t.ok(f'account: {account}\n'.encode() in done.out, address,
             done.words())


def test_users_of_ssmtp(t, home):
    """revaliases: who sends is known by the name that the caller gives."""
    place = Place(home)
    folder = home.path / 'ssmtp'
    folder.mkdir()
    with smtpd.Server() as one, smtpd.Server() as two:
        (folder / 'ssmtp.conf').write_text(
            f'mailhub=localhost:{one.ports["smtp"]}\nhostname=box.example.org\n')
        (folder / 'revaliases').write_text(
            f'root:admin@example.org:localhost:{one.ports["smtp"]}\n'
            f'www-data:web@example.org:localhost:{two.ports["smtp"]}\n')
        for sender, box, address in (
                ('root', one, 'admin@example.org'),
                ('www-data', two, 'web@example.org'),
                ('www-data@box.example.org', two, 'web@example.org')):
            message = b'From: ' + sender.encode() + b' (Cron)\n\nHello.\n'
            mail, words = sent(place, box, folder, message=message)
            t.ok(mail is not None and mail[1]['from'] == address,
                 f'{sender}: {address}', *words)
            home.path.joinpath('secret0').unlink(missing_ok=True)


# What others may have written

def test_nothing_is_run(t, home):
    place = Place(home)
    evil = '$(touch PWNED)`touch PWNED`;touch PWNED|"touch PWNED"&\\n\\077%'
    for name, text in (
            ('msmtprc', '\n'.join(f'{word} {evil}' for word in (
                'account', 'host', 'port', 'user', 'password', 'passwordeval',
                'eval', 'from', 'domain', 'proxy_host', 'proxy_port', 'logfile',
                'tls_trust_file', 'aliases', 'timeout', 'tls_cert_file'))),
            ('ssmtp.conf', '\n'.join(f'{word}={evil}' for word in (
                'mailhub', 'AuthUser', 'AuthPass', 'hostname', 'root',
                'TLS_CA_File', 'TLSCert'))),
            ('dma.conf', '\n'.join(f'{word} {evil}' for word in (
                'SMARTHOST', 'PORT', 'AUTHPATH', 'MAILNAME', 'MASQUERADE',
                'CERTFILE', 'ALIASES'))),
            ('esmtprc', '\n'.join(f'{word} = {evil}' for word in (
                'hostname', 'username', 'password', 'helo', 'identity'))),
            ('remotes', f'{evil} smtp user={evil} pass={evil}\n'),
            (f'$(touch PWNED)`touch PWNED`msmtprc', 'host mail.example.org\n'),
            ('x=y', 'defaults\naccount a\nhost mail.example.org\n'),
            ('-f msmtprc', 'host mail.example.org\n')):
        path = home.file(name, text + '\n')
        done = place.run('-s', f'secret {name}', '--', path.name)
        t.ok(done.status in (0, 65) and not list(home.path.rglob('PWNED')) and
             b'syntax error' not in done.err,
             f'{name[:20]}: text stays text', done.words())
        if done.status == 0 and b'password-file' not in done.out:
            t.ok(place.check(done.out).status == 0, 'and passes --check',
                 done.words(), place.check(done.out).words())


def test_large_files(t, home):
    """They take no time, and not all that is wrong is told."""
    place = Place(home)
    for name, text in (
            ('msmtprc', 'host a.example\n' + 'what is this\n' * 4500),
            ('msmtprc', 'account a\nhost a.example\n' + ''.join(
                f'account a{i}\n' for i in range(3500))),
            ('remotes', 'a.example smtp\n' + 'x' * 60000 + '\n'),
            ('esmtprc', 'hostname=a.example\n' + 'x ' * 30000 + '\n')):
        done = place.run(home.file(name, text))
        t.ok(done.status == 0 and b'smarthost smtp' in done.out and
             len(done.err) < 200000, f'{len(text)} octets of {name}',
             done.status, len(done.err), done.words()[-300:])


def broken(case, random):
    text = bytearray(case.read_bytes())
    for _ in range(random.randrange(1, 12)):
        at = random.randrange(len(text))
        kind = random.randrange(4)
        if kind == 0:
            text[at] = random.randrange(256)
        elif kind == 1:
            del text[at:at + random.randrange(1, 9)]
        elif kind == 2:
            text[at:at] = random.choice(
                [b'\n', b'"', b"'", b'%', b'\x1b[2J', b'\xff', b'\xc2\x9b',
                 b'\r', b'\0', b'\t', b' # ', b'=', b':', b'\\', b'x' * 3000])
        else:
            end = min(len(text), at + 30)
            text[at:at] = text[at:end]
        text = text or bytearray(b'x')
    return bytes(text)


def test_broken_files(t, home):
    """Whatever stands in them: a status, no control characters, and no line
    that sendling does not take."""
    place = Place(home)
    random = __import__('random').Random(5)
    files = [case for case in CASES if case.is_file()]
    wrong = []
    for turn in range(int(os.environ.get('IMPORT_BROKEN', '60'))):
        case = random.choice(files)
        path = home.file('broken', broken(case, random))
        done = place.run('-t', case.stem.split('-')[0], path)
        (home.path / 'etc/sendling.password').unlink(missing_ok=True)
        checked = place.check(done.out)
        faults = [line for line in checked.err.splitlines()
                  if re.match(rb'[^ ]*config:\d+: (?!password-file)', line)]
        if done.status not in (0, 65) or faults or \
                re.search(rb'[\0-\b\v-\x1f\x7f]|\xc2[\x80-\x9f]',
                          done.out + done.err):
            wrong += [f'turn {turn}: {case.stem}', path.read_bytes(),
                      done.words(), *faults]
    t.ok(not wrong, f'{turn + 1} broken files', *wrong[:4])


if __name__ == '__main__':
    sys.exit(homes.run_tests(globals()))
