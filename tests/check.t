#!/usr/bin/python3
"""--check: every fault of every account in one run, with file and line, while
nothing is connected to and nothing run.

    tests/check.t [WORD ...]    only the tests whose names hold a WORD
"""

import json
import os
import pathlib
import sys

from home import NOBODY, can_trace, run_tests, trace

TLS = 'smarthost smtps://mail.example.org\nfrom a@example.org\n'


def check(home, config, *argv, environment=None, **more):
    more['environment'] = {'PATH': '/usr/bin:/bin', **(environment or {})}
    return home.run('--check', *argv, config=config, stdin=b'', **more)


def found(home, config, **more):
    """The faults as `line account keyword: text', the remarks so, too."""
    run = check(home, config, '--json', **more)
    run.json = json.loads(run.out)
    run.faults, run.remarks = (
        [f"{pathlib.Path(x['file'] or '-').name}:{x['line']} "
         f"{x['account'] or '-'}: {x['text']}" for x in run.json[kind]]
        for kind in ('faults', 'remarks'))
    return run


def test_files(t, home, certificate):
    """What is wrong with a file that an account names, each by itself."""
    empty = home.file('empty')
    odd = home.file('odd', ' secret \n')
    shared = home.file('open', 'secret\n', 0o644)
    theirs = home.file('theirs', 'secret\n', owner=NOBODY)
    words = home.file('words', 'no certificate\n')
    plain = home.file('plain', '#!/bin/sh\n', 0o644)
    folder = home.path / 'folder'
    folder.mkdir()
    link = home.path / 'link'
    link.symlink_to(folder)
    wide = home.path / 'wide'
    wide.mkdir()
    wide.chmod(0o770)
    for line, words in (
            ('password-file /nonexistent', 'No such file'),
            (f'password-file {empty}', 'its first line is empty'),
            (f'password-file {shared}', 'everybody may read it'),
            (f'password-file {theirs}', 'it belongs to somebody else'),
            (f'password-file {folder}', 'a folder, not a regular file'),
            ('password-command no-such-program x', 'no such program in PATH'),
            (f'password-command {plain} x', 'cannot be executed'),
            ('password-command /nonexistent/x', 'cannot be executed'),
            ('tls-trust /nonexistent', 'No such file'),
            (f'tls-trust {words}', 'holds no certificate'),
            (f'tls-trust {folder}', 'holds no certificate'),
            ('tls-priority NONSENSE', 'GnuTLS does not understand'),
            ('tls-certificate /nonexistent', 'No such file'),
            (f'tls-certificate {words}', 'tls-certificate'),
            ('tls-crl /nonexistent', 'No such file'),
            (f'tls-crl {words}', 'tls-crl'),
            ('aliases /nonexistent', 'No such file'),
            (f'aliases {words}', 'no colon'),
            (f'spool {words}', 'not a folder'),
            (f'spool {words}/spool', 'Not a directory'),
            (f'spool {link}', 'a symbolic link, which is not followed'),
            (f'spool {wide}', 'others may look or write into it (mode 0770)'),
            ('spool /nonexistent/spool', 'No such file'),
            ('spool /dev/shm', 'belongs to' if os.geteuid() else
             'others may look'),
            ('log /nonexistent/log', 'No such file'),
            (f'log {folder}', 'Is a directory')):
        run = found(home, home.config(f'{TLS}user u\n{line}\n'))
        keyword = line.split()[0]
        t.ok(run.status == run.json['status'] == 78 and
             len(run.faults) == 1 and words in run.faults[0] and
             run.faults[0].startswith('config:4 -: ') and
             run.json['faults'][0]['keyword'].split('-')[0] ==
             keyword.split('-')[0] and
             run.json['faults'][0]['where'] == f'{home.path}/config:4' and
             run.json['faults'][0]['hint'] and run.err == b'', line,
             run.words())
    run = found(home, home.config(f'{TLS}user u\npassword-file {odd}\n'))
    t.ok(run.status == 0 and run.faults == [] and run.remarks == [
        f'config:4 -: {odd}: the password: the blanks at its ends are part of '
        'it'], 'blanks at the ends of a password are no fault', run.words())
    key, other = (pathlib.Path(certificate).with_name(name)
                  for name in ('good.key', 'ip.key'))
    for file, status in ((key, 0), (other, 78)):
        run = found(home, home.config(
            f'{TLS}tls-certificate {certificate}\ntls-key {file}\n'
            'tls-priority NORMAL\n'))
        t.ok(run.status == status and len(run.faults) == (status > 0),
             f'a certificate with {file.name}', run.words())
    if os.geteuid() == 0:
        locked = home.file('locked', 'secret\n', 0o600)
        path = home.config(f'{TLS}user u\npassword-file {locked}\n', mode=0o644)
        run = found(home, path, user=NOBODY)
        t.ok(run.status == 78 and 'may not read it' in run.faults[0],
             'a password file that we may not read', run.words())
    run = found(home, home.config(
        f'{TLS}user u\npassword-command sh -c true\n'
        f'tls-trust {pathlib.Path(certificate).with_name("ca.pem")}\n'))
    t.ok(run.status == 0 and run.faults == run.remarks == [],
         'none where all is there', run.words())


