#!/usr/bin/env python3
"""cmd/Containerfile, and what the page says of a container: a root folder with
nothing in it but what the three lines put there, read-only, for a user whom
nobody knows, without capabilities, home or anything but the environment."""

import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import daemons
import harness
import home as surroundings
import recipes
import smtpd

FILE = harness.TESTS.parent / 'cmd/Containerfile'
SECRET = 'of the container'
# Of Debian's smallest image, as far as a shell and libraries want it.
BASE = ('libc6', 'dash', 'coreutils', 'util-linux')
PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'


def instructions():
    text = FILE.read_text().replace('\\\n', '')
    return [line.split(None, 1) for line in text.splitlines()
            if line and not line.startswith('#')]


def named_packages(command):
    install = re.search(r'--no-install-recommends ([^&]*)', command)[1]
    return install.split()


def needed(names):
    """What apt would install with these."""
    tree = daemons.run('apt-cache', 'depends', '--recurse', '--no-recommends',
                       '--no-suggests', '--no-conflicts', '--no-breaks',
                       '--no-replaces', '--no-enhances', '--installed', *names)
    return sorted(set(re.findall(r'^([a-z0-9][^ :]*)$', tree, re.M)) |
                  set(names))


def copy_packages(names, root):
    """Their files, as this machine has them; what their scripts make comes with
    the trust."""
    files = set()
    for name in names:
        files |= set(subprocess.run(
            ['dpkg', '-L', name], stdout=subprocess.PIPE, text=True,
            stderr=subprocess.DEVNULL).stdout.split('\n'))
    wanted = [name for name in files if os.path.isfile(name) and re.match(
        r'(/usr)?/(lib|lib64|bin)/|/etc/', name)]
    listed = ''.join(f'{name}\n' for name in wanted)
    subprocess.run(['tar', '-C', '/', '--dereference', '-cf',
                    str(root / 'tar'), '-T', '-'], input=listed, text=True,
                   check=True, stderr=subprocess.DEVNULL)
    daemons.run('tar', '-C', str(root), '-xf', str(root / 'tar'))
    (root / 'tar').unlink()


def new_root(folder, certificates):
    """By the three lines."""
    root = folder / 'root'
    for name in ('usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'run/secrets',
                 'etc/ssl/certs', 'dev', 'proc'):
        (root / name).mkdir(parents=True)
    for name in ('bin', 'sbin', 'lib', 'lib64'):
        (root / name).symlink_to(f'usr/{name}')
    (_, _), (_, command), (_, copied) = instructions()
    copy_packages(needed(named_packages(command) + list(BASE)), root)
    (root / 'bin/sh').unlink(missing_ok=True)
    (root / 'bin/sh').symlink_to('dash')
    link = re.search(r'ln -s (\S+) (\S+)', command)
    (root / link[2].lstrip('/')).symlink_to(link[1])
    source, target = copied.split()
    assert source == 'build/sendling'
    shutil.copy(harness.SENDLING, root / target.lstrip('/'))
    shutil.copy(certificates / 'ca.pem',
                root / 'etc/ssl/certs/ca-certificates.crt')
    (root / 'etc/hosts').write_text('127.0.0.1 mail.example.org\n')
    (root / 'etc/nsswitch.conf').write_text('hosts: files\n')
    (root / 'dev/null').touch()
    return root


def printed_run():
    """The settings and the command of the page."""
    text = next(block.text for block in recipes.blocks()
                if block.text.startswith('podman run'))
    settings = dict(re.findall(r'-e (SENDLING_\w+)=(\S+)', text))
    return text, settings, re.search(r"mailing (sh -c '.*')", text)[1]


# $1 is the root folder, $2 the mode of the secret, $3 and $4 the user and the
# group, and what is behind them runs there: read-only, without capabilities or
# a way to new ones.
INSIDE = f'''
root=$1 mode=$2 user=$3 group=$4
shift 4
mount --bind "$root" "$root"
mount --bind /dev/null "$root/dev/null"
mount -t proc none "$root/proc"
mount -t tmpfs none "$root/run"
mkdir "$root/run/secrets"
echo '{SECRET}' >"$root/run/secrets/mail"
chmod "$mode" "$root/run/secrets/mail"
mount -o remount,ro "$root/run"
mount -o remount,ro,bind "$root"
exec chroot "$root" setpriv --reuid "$user" --regid "$group" --clear-groups \\
    --no-new-privs --bounding-set=-all --inh-caps=-all --ambient-caps=-all \\
    -- "$@"
'''