def test_spool(t, home):
    """One that a run would make is no fault, and is not made."""
    spool = home.path / 'state' / 'sendling' / 'spool'
    run = found(home, home.config(f'{TLS}spool {spool}\n'))
    t.ok(run.status == 0 and run.faults == [] and not spool.parent.exists(),
         'a spool that is not there yet', run.words())
    spool.mkdir(parents=True)
    spool.chmod(0o700)
    run = found(home, home.config(f'{TLS}spool {spool}\n'))
    t.ok(run.status == 0 and run.faults == [], 'one that is there',
         run.words())
    if os.geteuid() != 0:
        return t.skip('one of another user', 'only root gives it away')
    os.chown(spool, NOBODY, -1)
    run = found(home, home.config(f'{TLS}spool {spool}\n'))
    t.ok(run.status == 0 and
         "root's own mails are not kept there" in run.remarks[-1],
         'one of a service is a remark for root', run.words())
    spool.chmod(0o750)
    run = found(home, home.config(f'{TLS}spool {spool}\n'))
    t.ok(run.status == 78 and 'mode 0750' in run.faults[0],
         'its mode is a fault', run.words())


def test_spool_of_the_environment(t, home):
    """A later run finds none of it."""
    spool = home.path / 'spool'
    folder = home.path / 'xdg' / 'sendling'
    folder.mkdir(parents=True)
    (folder / 'config').write_text('')
    more = {'SENDLING_SMARTHOST': 'smtps://mail.example.org',
            'SENDLING_FROM': 'a@example.org', 'SENDLING_SPOOL': str(spool),
            'XDG_CONFIG_HOME': str(folder.parent)}
    run = found(home, None, environment=more)
    t.ok(run.status == 0 and run.faults == [] and sum(
        'nothing is kept, as a later run finds no account `default\' with '
        'this smarthost' in line for line in run.remarks) == 1,
         'a spool that nothing is kept in is a remark', run.words())
    (folder / 'config').write_text(f'{TLS}spool {spool}\n')
    run = found(home, None, environment=more)
    t.ok(run.status == 0 and run.faults == [] and
         not any('nothing is kept' in line for line in run.remarks),
         'not where the files say the same', run.words())