def run(root, settings, command, user=12345, group=12345, mode='0444'):
    done = subprocess.run(
        ['unshare', '-m', 'sh', '-ec', INSIDE, 'sh', root, mode, str(user),
         str(group), 'sh', '-c', command],
        env={**surroundings.SPEAK_UP, 'PATH': PATH, **settings},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, timeout=harness.WAIT)
    return surroundings.Done(done.returncode, done.stdout, done.stderr)


# What the test stands on.
LOOK = '''
set -e
while read -r name value; do
    case $name in Cap*|NoNewPrivs:) echo "$name" "$value" ;; esac
done </proc/self/status
for folder in / /tmp /run /var /etc /dev; do
    test ! -w "$folder" || echo "$folder is writable"
done
id -un || :
'''


def test_surroundings(t, root):
    done = run(root, {}, LOOK)
    *status, name = done.out.decode().splitlines()
    said = dict(line.split() for line in status)
    t.ok(said.pop('NoNewPrivs:') == '1' and len(said) == 5 and
         all(int(value, 16) == 0 for value in said.values()) and
         name == '12345' and b'cannot find name' in done.err,
         'no capability, nothing to write to, and no name', done.words())


def test_file(t):
    lines = instructions()
    t.ok([line[0] for line in lines] == ['FROM', 'RUN', 'COPY'],
         'the Containerfile has three lines', lines)
    page = next(block.text for block in recipes.blocks()
                if block.text.startswith('FROM '))
    t.ok([line.split() for line in page.replace('\\\n', '').splitlines()] ==
         [' '.join(line).split() for line in lines],
         'and the page has the same', page)


def test_printed(t, root, server):
    text, settings, command = printed_run()
    t.ok(all(word in text for word in (
        '--user 12345:12345', '--read-only', '--cap-drop=all',
        'no-new-privileges', 'mail,mode=0444')) and len(settings) == 5,
         'the page names all of that', text)
    command = re.search("'(.*)'", command)[1]
    for what, user, group, mode in (
            ('as printed', 12345, 12345, '0444'),
            ('any user', random.randrange(10000, 1 << 31), 54321, '0444'),
            ('any user of group 0', random.randrange(10000, 1 << 31), 0,
             '0440')):
        done = run(root, settings, command, user, group, mode)
        envelopes = [envelope for _, envelope in server.took]
        t.ok(done.status == 0 and done.out == b'' and len(envelopes) == 1 and
             envelopes[0]['from'] == 'app@example.org' and
             envelopes[0]['user'] == 'app@example.org' and
             envelopes[0]['tls'] is not None, f'a mail goes: {what}, {user}',
             done.words(), envelopes)
        t.ok(b'status=0' in done.err and SECRET.encode() not in done.err,
             'and the log tells of it', done.words())
        server.took.clear()


def test_large(t, root, server):
    """More than is kept in memory, where no file can be."""
    _, settings, _ = printed_run()
    done = run(root, settings, 'yes A line of a large mail. | '
               'head -c 3000000 | sendmail bob@example.net')
    t.ok(done.status == 0 and len(server.took) == 1 and
         len(server.took[0][0]) > 3000000, 'a large mail goes, too',
         done.words())


def test_missing(t, root, server):
    _, settings, command = printed_run()
    del settings['SENDLING_SMARTHOST']
    done = run(root, settings, re.search("'(.*)'", command)[1])
    t.ok(done.status == 78 and b'configuration' in done.err,
         'what lacks is told', done.words())


def main():
    daemons.enter_namespaces(pathlib.Path('/nonexistent'), [])
    if surroundings.SANITIZED:
        harness.skip_all('a sanitizer needs libraries of its own')
    daemons.raise_loopback()
    t = harness.Tap()
    test_file(t)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        folder.chmod(0o755)
        certificates = folder / 'certificates'
        harness.make_certificates(certificates)
        root = new_root(folder, certificates)
        test_surroundings(t, root)
        with smtpd.Server(str(certificates / 'wrong-name.pem'),
                          users={'app@example.org': SECRET},
                          ports={'smtps': 465}) as server:
            for test in test_printed, test_large, test_missing:
                server.took.clear()
                test(t, root, server)
            t.ok(server.faults == [], 'all as correct clients', server.faults)
    return t.end()


if __name__ == '__main__':
    sys.exit(main())