def test_several(t, home):
    """In several accounts and files at once, each in its line, once."""
    home.file('more', '# more\nuser u\npassword-file /nonexistent/2\n')
    run = found(home, home.config(
        'log /nonexistent/log\n'
        'tls-trust /nonexistent/trust\n'
        'timeuot 5\n'
        'account default\n'
        'smarthost smtps://a.example smtp://b.example:465\n'
        'smarthost smtps://c.example:587\n'
        'from a@a.example\n'
        'user u\n'
        'password-file /nonexistent/1\n'
        'tls-priority NONSENSE\n'
        'tls-trust /nonexistent/own\n'
        'account two\n'
        'smarthost smtps://a.example\n'
        'from b@a.example\n'
        'include more\n'
        'account three\n'
        'password-command no-such-program\n'
        'force-from x\n'
        'account four\n'
        'smarthost smtps://a.example\n'
        'from c@a.example\n'))
    starts = (
        'config:3 -: timeuot: unknown keyword',
        "config:16 three: account `three' has no `smarthost'",
        "config:17 three: account `three' has a password, but no `user'",
        'config:18 three: force-from: it has no domain',
        'config:1 -: log: /nonexistent/log: ',
        'config:9 default: password-file: /nonexistent/1: ',
        'config:11 default: no trusted certificates: /nonexistent/own: ',
        'config:10 default: tls-priority: ',
        'more:3 two: password-file: /nonexistent/2: ',
        'config:2 -: no trusted certificates: /nonexistent/trust: ',
        "config:17 three: password-command: `no-such-program'")
    t.ok(run.status == 78 and len(run.faults) == len(starts) and
         all(map(str.startswith, run.faults, starts)) and
         run.json['accounts'] == ['default', 'two', 'three', 'four'],
         'every fault of every account', run.words(), *run.faults)
    t.ok([remark.split(':')[1].split()[0] for remark in run.remarks] ==
         ['5', '6', '16'], 'the remarks are told beside them', *run.remarks)
    t.ok(all(x['hint'] for x in run.json['faults']),
         'each says what to write', run.words())
    people = check(home, home.path / 'config')
    lines = people.out.decode().splitlines()
    t.ok(people.status == 78 and people.err == b'' and
         lines[0] == f'{home.path}/config:3: timeuot: unknown keyword' and
         lines[1] == "  hint: did you mean `timeout'?" and
         f'{home.path}/config:10: account default: tls-priority: GnuTLS does '
         "not understand `NONSENSE'" in lines and
         len([line for line in lines if not line.startswith(' ')]) == 14,
         'people get a line each, and what to do below it', people.words())


def test_once(t, home):
    """What is wrong with a line is not told again as if it were missing."""
    wrong = ('smarthost http://mail.example.org', 'smarthost "smtps://a"',
             'smarthost = smtps://mail.example.org', 'smarthost mail')
    for line in wrong:
        run = found(home, home.config(f'{line}\nfrom a@example.org\n'))
        t.ok(len(run.faults) == 1 and
             run.faults[0].startswith('config:1 -: smarthost: ') and
             run.remarks == [], line, run.words())
    run = found(home, home.config(
        'smarthost smtps://mail.example.org\nfrom A <a@example.org>\n'))
    t.ok(len(run.faults) == 1 and run.remarks == [],
         'a sender with a name', run.words())
    run = found(home, home.config(
        f'account one\n{wrong[0]}\nfrom a@example.org\n'
        'account two\nfrom b@example.org\n'))
    t.ok([x.split(': ')[1] for x in run.faults] == [
        'smarthost', "account `two' has no `smarthost'"],
        'but another account still lacks its own', run.words())
    run = found(home, home.config(f'{TLS}auth on\n'))
    t.ok(run.json['faults'][0]['hint'] ==
         "write `auth auto', which holds without the line too",
         'msmtp says `auth on\'', run.words())


def test_origins(t, home):
    """What no file has."""
    config = home.config(TLS)
    run = found(home, config, environment={'SENDLING_LOG': '/nonexistent/x'})
    t.ok(run.status == 78 and run.faults[0].startswith('-:None -: log: ') and
         run.json['faults'][0]['where'] == 'SENDLING_LOG',
         'a fault of the environment', run.words())
    run = check(home, config, '--set', 'aliases=/nonexistent')
    t.ok(run.status == 78 and
         run.out.startswith(b'--set: aliases: /nonexistent: '),
         'one of --set', run.words())
    run = check(home, '/nonexistent', '--json')
    told = json.loads(run.out)
    t.ok(run.status == told['status'] == 66 and run.err == b'' and
         '/nonexistent' in told['error']['text'] and told['accounts'] == [] and
         told['faults'] == [], 'no file at all, in JSON', run.words())


def test_touches_nothing(t, home):
    """No socket, no program, no file."""
    if not can_trace():
        return t.skip('nothing is touched', 'no strace')
    mark = home.path / 'mark'
    config = home.config(
        'smarthost smtps://localhost smtp+plain://127.0.0.1:1\nuser u\n'
        f'password-command touch {mark}\nlog {home.path}/log\n'
        'from a@example.org\n')
    run, lines = trace(home, 'network,process,openat', '--check',
                       config=config, stdin=b'',
                       environment={'PATH': '/usr/bin:/bin'})
    t.ok(run.status == 0 and not mark.exists() and
         not (home.path / 'log').exists() and
         not any('AF_INET' in line or 'fork(' in line or 'clone' in line or
                 'O_CREAT' in line or 'execve' in line for line in lines[1:]),
         'nothing is touched', run.words(), *lines[-20:])


def test_secret(t, home):
    """No value of a password is told."""
    file = home.file('file', ' canary4711 \n')
    for text in ('password " canary4711"\n', f'password-file {file}\n',
                 'tiemout canary4711\npassword canary4711 \n'):
        for argv in ((), ('--json',), ('-v',)):
            run = check(home, home.config(f'{TLS}user u\n{text}'), *argv)
            t.ok(b'canary4711' not in run.out + run.err and run.out != b'',
                 f'{text.split()[0]} {argv}: is not told', run.words())


def test_aliases(t, home):
    """Each fault of such a file, once though two accounts have it."""
    aliases = home.file('aliases', ' odd\nroot\na: b@x.example, b c d, <<\n'
                        'ok: c@x.example\nA: d@x.example\nnone:\nx@y: z\n'
                        'list: :include:no\n')
    run = found(home, home.config(
        f'aliases {aliases}\naccount a\n{TLS}account b\n{TLS}'))
    lines = [int(fault.split('aliases:')[2].split(':')[0])
             for fault in run.faults]
    t.ok(run.status == 78 and lines == [1, 2, 3, 3, 5, 6, 7, 8] and
         'is there already' in run.faults[4], 'each fault is told, in order',
         run.words())
    aliases.write_text('no colon\n' * 500)
    run = found(home, home.config(f'aliases {aliases}\n{TLS}'))
    t.ok(run.status == 78 and len(run.faults) == 100,
         'of a file that is none no more than a hundred', len(run.faults))
    aliases.write_bytes(b'a: b\0@x\n')
    run = found(home, home.config(f'aliases {aliases}\n{TLS}'))
    t.ok(run.status == 78 and len(run.faults) == 1 and 'NUL' in run.faults[0],
         'a NUL is told', run.words())


def test_alias_twice(t, home):
    """No mail is lost for what a package added to the aliases once more."""
    aliases = home.file('aliases', 'root: a@x.example\nRoot: b@x.example\n')
    config = home.config(f'aliases {aliases}\n{TLS}')
    run = found(home, config)
    t.ok(run.status == 78 and len(run.faults) == 1 and
         'is there already' in run.faults[0], 'it is a fault', run.words())
    run = home.run('-bi', config=config)
    t.ok(run.status == 78 and b'is there already' in run.err,
         'which newaliases tells', run.words())
    run = home.run('--dry-run', '-f', 's@x.example', 'root', config=config)
    t.ok(run.status == 0 and b'a@x.example' in run.out and
         b'b@x.example' not in run.out, 'a mail goes by the first',
         run.words())


if __name__ == '__main__':
    sys.exit(run_tests(dict(globals())))
