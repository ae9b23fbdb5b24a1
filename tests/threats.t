#!/usr/bin/python3
"""What sendling must be safe from, as far as the real program is needed to
show it: secrets, injection, privilege, lost mail.

    tests/threats.t [WORD ...]    only the tests whose names hold a WORD

Where each class of threat has its test:

Plaintext behind STARTTLS            dialogues/inject-*, secure-*, tls.t
STARTTLS stripped                    dialogues/starttls-*, ehlo-*, hostile.t,
                                     tls.t
Certificates, trust store, pins      certificates.t, unit/tls, unit/verify
Weak parameters, renegotiation       tls.t, unit/tls
TLS 1.3 oddities, truncation         unit/tls, unit/stream, tls.t
Nothing kept, old library            tls.t
Tokens                               pkcs11.t, unit/identity
SCRAM, AUTH, extra prompts           unit/sasl, dialogues/scram-*, auth-*,
                                     auth.t
Canary password                      here, auth.t, unit/config
Password forgotten                   here, unit/dispatch
Secret repeated                      here, unit/echo, dialogues/auth-echo*
No core, not dumpable                here, unit/host
Password command                     here, auth.t, unit/secret, environment.t
Control characters in values         here, unit/envelope, unit/config
Header injection                     here, unit/submit
Parameters of ESMTP                  here, unit/envelope, unit/address
Option injection                     here, unit/options
No shell, pipe, file                 here, unit/alias
Smuggling                            here, unit/message, fuzz/message
Dot-stuffing                         dialogues/text-*, here
Border of header and body            unit/message, fuzz/message
Bcc                                  here, unit/submit
Log and terminal                     here, unit/log
Replies                              dialogues/reply-*, hostile.t, unit/reply
Parsers                              fuzz/*, unit/address
argv, descriptors, signals, limits   environment.t
Host names                           unit/net
Set-id bits                          here
Environment                          here, unit/host
Configuration's kind and owner       here, unit/file
No files written                     here
Signals amid the mail data           here
Status 0 without a final 250         here, dialogues/*, hostile.t
Temporary and permanent              dialogues/*-4yz, *-5yz, *-421
Unknown outcome                      here, dialogues/end-*, too-many-then-*
Failure after acceptance             here, dialogues/quit-*, environment.t
Out of memory                        memory.t, unit/memory
Truncated input                      here, environment.t, unit/file
Some recipients refused              dialogues/mix-*, too-many-*
Content                              here, smtpd.t, postfix.t
Fields, recipients                   unit/submit, callers/
Size, memory                         here, smtpd.t, dialogues/size-*
Long lines                           here, unit/message
A server that speaks early           hostile.t, unit/stream
Partial reads and writes             here, unit/stream
Pipelining                           dialogues/pipelined-*, chunk-*
Time                                 here, dialogues/*-silence, unit/stream
"""

import base64
import contextlib
import email
import email.policy
import hashlib
import itertools
import json
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import harness
from canary import CANARY, secrets, shows, unquoted
from home import (
    CLONE_NEWUTS, HANG, HEADER, LARGE, LIBC, MESSAGE, MS_BIND, NOBODY,
    SANITIZED, SERVE, Done, Home, become, can_mount, can_trace, check, in_order,
    mount, private_mounts, run_tests, trace)
from smtpd import Server, tls_context

BOB = 'bob@example.org'
CAP_NET_BIND_SERVICE = 10
EVE = 'eve@example.net'
NO_FROM = b''.join(line for line in HEADER.splitlines(True)
                   if not line.startswith(b'From'))
# What goes over a wire or to a terminal is this, or UTF-8.
CONTROL = re.compile(rb'[\x00-\x09\x0b-\x1f\x7f]')


def secure(certificate, **more):
    return Server(certificate, users=[('alice', CANARY)], **more)


def refused(t, box, run, sentence, statuses=(64, 65)):
    """Refused before anybody was called, and the value is not shown raw."""
    box.settle()
    raw = CONTROL.search(run.err) or re.search(rb'^EVIL', run.err, re.M)
    t.ok(run.status in statuses and box.count == 0 and not raw and
         run.err.endswith(b'\n'), sentence, run.words(), box.heard[:2000])
    box.clear()


def header_names(mail):
    head = mail.partition(b'\r\n\r\n')[0]
    return sorted(line.partition(b':')[0].decode(errors='replace').lower()
                  for line in head.split(b'\r\n')
                  if line[:1] not in (b' ', b'\t'))


# Secrets

SOURCES = {
    'password': lambda home: f'password {CANARY}',
    'password-file':
        lambda home: f'password-file {home.file("secret", CANARY)}',
    'password-command': lambda home: 'password-command cat '
        + str(home.file('secret2', CANARY + '\nrest')),
}


def test_canary(t, home, certificate):
    """In all that is told, in every mode, with a right and a wrong password,
    for each mechanism."""
    right, log = secure(certificate), home.path / 'canary.log'
    wrong = Server(certificate, users=[('alice', 'other')])
    told = b''
    for source, line in SOURCES.items():
        for box, mechanism in itertools.product(
                (right, wrong), ('PLAIN', 'LOGIN', 'SCRAM-SHA-256')):
            config = home.config(box.config(
                line(home), f'auth {mechanism}', f'log {log}'))
            transcript = home.path / 'transcript'
            transcript.unlink(missing_ok=True)
            run = home.run('-v', '-d99', '--json', '-X', transcript, BOB,
                           config=config)
            said = run.out + run.err + transcript.read_bytes()
            t.ok(run.status == (0 if box is right else 77) and
                 mechanism.encode() in said and not shows(said),
                 f'{source}, {mechanism}, {"good" if not run.status else ""}'
                 f'{"bad" if run.status else ""}: not shown', said.decode())
            told += said
        for argv in (('-bv', BOB), ('--dry-run', BOB), ('--check',), ('-bC',),
                     ('-bs', '-v')):
            run = home.run(*argv, config=config, stdin=SERVE)
            t.ok(run.status is not None and run.out != b'' and
                 not shows(run.out + run.err), f'{source}, {argv[0]}: '
                 'not shown', run.words())
    t.ok(log.stat().st_size > 0 and not shows(log.read_bytes()),
         'the log does not show it')
    # Or the search would find nothing anywhere.
    t.ok(shows(base64.b64encode(f'\0alice\0{CANARY}'.encode())) != [] and
         b'AUTH' in told, 'it would be seen')


def test_canary_in_faults(t, home):
    """What is wrong is told without the value."""
    for text in (f'pasword {CANARY}', f'user a\npassword {CANARY}\x01',
                 f'user a\npassword {CANARY}\npassword {CANARY}',
                 f'user a\npassword {CANARY}\npassword-file {CANARY}',
                 f'passwort  {CANARY}', f'Password: {CANARY}',
                 f'user a\npassword\t{CANARY}\n nonsense',
                 f'password={CANARY}', f'user a\npassword\n{CANARY}',
                 f'user a\npassword \n  {CANARY} {CANARY}'):
        path = home.config('smarthost smtps://localhost\n' + text + '\n')
        for argv in ((BOB,), ('--check',), ('--json', BOB), ('-bs',)):
            run = home.run(*argv, config=path, stdin=SERVE)
            t.ok(run.status == 78 and not shows(run.out + run.err),
                 f'{text.replace(CANARY, "...")!r}, {argv[0]}: the value is '
                 'not told', run.words())
    run = home.run('--set', f'password={CANARY}', '--check',
                   config=home.config('smarthost smtps://localhost\nuser a\n'))
    t.ok(run.status == 78 and not shows(run.out + run.err),
         '--set password is refused, and not told', run.words())
    run = home.run('--check', environment={'SENDLING_PASSWORD': CANARY},
                   config=home.config('smarthost smtps://localhost\nuser a\n'))
    t.ok(not shows(run.out + run.err), 'SENDLING_PASSWORD is not told',
         run.words())


# What a server says at each step, where it says nothing of a secret.
USUAL = {'GREETING': ('220', 'mail.test'), 'AUTH': ('235', 'welcome'),
         'MAIL': ('250', 'ok'), 'RCPT': ('250', 'ok'), 'DATA': ('354', 'go on'),
         'END': ('250', 'taken')}


def repeats(said, mechanism):
    """A server that says at each step what `said' has for it."""
    def play(server, sock):
        def answer(step):
            replies = said.get(step, '{} {}\r\n'.format(*USUAL[step]))
            sock.sendall(replies.encode())

        answer('GREETING')
        while line := server.hear(sock, b'\n'):
            verb = line[:4]
            if verb == b'EHLO':
                sock.sendall(b'250-mail.test\r\n250 AUTH %s\r\n'
                             % mechanism.encode())
            elif verb == b'AUTH' and mechanism == 'LOGIN':
                for challenge in (b'334 VXNlcg==\r\n', b'334 UGFzcw==\r\n'):
                    sock.sendall(challenge)
                    server.hear(sock, b'\n')
                answer('AUTH')
            elif verb in (b'AUTH', b'MAIL', b'RCPT', b'DATA'):
                answer(verb.decode())
            elif verb == b'QUIT':
                return
            else:
                while not line.endswith(b'\r\n.\r\n'):
                    line += server.hear(sock, b'\n')
                answer('END')
    return play


def test_secret_repeated(t, home):
    """By a server, at once or later, decoded or not, whole or in two: in
    nothing that is told, and the mail goes its way all the same."""
    plain = base64.b64encode(f'\0alice\0{CANARY}'.encode()).decode()
    alone = base64.b64encode(CANARY.encode()).decode()
    forms = {'bare': CANARY, 'in capitals': CANARY.upper(), 'PLAIN': plain,
             'LOGIN': alone, 'cut short': plain[:-8]}
    # {enhanced} is of the class of the code.
    lines = {'at once': '{code} {enhanced}no: {whole}!',
             'over two lines':
             '{code}-{enhanced}no: {first}\r\n{code} {enhanced}{second} no',
             'in quotes': '{code} {enhanced}"{whole}"'}
    # 250, and the refusal, where the mail comes as far as that.
    codes = {'AUTH': (235, 535), 'MAIL': (250, 550), 'RCPT': (251, 450),
             'DATA': (354, 554), 'END': (250, 554)}
    transcript, log = home.path / 'repeated', home.path / 'repeated.log'
    cases = [(mechanism, f'{step} {code}, {form}, {way}', parts,
              {step: line.format(
                  code=code, whole=text, first=parts[0], second=parts[1],
                  enhanced='' if code == 354 else f'{code // 100}.7.8 ')
               + '\r\n'},
              {250: 0, 251: 0, 235: 0, 354: 0, 535: 77, 450: 75}.get(code, 69))
             for mechanism in ('PLAIN', 'LOGIN')
             for step, both in codes.items() for code in both
             for form, text in forms.items()
             for way, line in lines.items()
             for parts in [(text[:len(text) // 2], text[len(text) // 2:])]]
    cases += [('PLAIN', f'{form} over two replies', parts,
               {'MAIL': f'250 {parts[0]}\r\n', 'RCPT': f'250 {parts[1]}\r\n'},
               0) for form, text in forms.items()
              for parts in [(text[:len(text) // 2], text[len(text) // 2:])]]
    cases += [('PLAIN', f'{form} in {where}', (text, text), {step: said}, 76)
              for form, text in forms.items()
              for where, step, said in [
                  ('what is no reply', 'MAIL', f'password {text}\r\n'),
                  ('what is no reply, with NULs', 'MAIL',
                   f'500 \0alice\0{text}\r\n'),
                  ('a reply too many', 'AUTH',
                   f'235 ok\r\n250 {text}\r\n')]]
    for mechanism, what, parts, said, status in cases:
        for file in (transcript, log):
            file.unlink(missing_ok=True)
        with Server(play=repeats(said, mechanism)) as server:
            run = home.run('-v', '--json', '-X', transcript, BOB,
                           config=home.config(server.config(
                               'user alice', f'password {CANARY}',
                               f'auth {mechanism}', f'log {log}')))
        told = (run.out + run.err + transcript.read_bytes()
                + log.read_bytes()).lower()
        found = [part for part in parts if part.lower().encode() in told]
        t.ok(run.status == status and not found and
             b'[the reply repeats the secret]' in told,
             f'{mechanism}, {what}: hidden', found, run.words())


def test_canary_in_writes(t, home, certificate):
    if not can_trace():
        return t.skip('the password in what is written', 'no strace')
    box = secure(certificate)
    for source in ('password', 'password-file'):
        for argv in (('-v', '-X', home.path / 'x', BOB),
                     ('-bs', '-X', home.path / 'x')):
            config = home.config(box.config(
                SOURCES[source](home), 'auth LOGIN',
                f'log {home.path}/tracelog'))
            run, lines = trace(
                home, 'write,writev,pwrite64,sendto,sendmsg,send,execve',
                *argv, config=config, stdin=SERVE)
            box.settle()
            written = b'\n'.join(map(unquoted, lines))
            t.ok(run.status == 0 and len(box.took) == 1 and
                 b'C: ' in written and not shows(written),
                 f'{source}, {argv[0]}: nothing that is written shows it',
                 run.words(), *lines[:20])
            box.clear()


def held(home, *argv, **more):
    """A run that waits for the reply to EHLO, and its server."""
    met, go = threading.Event(), threading.Event()

    def play(server, sock):
        sock.sendall(b'220 mail.test\r\n')
        server.hear(sock, b'EHLO')
        met.set()
        go.wait(HANG)
    server = Server(play=play)
    config = home.config(server.config('user alice', f'password {CANARY}'),
                         owner=NOBODY if os.geteuid() == 0 else 0)
    process = home.start(*argv, BOB, config=config, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         **more)
    process.stdin.write(MESSAGE)
    process.stdin.close()
    process.stdin = None
    met.wait(HANG)
    return process, server, go


def core_allowed():
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)


def as_nobody():
    core_allowed()
    if os.geteuid() == 0:
        become(NOBODY)


def memory_opens(pid):
    """Whether another process of the same user may read its memory."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            if os.geteuid() == 0:
                become(NOBODY)
            os.open(f'/proc/{pid}/mem', os.O_RDONLY)
            os._exit(0)
        os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def test_no_core(t, home):
    if SANITIZED:
        return t.skip('no core', 'a sanitizer ends by itself')
    folder = home.path / 'cores'
    folder.mkdir()
    folder.chmod(0o777)
    other = subprocess.Popen(['sleep', str(HANG)], preexec_fn=as_nobody)
    process, server, go = held(home, cwd=folder, preexec_fn=as_nobody)
    limits = pathlib.Path(f'/proc/{process.pid}/limits').read_text()
    t.ok(bool(re.search(r'Max core file size +0 +0 ', limits)),
         'the limit of core files is 0', limits)
    if memory_opens(other.pid):
        t.ok(not memory_opens(process.pid),
             'a process of the same user cannot read its memory')
    else:
        t.skip('reading its memory', 'this system allows it to nobody')
    for file in ('cmdline', 'environ'):
        try:
            there = pathlib.Path(f'/proc/{process.pid}/{file}').read_bytes()
        except PermissionError:
            there = b''
        t.ok(not shows(there), f'its {file} does not show the password')
    other.kill()
    other.wait()
    process.send_signal(signal.SIGSEGV)
    process.communicate(timeout=HANG)
    t.ok(process.returncode == -signal.SIGSEGV and
         list(folder.iterdir()) == [], 'it leaves no core',
         process.returncode, list(folder.iterdir()))
    go.set()
    server.close()


# At the end of the program looks for needles in all that it could write: the
# heap, freed blocks as well, static data and the stack. Each octet of a needle
# has its last bit turned, or the search would find itself.
SEARCH = r'''
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
is_there(const unsigned char *at, const unsigned char *end,
    const char *needle, size_t len)
{
	size_t i;

	for (; at + len <= end; at++) {
		for (i = 0; i < len && at[i] == (needle[i] ^ 1); i++)
			;
		if (i == len)
			return 1;
	}
	return 0;
}

__attribute__((destructor)) static void
search(void)
{
	const char *needles = getenv("NEEDLES"), *report = getenv("REPORT");
	FILE *maps = fopen("/proc/self/maps", "r"), *out;
	unsigned long from, to;
	char line[500], mode[8];
	const char *needle;
	size_t len;
	int n;

	if (report == NULL || (out = fopen(report, "w")) == NULL)
		return;
	while (maps != NULL && fgets(line, sizeof(line), maps) != NULL) {
		sscanf(line, "%lx-%lx %7s", &from, &to, mode);
		if (mode[0] != 'r' || mode[1] != 'w')
			continue;
		for (n = 0, needle = needles; *needle != '\0'; n++) {
			len = strcspn(needle, "\n");
			if (is_there((void *)from, (void *)to, needle, len))
				fprintf(out, "%d in %s", n, line);
			needle += len + (needle[len] == '\n');
		}
	}
	fclose(out);
}
'''


def passwords(home, password):
    """A line for each place that it may come from."""
    return (('password', f'password {password}'),
            ('password-file',
             f'password-file {home.file("long", password)}'),
            ('password-command',
             f'password-command cat {home.file("long2", password)}'),
            ('password-credential', 'password-credential '
             + home.file('long3', password).name))


def test_canary_in_memory(t, home):
    """Nothing of a password is left when the program ends, wherever it came
    from and however it was used."""
    search = preload(home.path, SEARCH)
    if search is None or os.geteuid() != 0:
        return t.skip('the password in what is left in memory',
                      'no preloading here, or not root')
    # Long, and sought by its end: what the C library copies through vector
    # registers, the linker may save with these on the stack.
    password = ''.join(f'{n:03}' for n in range(80))
    forms = [form[-150:] for form in secrets(password=password)
             if b'\0' not in form]
    needles = [bytes(octet ^ 1 for octet in needle)
               for needle in (b'/preload.so', *forms)]
    report = home.path / 'report'
    environment = {'LD_PRELOAD': str(search), 'REPORT': str(report),
                   'NEEDLES': b'\n'.join(needles),
                   'CREDENTIALS_DIRECTORY': str(home.path)}
    # In the clear, as what is in the memory of GnuTLS is not ours.
    right = Server(users=[('alice', password)])
    wrong = Server(users=[('alice', 'other')])
    for (source, line), mechanism, box, argv in itertools.product(
            passwords(home, password), ('PLAIN', 'LOGIN', 'SCRAM-SHA-256'),
            (right, wrong), ((BOB,), ('-bs',))):
        config = home.config(box.config(line, f'auth {mechanism}'))
        report.unlink(missing_ok=True)
        run = home.run(*argv, config=config, stdin=SERVE,
                       environment=environment)
        box.settle()
        found = report.read_text() if report.exists() else 'no report'
        t.ok(run.status == (77 if box is wrong and argv[0] == BOB else 0) and
             re.search('^0 in', found, re.M) and
             not re.search('^[1-9]', found, re.M) and
             len(box.took) == (box is right),
             f'{source}, {mechanism}, {"good" if box is right else "bad"}, '
             f'{argv[0]}: nothing is left of it', run.words(), found)
        box.clear()
    # What a server repeats of it is no less secret.
    alone = base64.b64encode(password.encode()).decode()
    said = {'MAIL': f'250 {alone}\r\n', 'RCPT': f'250 {password}\r\n'}
    with Server(play=repeats(said, 'PLAIN')) as server:
        report.unlink(missing_ok=True)
        run = home.run(BOB, config=home.config(server.config(
            'user alice', f'password {password}')), environment=environment)
    found = report.read_text() if report.exists() else 'no report'
    t.ok(run.status == 0 and re.search('^0 in', found, re.M) and
         not re.search('^[1-9]', found, re.M),
         'a server that repeats it: nothing is left of it', run.words(), found)

    # Of two tokens, where the first is refused.
    tokens = password, password[::-1]
    needles = [bytes(octet ^ 1 for octet in needle) for needle in (
        b'/preload.so', *(token[-150:].encode() for token in tokens),
        *(base64.b64encode(f'user=alice\1auth=Bearer {token}\1\1'.encode())
          [-150:] for token in tokens))]
    environment['NEEDLES'] = b'\n'.join(needles)
    for outcome, status in (('235 ok', 0), ('535 no', 77)):
        with Server(play=refuses_once(outcome)) as server:
            report.unlink(missing_ok=True)
            run = home.run(BOB, environment=environment, config=home.config(
                server.config('user alice', 'auth XOAUTH2', 'password-command '
                              'if test $SENDLING_TOKEN_REFUSED; then echo '
                              f'{tokens[1]}; else echo {tokens[0]}; fi')))
        found = report.read_text() if report.exists() else 'no report'
        heard = base64.b64decode(re.findall(rb'XOAUTH2 (\S+)', server.heard)[-1])
        t.ok(run.status == status and tokens[1].encode() in heard and
             re.search('^0 in', found, re.M) and
             not re.search('^[1-9]', found, re.M),
             f'a token, and a fresh one, {outcome}: nothing is left of them',
             run.words(), found)


def refuses_once(outcome):
    """A server that refuses a token, and then says this; then takes a mail."""
    def play(server, sock):
        replies = iter(('535 no', outcome))
        sock.sendall(b'220 mail.test\r\n')
        while line := server.hear(sock, b'\n'):
            verb = line[:4]
            if verb == b'EHLO':
                sock.sendall(b'250-mail.test\r\n250 AUTH XOAUTH2\r\n')
            elif verb == b'AUTH':
                if line.count(b' ') == 1:
                    sock.sendall(b'334 \r\n')
                    server.heard += b'XOAUTH2 ' + server.hear(sock, b'\n')
                sock.sendall(f'{next(replies)}\r\n'.encode())
            elif verb == b'DATA':
                sock.sendall(b'354 go on\r\n')
                server.hear(sock, b'\r\n.\r\n')
                sock.sendall(b'250 taken\r\n')
            elif verb == b'QUIT':
                return
            else:
                sock.sendall(b'250 ok\r\n')
    return play


def memory(pid):
    """All that a process could write."""
    found = b''
    with open(f'/proc/{pid}/maps') as maps, \
            open(f'/proc/{pid}/mem', 'rb', buffering=0) as octets:
        for line in maps:
            if line.split()[1].startswith('rw'):
                start, end = (int(n, 16) for n in line.split()[0].split('-'))
                octets.seek(start)
                found += octets.read(end - start)
    return found


def wait_until_idle(pid):
    """Until it waits for its server: what it has sent may be heard before it
    has done what comes behind that."""
    stat = pathlib.Path(f'/proc/{pid}/stat')
    end = time.monotonic() + HANG
    while stat.read_text().rpartition(')')[2].split()[0] != 'S' and \
            time.monotonic() < end:
        time.sleep(0.001)


def authenticate(mechanism, said):
    """A server that takes whatever AUTH says, and waits at MAIL."""
    def play(server, sock):
        sock.sendall(b'220 mail.test\r\n')
        server.hear(sock, b'\r\n')
        sock.sendall(f'250-mail.test\r\n250 AUTH {mechanism}\r\n'.encode())
        heard = server.hear(sock, b'\r\n')
        while not heard.startswith(b'MAIL'):
            asks = heard.count(b' ') < 2 and len(heard) < 100
            sock.sendall(b'334 \r\n' if asks else b'235 2.7.0 welcome\r\n')
            said.append(heard)
            heard = server.hear(sock, b'\r\n')
        server.met.set()
        server.go.wait(HANG)
    return play


def test_canary_in_session(t, home):
    """Once AUTH is over what it said is not left in memory."""
    if SANITIZED or os.geteuid() != 0:
        return t.skip('what AUTH said is wiped', 'not root, or sanitized')
    for mechanism, length in (('PLAIN', 240), ('PLAIN', 480), ('LOGIN', 240)):
        password = ''.join(f'{n:03}' for n in range(length // 3))
        said = []
        server = Server(play=authenticate(mechanism, said))
        server.met, server.go = threading.Event(), threading.Event()
        config = home.config(server.config(
            'user alice', f'password {password}', f'auth {mechanism}'))
        process = home.start(BOB, config=config, stdin=subprocess.PIPE,
                             stderr=subprocess.PIPE)
        process.stdin.write(MESSAGE)
        process.stdin.close()
        server.met.wait(HANG)
        try:
            left = memory(process.pid)
        except PermissionError:
            left = b''
        server.go.set()
        process.stdin = None
        process.communicate(timeout=HANG)
        server.close()
        if not left:
            t.skip(f'{mechanism}: what was said', 'memory cannot be read')
            continue
        secret = said[-1].strip()[-150:]
        t.ok(len(secret) == 150 and b'client.example' in left and
             secret not in left,
             f'{mechanism}, a password of {length} octets: what was said is '
             'wiped before MAIL', said, left.find(secret))


def waits_at(step, mechanism):
    """A server that takes any password and all recipients, and waits where
    `step' is asked for."""
    replies = {'MAIL': '250 ok', 'RCPT': '250 ok', 'DATA': '354 go on'}

    def play(server, sock):
        lines = sock.makefile('rb')
        sock.sendall(b'220 mail.test\r\n')
        for line in lines:
            verb = line[:4].decode().strip()
            if verb == step:
                server.met.set()
                server.go.wait(HANG)
                return
            if verb == 'EHLO':
                sock.sendall(f'250-mail.test\r\n250 AUTH {mechanism}\r\n'
                             .encode())
            elif verb == 'AUTH' and mechanism == 'LOGIN':
                for challenge in (b'334 VXNlcg==\r\n', b'334 UGFzcw==\r\n'):
                    sock.sendall(challenge)
                    lines.readline()
                sock.sendall(b'235 welcome\r\n')
            elif verb == 'AUTH':
                sock.sendall(b'235 welcome\r\n')
            elif verb in replies:
                sock.sendall(f'{replies[verb]}\r\n'.encode())
    return play


def test_forgotten(t, home):
    """When the login is done and no other can follow, the one copy of the
    password is that of the room that hides it."""
    if SANITIZED or os.geteuid() != 0:
        return t.skip('the password is forgotten', 'not root, or sanitized')
    # Digits, that are the same in capitals; no part of it occurs twice.
    password = ''.join(f'{n:03}' for n in range(100, 180))
    others = [f'r{n}@example.org' for n in range(3)]
    lines = [line for _, line in passwords(home, password)]
    for line, mechanism, (step, to), defaults in itertools.product(
            lines, ('PLAIN', 'LOGIN'),
            (('MAIL', [BOB]), ('RCPT', [BOB]), ('DATA', [BOB]),
             ('.', [BOB]), ('.', others)), (True, False)):
        source = line.split()[0]
        if not defaults and source != 'password':
            continue
        server = Server(play=waits_at(step, mechanism))
        server.met, server.go = threading.Event(), threading.Event()
        accounts = '' if defaults else \
            '\naccount one\nfrom-header no\naccount default\n' + line
        config = home.config(server.config(
            'user alice', line, f'auth {mechanism}') + accounts)
        process = home.start(*to, config=config, stdin=subprocess.PIPE,
                             stderr=subprocess.PIPE, environment={
                                 'CREDENTIALS_DIRECTORY': str(home.path)})
        process.stdin.write(MESSAGE)
        process.stdin.close()
        process.stdin = None
        server.met.wait(HANG)
        wait_until_idle(process.pid)
        left = memory(process.pid)
        server.go.set()
        process.communicate(timeout=HANG)
        server.close()
        base64s = [base64.b64encode(text)[4:44] for text in (
            password.encode(), b'\0' + password.encode(),
            b'\0\0' + password.encode())]
        copies = left.count(password[60:200].encode())
        t.ok(b'client.example' in left and copies <= 1 and
             not any(text in left for text in base64s),
             f'{source}, {mechanism}, {len(to)} at {step}: one copy of the '
             'password', copies)


def test_hidden_first(t, home, certificate):
    """Cores and ptrace are given up before a secret is read, in each mode."""
    if not can_trace():
        return t.skip('no core before the secret is read', 'no strace')
    box = secure(certificate)
    for source, line in SOURCES.items():
        if source == 'password-command':
            continue
        config = home.config(box.config(line(home)))
        secret = str(config if source == 'password'
                     else home.path / 'secret')
        for argv in ((BOB,), ('-bv', BOB), ('--dry-run', BOB), ('--check',),
                     ('-bs',)):
            run, lines = trace(home, 'openat,read,prctl,prlimit64,setrlimit',
                               *argv, config=config, stdin=SERVE)
            opened = [n for n, line in enumerate(lines)
                      if f'"{secret}"' in line]
            hidden = [n for n, line in enumerate(lines)
                      if re.search(r'PR_SET_DUMPABLE, (0|SUID_DUMP_DISABLE)',
                                   line)]
            limited = [n for n, line in enumerate(lines) if
                       re.search('limit.*RLIMIT_CORE, {rlim_cur=0', line)]
            if source == 'password-file' and not opened:
                continue  # only its name was read
            t.ok(run.status == 0 and hidden and limited and opened and
                 hidden[0] < opened[0] and limited[0] < opened[0],
                 f'{source}, {argv[0]}: hidden before it is read',
                 run.words(), f'read in line {opened}, hidden in {hidden}, '
                 f'{limited}')


def test_password_command(t, home, certificate):
    box = secure(certificate)
    token = 'x' * 8000  # a line of AUTH has 12288 octets
    box.users['bob'] = token
    big = home.file('token', token + '\n')
    for command, status, words in (
            (f'echo "{CANARY}"', 0, ''),
            (f'printf %s "{CANARY}"', 0, ''),
            (f'printf "{CANARY}\\nsecond\\n"', 0, ''),
            (f'printf "{CANARY}\\r\\nsecond\\r\\n"', 0, ''),
            (f'cat; echo "{CANARY}"', 0, ''),
            (f'read line && exit 1; echo "{CANARY}"', 0, ''),
            (f'echo "{CANARY}"; seq 100000', 0, ''),
            (f'echo "{CANARY}"; exit 1', 78, 'status 1'),
            (f'echo "{CANARY}"; exit 75', 75, 'status 75'),
            (f'echo "{CANARY}"; kill -9 $$', 78, 'signal 9'),
            ('true', 78, 'empty'),
            (f'echo; echo "{CANARY}"', 78, 'empty'),
            ('/nonexistent', 78, 'status 127')):
        config = home.config(box.config('password-command ' + command))
        run = home.run(BOB, config=config)
        box.settle()
        t.ok(run.status == status and words.encode() in run.err and
             not shows(run.err + run.out) and
             [mail for mail, _ in box.took] == [MESSAGE] * (not status) and
             box.count == (not status),
             f'password-command {command.replace(CANARY, "...")}: {status}',
             run.words())
        box.clear()
    config = home.config(box.config(f'password-command cat {big}').replace(
            'user alice', 'user bob'))
    run = home.run(BOB, config=config)
    box.settle()
    t.ok(run.status == 0 and len(box.took) == 1, 'a token of 8,000 octets',
         run.words(), *box.faults)
    for name in ('sendmail', 'sendling'):
        mark = home.path / 'mark'
        for option in ('--password-command=touch ' + str(mark),
                       '-opassword-command=touch ' + str(mark),
                       '-Opassword-command=touch ' + str(mark)):
            home.run(option, BOB, name=name)
            t.ok(not mark.exists(), f'{name} {option.split("=")[0]} runs '
                 'nothing')


# Injection

CONTROLS = ('\n', '\r', '\r\n', '\x01', '\x1b', '\x7f', '\x0b', '\n.\r\n')


def test_control_characters(t, home, box):
    """In each value that could reach a command: refused, nobody called."""
    plain = box.config()
    for control in CONTROLS:
        value = f'a{control}EVIL:x'
        address = f'a{control}EVIL:x@example.com'
        after = f'alice@example.com{control}EVIL: x'
        for argv in (('-f', address, BOB), ('-f', after, BOB),
                     ('-r', after, BOB), ('-r', f'x <{after}>', BOB),
                     (address,), (after,), ('--', f'<{after}>',),
                     (BOB, f'"{value}"@example.org'),
                     ('-N', f'never{control}EVIL', BOB),
                     ('-R', f'full{control}EVIL', BOB),
                     ('-V', value, BOB),
                     ('-O', f'deliver-by=120;R{control}EVIL', BOB),
                     ('-O', f'mt-priority=1{control}EVIL', BOB)):
            run = home.run(*argv, config=home.config(plain))
            shown = ' '.join(argv).encode('unicode_escape').decode()
            if run.status == 0 and control not in argv[-2]:
                # White space around an address is white space.
                box.settle()
                t.ok(box.took and not box.faults and
                     b'EVIL' not in box.heard, f'{shown}: harmless',
                     run.words(), box.heard)
                box.clear()
                continue
            refused(t, box, run, f'{shown}: refused')
        for line in (f'helo client.example{control}EVIL x',
                     f'from alice@example.com{control}EVIL x',
                     f'force-from alice@example.com{control}EVIL x',
                     f'domain example.com{control}EVIL x',
                     f'user alice{control}EVIL x\npassword x',
                     f'dsn-notify never{control}EVIL x'):
            run = home.run(BOB, config=home.config(plain + line + '\n'))
            refused(t, box, run, f'{line.split()[0]} with {control!r}: '
                    'refused', (78,))
            name = line.split()[0]
            variable = 'SENDLING_' + name.upper().replace('-', '_')
            given = {variable: line[len(name) + 1:].split('\npass')[0]}
            run = home.run(BOB, environment=given, config=home.config(
                plain.replace('from alice@example.com\n', '').replace(
                    'helo client.example\n', '')))
            refused(t, box, run, f'{variable} with {control!r}: refused',
                    (78,))


def test_names_are_harmless(t, home, box):
    """Names from argv and the environment: nothing of them becomes a field or
    a command, whatever is made of them."""
    config = home.config(box.config())
    for control in CONTROLS:
        value = f'a{control}EVIL: x{control}Bcc: {EVE}'
        for sentence, argv, environment in (
                ('-F', ('-F', value), {}),
                ('NAME', (), {'NAME': value}),
                ('TZ', (), {'TZ': value}), ('-L', ('-L', value), {}),
                ('-B', ('-B', value), {})):
            run = home.run(*argv, BOB, config=config, environment=environment,
                           stdin=NO_FROM + b'\r\nHello.\r\n')
            harmless(t, box, run, f'{sentence} with {control!r}')


def test_logins_are_harmless(t, home):
    """LOGNAME and USER count where passwd(5) has no entry."""
    if os.geteuid() != 0:
        return t.skip('LOGNAME and USER', 'not root')
    box = Server()
    text = box.config().replace('from alice@example.com',
                                'domain example.com')
    config = home.config(text, mode=0o644)
    run = home.run(BOB, config=config, environment={'LOGNAME': 'carol'},
                   preexec_fn=lambda: become(54321))
    box.settle()
    t.ok([e['from'] for _, e in box.took] == ['carol@example.com'],
         'LOGNAME counts', run.words(), box.took)
    box.clear()
    for control in CONTROLS:
        value = f'a{control}EVIL: x{control}Bcc: {EVE}'
        run = home.run(BOB, config=config, preexec_fn=lambda: become(54321),
                       environment={'LOGNAME': value, 'USER': value},
                       stdin=NO_FROM + b'\r\nHello.\r\n')
        harmless(t, box, run, f'LOGNAME with {control!r}')


def harmless(t, box, run, sentence):
    """Refused, or arrived as if nothing was."""
    box.settle()
    names = [header_names(mail) for mail, _ in box.took]
    to = [envelope['to'] for _, envelope in box.took]
    bad = [line for line in box.heard.split(b'\r\n') if CONTROL.search(line)]
    usual = [sorted(['date', 'from', 'message-id', 'subject', 'to'])]
    t.ok(not box.faults and not bad and not CONTROL.search(run.err) and
         (run.status in (64, 65) and box.count == 0 or
          run.status == 0 and names == usual and to == [[BOB]]),
         f'{sentence}: harmless', run.words(), names, to, bad, *box.faults)
    box.clear()


def test_host_is_harmless(t, home):
    """gethostname(), and the names that passwd(5) gives."""
    if not can_mount():
        return t.skip('host name and passwd', 'no private name spaces')
    box = Server()
    plain = box.config().replace('from alice@example.com\n', '').replace(
        'helo client.example\n', 'domain example.com\n')
    config = home.config(plain)
    etc = home.path / 'etc'
    etc.mkdir()
    etc.chmod(0o755)
    shutil.copy('/etc/hosts', etc)
    (etc / 'nsswitch.conf').write_text('passwd: files\nhosts: files\n')
    for control in ('\r', '\x01', '\x1b', '\x7f', '> SIZE=1 AUTH=<', ' EVIL',
                    '\n'):
        value = f'a{control}EVIL.example'

        def prepare():
            check(LIBC.unshare(CLONE_NEWUTS))
            check(LIBC.sethostname(value.encode(), len(value)))
        run = home.run(BOB, config=config, preexec_fn=prepare,
                       stdin=NO_FROM + b'\r\nHello.\r\n')
        box.settle()
        t.ok(b'EVIL' not in box.heard, f'host name {value!r}: not told',
             run.words(), box.heard)
        harmless(t, box, run, f'host name {value!r}')
        if control == '\n':
            continue
        (etc / 'passwd').write_text(
            f'ro{control}EVIL:x:0:0:Root{control}EVIL\r,,:/root:/bin/sh\n')
        run = home.run(BOB, config=config, preexec_fn=in_order(
            private_mounts, lambda: mount(etc, '/etc', flags=MS_BIND)),
            stdin=NO_FROM + b'\r\nHello.\r\n')
        harmless(t, box, run, f'login and full name with {control!r}')


def test_huge_values(t, home, box):
    """Refused or whole, never cut."""
    huge = 'x' * 100000
    config = home.config(box.config())
    for argv in (('-f', f'{huge}@example.com', BOB),
                 ('-f', f'a@{huge}.com', BOB), (f'{huge}@example.org',),
                 (f'b@{huge}',), ('-V', huge, BOB), ('-N', huge, BOB),
                 ('-R', huge, BOB), ('-a', huge, BOB),
                 ('-O', f'deliver-by={huge}', BOB)):
        run = home.run(*argv, config=config)
        refused(t, box, run, f'{" ".join(argv)[:20]}...: refused',
                (64, 65, 78))
        t.ok(len(run.err) < 5000, 'and told briefly', len(run.err))
    for line in ('helo', 'from', 'force-from', 'domain', 'user', 'full-name'):
        run = home.run(BOB, config=home.config(
            box.config() + f'{line} {huge}@{huge}\n'))
        refused(t, box, run, f'{line} of 200 KB: refused', (65, 78))
    run = home.run('-F', huge, BOB, config=home.config(box.config()),
                   stdin=NO_FROM + b'\r\nHello.\r\n')
    box.settle()
    count = sum(mail.partition(b'\r\n\r\n')[0].count(b'x')
                for mail, _ in box.took)
    t.ok(run.status in (64, 65) and not box.took or count >= 100000,
         '-F of 100 KB: refused or whole', run.words(), count)


def test_folded_names(t, home, box):
    """No length of name lets what follows begin a line as a field does."""
    config = home.config(box.config())
    for tail in (f' Bcc: {EVE}', f' \u00fc\u00fc Bcc: {EVE}',
                 f'\tBcc:{EVE} =?utf-8?q?=0ABcc:_{EVE}?='):
        wrong = []
        for length in range(0, 120, 3):
            run = home.run('-F', 'n' * length + tail, BOB, config=config,
                           stdin=NO_FROM + b'\r\nHello.\r\n')
            box.settle()
            for mail, envelope in box.took:
                lines = mail.partition(b'\r\n\r\n')[0].split(b'\r\n')
                if envelope['to'] != [BOB] or 'bcc' in header_names(mail) \
                   or any(line.strip() == b'' for line in lines) \
                   or max(map(len, lines)) > 998:
                    wrong.append((length, mail))
            if run.status not in (0, 64, 65) or box.faults:
                wrong.append((length, run.words()))
            sent = len(box.took)
            box.clear()
            if run.status == 0 and sent != 1:
                wrong.append((length, 'lost'))
        t.ok(not wrong, f'-F n...n{tail.encode()!r}: one field at every '
             'length', *wrong[:3])


PATHS = [
    # -f or recipient, what stands on the wire, or None: refused
    ('a@b> SIZE=1 AUTH=<x', None),
    ('a@b> NOTIFY=NEVER', None),
    ('<a@b>,<c@d>', {'-f': None, 'to': ['a@b', 'c@d']}),
    ('a b@example.org', None),
    ('a@b@c', None),
    ('@example.org', None),
    ('"a b"@example.org', '"a b"@example.org'),
    ('"a\\"b"@example.org', '"a\\"b"@example.org'),
    ('<@x.example,@y.example:a@example.org>', 'a@example.org'),
    ('a@[127.0.0.1]', 'a@[127.0.0.1]'),
    ('a@[127.0.0.1] SIZE=1', None),
    ('a@[1> SIZE=1]', None),
    ('l' * 243 + '@example.org', None),
    ('l' * 242 + '@example.org', 'l' * 242 + '@example.org'),
    ('foo.@example.org.', '"foo."@example.org'),
    ('.a..b@example.org', '".a..b"@example.org'),
    ('a@example.org..', None),
    ('a@' + 'd' * 60 + ('.' + 'd' * 63) * 3 + '.example', None),
    ('a@-x..example', None),
    ('-Cconfig@example.org', '-Cconfig@example.org'),
    ('a@example.org\t', 'a@example.org'),
    ('(EVIL) a@example.org (c)', 'a@example.org'),
]
STRICT_PATH = re.compile(
    rb'(?:MAIL FROM|RCPT TO):<(?:"(?:[^"\\\r\n]|\\.)*"|[^\s<>"]+)@'
    rb'(?:\[[^\]<>\s]+\]|[A-Za-z0-9.-]+)>(?: [A-Z]+=\S+)*')


def test_paths(t, home, box):
    """What is no address is refused; what is one is quoted as it must be."""
    config = home.config(box.config())
    for (text, wanted), place in itertools.product(PATHS, ('-f', 'to')):
        expect = wanted[place] if isinstance(wanted, dict) else wanted
        argv = ('-f', text, BOB) if place == '-f' else ('--', text)
        run = home.run(*argv, config=config)
        box.settle()
        paths = [line for line in box.heard.split(b'\r\n')
                 if re.match(rb'MAIL|RCPT', line)]
        if expect is None:
            refused(t, box, run, f'{place} {text[:40]}: refused')
            continue
        expect = expect if isinstance(expect, list) else [expect]
        told = [f'<{path}>'.encode() for path in expect]
        lines = paths[:1] if place == '-f' else paths[1:]
        t.ok(run.status == 0 and all(map(STRICT_PATH.fullmatch, paths)) and
             len(lines) == len(told) and
             all(a in b for a, b in zip(told, lines)),
             f'{place} {text[:40]}: {expect}', run.words(), paths)
        box.clear()


def payloads(home):
    """What a web form could put into argv, and what it names."""
    target = home.path / 'target'
    read = home.file('readable', f'secret-content {CANARY}\n', 0o644)
    return target, read, [
        (f'-oQ{target}', f'-X{target}'), ('-X', target),
        (f'-OQueueDirectory={target}', f'-X{target}'),
        (f'-C{read}',), ('-C', read), (f'-D{target}',), ('-D', target),
        ('-be', '${run{/usr/bin/touch ' + str(target) + '}}'),
        (f'-be${{readfile{{{read}}}}}',), ('-bt', read), (f'-oA{read}',),
        (f'-d-9.2>{target}',), (f'--config={read}',), ('--config', read),
        (f'--set=log={target}',),
        ('--set', f'password-command=touch {target}'),
        (f'--log={target}',), ('--dry-run',), ('--json',), ('--check',),
        (f'-oMr$(touch {target})',), (f'-ps;touch {target}',),
        (f'-L{target}',), (f'-M{read}',), (f'-a{read}',), (f'-qI{target}',),
        (f'-F`touch {target}`',), (f'-V$(touch,{target})',),
        ('-bd',), ('-bi', f'-oA{read}'), ('-bP',), ('-bh',), (f'-Q{read}',)]


def test_payloads(t, home, box):
    target, read, rows = payloads(home)
    folder = home.path / 'web'
    folder.mkdir()
    settings = {'SENDLING_SMARTHOST':
                f'smtp+plain://127.0.0.1:{box.ports["smtp"]}',
                'SENDLING_LOG': 'off', 'SENDLING_FROM': 'alice@example.com'}
    tracing = can_trace()
    for name, row in itertools.product(('sendmail', 'mailq', 'newaliases'),
                                       rows):
        if name != 'sendmail' and not row[0].startswith(('-C', '-X', '--')):
            continue
        argv = [*row, BOB]
        before = sorted(home.path.rglob('*'))
        lines = []
        if tracing:
            run, lines = trace(home, 'openat,open,creat,execve', *argv,
                               name=name, environment=settings, cwd=folder)
            (home.path / 'trace').unlink()
        else:
            run = home.run(*argv, name=name, environment=settings, cwd=folder)
        box.settle()
        opened = [line for line in lines
                  if str(read) in line and 'execve' not in line
                  or str(target) in line and 'execve' not in line]
        runs = [line for line in lines if 'execve' in line]
        t.ok(run.status in (0, 64, 65, 78) and not opened and
             len(runs) <= 1 and not shows(run.out + run.err) and
             sorted(home.path.rglob('*')) == before and
             (run.status == 0) == (len(box.took) == 1) or
             row[0] in ('-bi', f'-qI{target}') and not opened or
             name != 'sendmail' and not opened,
             f'{name} {" ".join(map(str, row))}: no file, no command',
             run.words(), *opened, *runs)
        box.clear()
    if not tracing:
        t.skip('what payloads open', 'no strace')


def test_dashes(t, home, box):
    """An address that begins with a dash is one."""
    config = home.config(box.config())
    text = (b'From: alice@example.com\r\nTo: -C/etc/shadow@example.org\r\n'
            b'Cc: <-X@example.org>\r\n\r\nx\r\n')
    run = home.run('-t', '--', '-oQ/tmp@example.org', config=config,
                   stdin=text)
    box.settle()
    t.ok(run.status == 0 and [sorted(e['to']) for _, e in box.took] ==
         [['-C/etc/shadow@example.org', '-X@example.org',
           '-oQ/tmp@example.org']], 'options behind -- and in fields are '
         'addresses', run.words(), box.took)


def test_no_shell(t, home, box):
    mark = home.path / 'mark'
    config = home.config(box.config())
    for text in (f'|touch {mark}', f'"|touch {mark}"', str(mark),
                 ':include:/etc/passwd', f'`touch {mark}`@example.org',
                 f'$(touch {mark})', f'"|touch {mark}"@',
                 f';touch {mark}', '/etc/passwd', '\\bob', '~/x'):
        for argv, stdin in (
                (('--', text), MESSAGE),
                (('-t',), b'To: ' + text.encode() + b'\r\n\r\nx\r\n')):
            if can_trace():
                run, lines = trace(home, 'execve,execveat', *argv,
                                   config=config, stdin=stdin)
            else:
                run, lines = home.run(*argv, config=config, stdin=stdin), []
            box.settle()
            t.ok(run.status in (64, 65, 67) and box.count == 0 and
                 not mark.exists() and len(lines) <= 1,
                 f'{argv[0]} {text}: refused, nothing runs', run.words(),
                 *lines)
            box.clear()


# Smuggling

def model(text):
    """What the rules for reading make of octets without NUL."""
    text = re.sub(rb'\r(?!\n)', b' ', text)
    text = re.sub(rb'\r?\n', b'\r\n', text)
    return text if text.endswith(b'\r\n') else text + b'\r\n'


def texts(alphabet, longest):
    for length in range(1, longest + 1):
        for letters in itertools.product(alphabet, repeat=length):
            yield b''.join(letters)


def smuggle(t, home, box, sentence, body, config):
    run = home.run(BOB, config=config, stdin=HEADER + b'\r\n' + body)
    box.settle()
    mails = [mail for mail, _ in box.took]
    good = run.status == 0 and mails == [HEADER + b'\r\n' + model(body)] and \
        not box.faults and box.count == 1
    dots = box.heard.count(b'\r\n.\r\n')
    box.clear()
    return t.ok(good and dots == 1, sentence, run.words(), *box.faults,
                f'{dots} ends of mail data, {len(mails)} mails', body[:99],
                *(mail[-99:] for mail in mails))


def test_smuggling(t, home):
    """All short texts of what an end of mail data is made of, on lines of
    their own, inside lines, and running into each other."""
    box = Server(without=['CHUNKING'])
    config = home.config(box.config())
    pieces = list(texts((b'.', b'\r', b'\n', b'a'), 6))
    for sentence, body in (
            ('on their own lines', b''.join(b'\n%s\n-' % p for p in pieces)),
            ('inside lines', b''.join(b'x%sx' % p for p in pieces)),
            ('after CRLF', b''.join(b'\r\n%s' % p for p in pieces)),
            ('after a dot', b''.join(b'\r\n.%s' % p for p in pieces)),
            ('one after the other', b''.join(pieces)),
            ('backwards', b''.join(reversed(pieces)))):
        smuggle(t, home, box, f'{len(pieces)} texts, {sentence}', body, config)
    # 7 octets meet every buffer's edge at every one of their places.
    for piece in (b'\r\n.\r\nab', b'\n.\nabcd', b'\r.\r.\n.\r',
                  b'\r\n..\r\na', b'a\r\r\n.\r\r'):
        smuggle(t, home, box, f'{piece!r} over every edge', piece * 50000,
                config)


def test_smuggling_ends(t, home):
    """The same at the ends of the body, each in a message of its own."""
    box = Server(without=['CHUNKING'])
    config = home.config(box.config())
    wrong = []
    for piece in texts((b'.', b'\r', b'\n', b'a'), 3):
        for body in (piece, b'x' + piece, b'\r\n' + piece):
            run = home.run(BOB, config=config,
                           stdin=HEADER + b'\r\n' + body)
            box.settle()
            mails = [mail for mail, _ in box.took]
            if run.status != 0 or box.faults or \
               mails != [HEADER + b'\r\n' + model(body)] or \
               box.heard.count(b'\r\n.\r\n') != 1:
                wrong.append((body, mails, run.words(), box.faults))
            box.clear()
    t.ok(not wrong, 'texts of up to 3 at both ends of the body', *wrong[:5])


def test_smuggling_nul(t, home):
    """With NUL among them: one mail, no bare CR or LF, no NUL on the wire."""
    box = Server(without=['CHUNKING'])
    config = home.config(box.config())
    pieces = [p for p in texts((b'.', b'\r', b'\n', b'a', b'\0'), 6)
              if b'\0' in p]
    for sentence, body in (
            ('on their own lines', b''.join(b'\n%s\n-' % p for p in pieces)),
            ('inside lines', b''.join(b'x%sx' % p for p in pieces)),
            ('one after the other', b''.join(pieces))):
        for more in (b'', b'MIME-Version: 1.0\r\nContent-Transfer-Encoding: '
                     b'7bit\r\nContent-Type: text/plain\r\n'):
            run = home.run(BOB, config=config,
                           stdin=HEADER + more + b'\r\n' + body)
            box.settle()
            dots = box.heard.count(b'\r\n.\r\n')
            mails = [mail for mail, _ in box.took]
            kept = dots == 1 and len(mails) == 1 and \
                mails[0].count(b'-') >= body.count(b'-')
            t.ok(not box.faults and b'\0' not in box.heard and
                 (run.status == 0 and kept or
                  run.status == 65 and box.count == 0),
                 f'{len(pieces)} texts with NUL, {sentence}, '
                 f'{"with" if more else "without"} an encoding', run.words(),
                 f'{dots} ends, {len(mails)} mails', *box.faults[:3])
            box.clear()


def test_smuggling_by_serve(t, home, box):
    """Nothing but CRLF.CRLF ends a mail that a client of -bs sends, and a
    mail that it does not end is none."""
    config = home.config(box.config())
    start = (b'EHLO client\r\nMAIL FROM:<alice@example.com>\r\n'
             b'RCPT TO:<bob@example.org>\r\nDATA\r\n' + HEADER + b'\r\nx')
    evil = (b'MAIL FROM:<x@example.com>\r\nRCPT TO:<eve@example.net>\r\n'
            b'DATA\r\n\r\nevil\r\n.\r\nQUIT\r\n')
    for end in (b'\n.\n', b'\n.\r\n', b'\r\n.\n', b'\r.\r', b'\r\n.\r',
                b'\r\n\0.\r\n', b'\r\n.\0\r\n', b'\r.\r\n', b'\n.\r',
                b'\r\n.\r\r\n', b'\r\n..\r\n', b'\r\n. \r\n'):
        run = home.run('-bs', config=config, stdin=start + end + evil)
        box.settle()
        t.ok(run.status == 0 and not box.faults and
             [e['to'] for _, e in box.took] == [[BOB]] and
             b'evil' in box.took[0][0], f'-bs, {end!r} does not end a mail',
             run.words(), box.took, *box.faults)
        box.clear()
    for cut in (b'', b'\r', b'\r\n', b'\r\n.', b'\r\n.\r'):
        run = home.run('-bs', config=config, stdin=start + cut)
        box.settle()
        t.ok(run.status is not None and not box.took,
             f'-bs, the client is gone after {cut!r}: no mail', run.words(),
             box.took)
        box.clear()


def test_smuggling_in_fields(t, home):
    """In the header section: no recipient, no command, no end comes of it."""
    for without in (['CHUNKING'], []):
        box = Server(without=without)
        config = home.config(box.config())
        wrong = []
        for piece in texts((b'.', b'\r', b'\n', b'a'), 3):
            evil = b'MAIL FROM:<x@y>\r\nRCPT TO:<eve@example.net>\r\nDATA\r\n'
            text = (HEADER + b'X-A: ' + piece + evil + b'Subject: ' + piece +
                    b'\r\n\r\nbody\r\n')
            run = home.run('-t', config=config, stdin=text)
            box.settle()
            to = [envelope['to'] for _, envelope in box.took]
            if run.status != 0 or box.faults or to != [[BOB]] or \
               (without and box.heard.count(b'\r\n.\r\n') != 1) or \
               box.count != 1:
                wrong.append((piece, run.words(), to, box.faults))
            box.clear()
        t.ok(not wrong, 'texts of up to 3 in fields'
             f'{", CHUNKING" if not without else ""}', *wrong[:5])


# Bcc

def bccs():
    eve = EVE.encode()
    yield 'Bcc', b'Bcc: ' + eve + b'\n'
    yield 'BCC with blanks', b'BCC : ' + eve + b'\n'
    yield 'bcc with a tab', b'bcc\t:' + eve + b'\n'
    yield 'folded', b'Bcc:\n ' + eve + b',\n\tx@example.net\n ,y@example.net\n'
    yield 'twice', b'Bcc: ' + eve + b'\nBcc: x@example.net\n'
    yield 'CRLF', b'Bcc: ' + eve + b',\r\n x@example.net\r\n'
    yield '1 MB', b'Bcc: ' + eve + b'\n' + b'Bcc: ' + b',\n '.join(
        b'%06d@example.net' % n for n in range(2000)) + b' ' * 900000 + b'\n'


def test_bcc(t, home, box):
    config = home.config(box.config())
    head = b'From: alice@example.com\n', b'To: bob@example.org\n'
    inner = (b'MIME-Version: 1.0\nContent-Type: message/rfc822\n\n'
             b'From: a@b.example\nBcc: inner@example.net\n\nBcc: text\n')
    for name, bcc in bccs():
        for place, text in (('first', bcc + b''.join(head) + inner),
                            ('between', head[0] + bcc + head[1] + inner),
                            ('last', b''.join(head) + bcc + inner)):
            for argv in (('-t',), (BOB,)):
                run = home.run(*argv, config=config, stdin=text)
                box.settle()
                mail, envelope = (box.took or [(b'', {'to': []})])[0]
                names = header_names(mail)
                told = EVE in envelope['to']
                t.ok(run.status == 0 and len(box.took) == 1 and
                     not box.faults and
                     not any('bcc' in n for n in names) and
                     mail.count(EVE.encode()) == 0 and
                     mail.endswith(model(inner.partition(b'\n\n')[2])) and
                     told == (argv == ('-t',)),
                     f'{name}, {place}, {argv[0]}: nobody sees it',
                     run.words(), names, envelope['to'][:5], mail[:500])
                box.clear()
    text = (b'Resent-From: alice@example.com\nResent-To: bob@example.org\n'
            b'Resent-Bcc: ' + EVE.encode() + b'\nFrom: x@example.com\n'
            b'To: y@example.com\nBcc: z@example.com\n\nx\n')
    run = home.run('-t', config=config, stdin=text)
    box.settle()
    t.ok(run.status == 0 and
         [sorted(e['to']) for _, e in box.took] == [[BOB, EVE]] and
         b'cc:' not in box.took[0][0].lower(), 'Resent-Bcc', run.words(),
         box.took)


def test_bcc_between_mails(t, home, box):
    """With -bs nothing of one mail is in the next."""
    config = home.config(box.config())
    script = b'HELO [127.0.0.1]\r\n'
    for n in range(5):
        script += (b'MAIL FROM:<a%d@example.com>\r\nRCPT TO:<b%d@example.org>'
                   b'\r\nRCPT TO:<c%d@example.org>\r\nDATA\r\n'
                   b'From: a%d@example.com\r\nTo: b%d@example.org\r\n'
                   b'Bcc: c%d@example.org\r\nSubject: s%d\r\n\r\ntext%d\r\n'
                   b'.\r\n' % ((n,) * 8))
        script += (b'MAIL FROM:<x@example.com>\r\nRCPT TO:<x@example.org>\r\n'
                   b'RSET\r\n')
    run = home.run('-bs', config=config, stdin=script + b'QUIT\r\n')
    box.settle()
    good = [(e['from'], e['to']) for _, e in box.took] == [
        (f'a{n}@example.com', [f'b{n}@example.org', f'c{n}@example.org'])
        for n in range(5)]
    texts = [set(re.findall(rb'text(\d)|\b[abc](\d)@|: s(\d)\r', mail))
             for mail, _ in box.took]
    clean = all({b''.join(t) for t in found} == {b'%d' % n}
                for n, found in enumerate(texts))
    t.ok(run.status == 0 and good and clean and not box.faults,
         'five mails of one dialogue', run.words(),
         [(e['from'], e['to']) for _, e in box.took])


# Log and terminal

def odd_words():
    yield 'ESC', b'\x1b]0;owned\x07\x1b[2J'
    yield 'CR', b'one\rtwo'
    yield '8-bit', b'\xff\xfe\x9b31m'
    yield 'C1', '\u009b31m\u0085'.encode()
    yield 'bidi', '\u202eesrever\u2066'.encode()
    yield 'formats', b'%n%s%n%s%1000000d'
    yield 'quotes', b'" status=0 reply="\\'
    yield 'long', b'x' * 3500


def test_terminal_is_safe(t, home):
    """Words of the server, in all that is told."""
    for name, words in odd_words():
        def play(server, sock, words=words):
            sock.sendall(b'220 ' + words + b'\r\n')
            server.hear(sock, b'\r\n')
            sock.sendall(b'250-' + words + b'\r\n250 ' + words + b'\r\n')
            server.hear(sock, b'\r\n')
            sock.sendall(b'550-5.1.8 ' + words + b'\r\n550 5.1.8 ' + words +
                         b'\r\n')
            server.hear(sock, b'QUIT')
        server = Server(play=play)
        log, transcript = home.path / 'termlog', home.path / 'termx'
        for path in (log, transcript):
            path.unlink(missing_ok=True)
        config = home.config(server.config(f'log {log}'))
        run = home.run('-v', '--json', '-X', transcript, BOB, config=config)
        server.close()
        said = {'stderr': run.err, 'stdout': run.out,
                'log': log.read_bytes(), 'transcript':
                transcript.read_bytes()}
        for place, text in said.items():
            shown = text.decode('utf-8', 'surrogateescape')
            bad = [c for c in shown if c != '\n' and
                   (not c.isprintable() or '\udc80' <= c <= '\udcff')]
            t.ok(text != b'' and not bad and len(text) < 64000 and
                 (place not in ('log', 'stdout') or text.count(b'\n') == 1),
                 f'{name}: {place} is safe', bad[:20], text[:2000])
        t.ok(run.status in (69, 76), f'{name}: told as a failure',
             run.words())
        json.loads(run.out)


def test_tag(t, home, box):
    """-L, which a stranger may choose, forges no line of a log."""
    log = home.path / 'taglog'
    for tag in ('x\nEVIL', 'x\x1b[31m', 'x\rEVIL', '\x9b31m', '%n%s',
                'x' * 100000):
        log.unlink(missing_ok=True)
        run = home.run('-L', tag, BOB,
                       config=home.config(box.config(f'log {log}')))
        box.settle()
        said = log.read_bytes().decode('utf-8', 'surrogateescape')
        t.ok(run.status == 0 and said.count('\n') == 1 and
             said[:-1].isprintable() and len(said) < 4096 and
             len(box.took) == 1, f'-L {tag[:9]!r}: one harmless line',
             run.words(), said[:400])
        box.clear()
    for tag in ('x\nEVIL', 'x\x1b[31m'):
        run = home.run('-L', tag, BOB, config=home.config(
            box.config('log stderr')))
        t.ok(run.status == 0 and run.err.count(b'\n') == 1 and
             not CONTROL.search(run.err), f'-L {tag!r}, log stderr',
             run.words())
    # A web form may reach the arguments of these names.
    environment = {
        'SENDLING_SMARTHOST': f'smtp+plain://127.0.0.1:{box.ports["smtp"]}',
        'SENDLING_FROM': 'alice@example.com', 'SENDLING_LOG': str(log)}
    for name in ('sendmail', 'send-mail'):
        for tag, shown in (('sshd', 'tag=sshd'),
                           ('x\nEVIL', r'tag="x\\x0aEVIL"'),
                           ('sshd[7]: Failed "x"',
                            r'tag="sshd[7]: Failed \"x\""'), ('', None)):
            log.unlink(missing_ok=True)
            run = home.run('-L', tag, BOB, name=name, environment=environment)
            box.settle()
            said = log.read_text()
            t.ok(run.status == 0 and said.count('\n') == 1 and
                 re.fullmatch(rf'.{{31}} {name}\[\d+\]: from=.*\n', said) and
                 (f' {shown} serverid=' in said if shown else ' tag=' not in said),
                 f'{name} -L {tag!r}: our tag stays', run.words(), said)
            box.clear()


def test_syslog_is_safe(t, home):
    """One datagram a mail, printable, of bounded length."""
    if not can_mount():
        return t.skip('datagrams to the system\'s log', 'no private mounts')
    folder = home.path / 'dev'
    folder.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(folder / 'log'))
        log.settimeout(0)
        for name, words in odd_words():
            def play(server, sock, words=words):
                sock.sendall(b'554 5.0.0 ' + words + b'\r\n')
            server = Server(play=play)
            text = (b'From: alice@example.com\r\nMessage-ID: <' +
                    words.replace(b'\r', b'') + b'@x>\r\nSubject: ' + words +
                    b'\r\n\r\nx\r\n')
            run = home.run(BOB, '-L', 'tag', stdin=text,
                           config=home.config(server.config('log syslog')),
                           preexec_fn=in_order(
                               private_mounts,
                               lambda: mount(folder, '/dev', flags=MS_BIND)))
            server.close()
            said = []
            with contextlib.suppress(OSError):
                while True:
                    said.append(log.recv(1 << 20))
            mails = [line for line in said
                     if b'status=%d' % (run.status or 0) in line]
            shown = b''.join(said).decode('utf-8', 'surrogateescape')
            t.ok(run.status in (69, 76) and len(mails) == 1 and
                 shown.isprintable() and
                 not re.search('[\udc80-\udcff]', shown) and
                 all(len(line) < 8192 for line in said),
                 f'{name}: the system\'s log is safe', run.words(), *said)


# Privilege, files, environment

def test_set_id(t, home):
    if os.geteuid() != 0:
        return t.skip('set-id bits', 'not root')
    if os.statvfs(home.path).f_flag & os.ST_NOSUID or SANITIZED:
        return t.skip('set-id bits', 'they have no effect here')
    box = Server()
    config = home.config(box.config(), mode=0o644, owner=NOBODY)
    ours = home.path / 'sendling-setid'
    shutil.copy(home.program, ours)
    written = home.path / 'written'
    smarthost = f'smtp+plain://127.0.0.1:{box.ports["smtp"]}'
    # An empty one has nothing in front of what the kernel tells.
    environments = ({'SENDLING_SMARTHOST': smarthost, 'HOME': str(home.path)},
                    {})
    for mode, owner, group in ((0o2755, 0, 12345), (0o4755, 0, 0),
                               (0o6755, 12345, 12345)):
        os.chown(ours, owner, group)
        ours.chmod(mode)
        for argv, environment in itertools.product((
                (BOB,), ('-bs',), ('-bv', BOB), ('--check',),
                ('-X', written, BOB),
                ('--set', f'smarthost={smarthost}', '--set',
                 'from=alice@example.com', '--set', f'log={written}', BOB)),
                environments):
            run = home.run(*argv, name=ours.name, stdin=SERVE,
                           environment=environment,
                           preexec_fn=lambda: become(NOBODY))
            box.settle()
            t.ok(run.status not in (0, None) and box.count == 0 and
                 not written.exists() and
                 b'set-id' in run.err + run.out and
                 run.status == (64 if argv[0] in ('--check', '--set') else 78),
                 f'mode {mode:o}, {argv[0]}, {len(environment)} variables: '
                 'refuses', run.words())
            box.clear()
            written.unlink(missing_ok=True)
    # A capability in the file is one of them (version 2, the effective bit).
    os.chown(ours, 0, 0)
    ours.chmod(0o755)
    os.setxattr(ours, 'security.capability', struct.pack(
        '<5I', 0x02000001, 1 << CAP_NET_BIND_SERVICE, 0, 0, 0))
    run = home.run(BOB, name=ours.name, preexec_fn=lambda: become(NOBODY))
    box.settle()
    t.ok(run.status == 78 and b'capabilities' in run.err and not box.took,
         'a capability: refuses', run.words())
    os.removexattr(ours, 'security.capability')
    run = home.run(BOB, name=ours.name, preexec_fn=lambda: become(NOBODY),
                   environment={'SENDLING_SMARTHOST': 'smtp+plain://127.0.0.1:'
                                f'{box.ports["smtp"]}', 'SENDLING_LOG': 'off',
                                'SENDLING_FROM': 'alice@example.com'})
    box.settle()
    t.ok(run.status == 0 and len(box.took) == 1, 'mode 755: sends',
         run.words())


def test_home_of_another(t, home):
    """Root does not obey a file that another user owns."""
    if os.geteuid() != 0:
        return t.skip('the home of another', 'not root')
    box = Server()
    mark = home.path / 'mark'
    other = home.path / 'other'
    folder = other / '.config/sendling'
    folder.mkdir(parents=True)
    text = box.config('user a', 'auth-in-clear yes',
                      f'password-command touch {mark}; echo x', 'log off')
    for owner, status in ((NOBODY, 78), (0, 69)):
        path = folder / 'config'
        path.write_text(text)
        path.chmod(0o600)
        for p in (other, folder.parent, folder, path):
            os.chown(p, owner, owner)
        for environment in ({'HOME': str(other)},
                            {'XDG_CONFIG_HOME': str(other / '.config')}):
            run = home.run(BOB, environment=environment)
            box.settle()
            t.ok(run.status == status and mark.exists() == (owner == 0) and
                 not box.took and (owner == 0 or box.count == 0),
                 f'{list(environment)[0]} of uid {owner}: status {status}',
                 run.words())
            mark.unlink(missing_ok=True)
            box.clear()
    link = home.path / 'link'
    os.link(path, link)
    os.chown(link, NOBODY, NOBODY)
    run = home.run(BOB, config=link)
    t.ok(run.status == 78 and not mark.exists(),
         'a hard link to the file of another', run.words())


def test_commands_of_root(t, home):
    """Under sendmail's names root runs no command that the environment names,
    nor one from a folder that it names."""
    if os.geteuid() != 0:
        return t.skip('commands of root', 'not root')
    box = Server()
    folder = home.path / 'marks'
    folder.mkdir()
    folder.chmod(0o777)
    mark = folder / 'mark'
    home.file('bin', f'#!/bin/sh\n: >{mark}\necho x\n', mode=0o755)
    (home.path / 'id').symlink_to('bin')
    environment = {
        'SENDLING_SMARTHOST': f'smtp+plain://127.0.0.1:{box.ports["smtp"]}',
        'SENDLING_FROM': 'alice@example.com', 'SENDLING_LOG': 'off',
        'SENDLING_USER': 'a', 'SENDLING_AUTH_IN_CLEAR': 'yes'}
    command = {**environment, 'SENDLING_PASSWORD_COMMAND':
               f'touch {mark}; echo x'}
    path = {**environment, 'HOME': str(home.path), 'PATH': str(home.path)}
    config = home.path / '.config/sendling/config'
    config.parent.mkdir(parents=True)
    config.write_text('password-command id\n')
    config.chmod(0o644)
    nobody = {'preexec_fn': lambda: become(NOBODY)}
    for name in ('sendmail', 'mailer', 'sendling'):
        ours = name == 'sendling'
        for sentence, given, more, runs in (
                ('a command', command, {}, ours),
                ('a PATH', path, {}, ours),
                ('a command, not root', command, nobody, True),
                ('a PATH, not root', path, nobody, True)):
            run = home.run(BOB, name='sendmail' if not ours else name,
                           zeroth=name, environment=given, **more)
            box.settle()
            t.ok(mark.exists() == runs and run.status in (69, 78) and
                 (runs or given is path or run.status == 78 and
                  b'SENDLING_PASSWORD_COMMAND: ' in run.err and
                  name.encode() in run.err),
                 f'{name}, the environment has {sentence}: it is '
                 f'{"run" if runs else "not run"}', run.words())
            mark.unlink(missing_ok=True)
            box.clear()


def test_key_log(t, home, certificate):
    box = secure(certificate)
    planted = home.path / 'planted'
    nonsense = home.path / 'nonsense'
    nonsense.write_text('[overrides]\ndefault-priority-string = NONSENSE\n')
    config = home.config(box.config(f'password {CANARY}'))
    for names in ({'SSLKEYLOGFILE': str(planted)},
                  {'GNUTLS_KEYLOGFILE': str(planted)},
                  {'MALLOC_TRACE': str(planted)},
                  {'GNUTLS_DEBUG_LEVEL': '9'},
                  {'GNUTLS_NO_EXPLICIT_INIT': '1'},
                  {'GNUTLS_NO_IMPLICIT_INIT': '1'},
                  {'GNUTLS_FORCE_FIPS_MODE': '1'},
                  {'GNUTLS_CPUID_OVERRIDE': '0x1'},
                  {'GNUTLS_SYSTEM_PRIORITY_FILE': str(nonsense),
                   'GNUTLS_SYSTEM_PRIORITY_FAIL_ON_INVALID': '1'},
                  {'LANG': 'xx_XX.UTF-8', 'LC_ALL': 'tr_TR.UTF-8'},
                  {'RES_OPTIONS': 'debug', 'LOCALDOMAIN': 'evil.example'}):
        run = home.run(BOB, config=config, environment=names)
        box.settle()
        t.ok(run.status == 0 and run.silent() and len(box.took) == 1 and
             not planted.exists(), f'{"/".join(names)}: no file, no word',
             run.words())
        box.clear()


def test_kinds_of_configuration(t, home, box):
    folder = home.path / 'kinds'
    folder.mkdir()
    os.mkfifo(folder / 'fifo', 0o600)
    (folder / 'folder').mkdir()
    with open(folder / 'sparse', 'wb') as sparse:
        sparse.truncate(1 << 30)
    (folder / 'sparse').chmod(0o600)
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
        sock.bind(str(folder / 'socket'))
        (folder / 'loop').symlink_to('loop')
        good = box.config()
        rows = [('fifo', None), ('folder', None), ('sparse', None),
                ('socket', None), ('loop', None), ('/dev/zero', None),
                ('/dev/full', None), ('/dev/tty', None),
                ('writable', 0o622), ('group', 0o620), ('open', 0o666)]
        for name, mode in rows:
            path = folder / name
            if mode is not None:
                path = home.config(good, name, mode)
            run = home.run(BOB, config=path, preexec_fn=lambda:
                           SANITIZED or resource.setrlimit(
                               resource.RLIMIT_AS, (256 << 20,) * 2))
            refused(t, box, run, f'{name}: refused', (78,))
    for mode, status in ((0o600, 0), (0o644, 78), (0o640, 0), (0o604, 78)):
        run = home.run('-bv', BOB, config=home.config(
            good + f'user a\npassword {CANARY}\n', 'secretive', mode))
        t.ok(run.status == status and not shows(run.err + run.out),
             f'a configuration with a password, mode {mode:o}: {status}',
             run.words())


def test_swapped_configuration(t, home):
    """What is checked is what is read, even where the name changes hands."""
    box, trap = Server(), Server()
    good = home.config(box.config(), 'good')
    evil = home.config(trap.config(), 'evil', 0o666)
    link, spare = home.path / 'swapped', home.path / 'spare'
    link.symlink_to(good)
    over = threading.Event()

    def swap():
        for target in itertools.cycle((evil, good)):
            if over.is_set():
                return
            spare.symlink_to(target)
            spare.rename(link)
    thread = threading.Thread(target=swap)
    thread.start()
    statuses = [home.run(BOB, config=link).status for _ in range(150)]
    over.set()
    thread.join()
    box.settle()
    t.ok(trap.count == 0 and set(statuses) <= {0, 78} and
         len(box.took) == statuses.count(0),
         'a link that is swapped all the time', set(statuses), trap.count)
    t.ok({0, 78} == set(statuses), 'both were met',
         {s: statuses.count(s) for s in set(statuses)})


def test_no_files(t, home):
    """Nothing is opened for writing, but a file without a name for a large
    message; what was planted stays as it is."""
    if not can_trace():
        return t.skip('no files are written', 'no strace')
    box = Server()
    config = home.config(box.config())
    folder = home.path / 'cwd'
    folder.mkdir()
    planted = home.file('planted', 'as it was')
    for name in ('dead.letter', 'mbox', 'config', 'sendling.log'):
        (folder / name).symlink_to(planted)
    before = sorted(folder.iterdir())
    box.refusals = {'no@example.org': '550 no'}
    for sentence, argv, stdin, most in (
            ('a small message', (BOB,), MESSAGE, 0),
            ('a large message', (BOB,), LARGE, 1),
            ('refused', ('no@example.org',), MESSAGE, 0),
            ('-bs', ('-bs',), SERVE, 0), ('-bv', ('-bv', BOB), MESSAGE, 0),
            ('mailq', ('-bp',), b'', 0), ('-bi', ('-bi',), b'', 0)):
        run, lines = trace(
            home, 'openat,open,creat,mkdir,mkdirat,rename,renameat,renameat2,'
            'link,linkat,symlink,symlinkat,unlink,unlinkat,truncate,mknod,'
            'mknodat,memfd_create,chmod,fchmodat', *argv, config=config,
            stdin=stdin, cwd=folder, environment={'HOME': str(folder),
                                                  'TMPDIR': str(folder)})
        made = [line for line in lines
                if not re.search(r' open(at)?\(', line) or
                re.search('O_WRONLY|O_RDWR|O_CREAT|O_TRUNC', line)]
        named = [line for line in made if not re.search(
            f'"{folder}".*O_TMPFILE.*, 0600', line)]
        box.settle()
        t.ok(run.status in (0, 67) and lines and len(made) == most and
             not named, f'{sentence}: no file', run.words(), *made)
        box.clear()
    t.ok(sorted(folder.iterdir()) == before and
         planted.read_text() == 'as it was', 'nothing planted was touched')


# Mail is not lost, cut, doubled

def test_signals_amid_data(t, home):
    """A signal leaves all of the mail or none: nothing that is cut ever looks
    whole to the server."""
    text = HEADER + b'\r\n' + (b'x' * 78 + b'\r\n') * 100000
    rng = random.Random(1)
    for number, chunking in itertools.product(
            (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGALRM,
             signal.SIGKILL, signal.SIGQUIT), (False, True)):
        wrong, statuses = [], set()
        for point in [1, 65536] + [rng.randrange(3000000) for _ in range(3)]:
            status, whole = killed_at(home, text, number, point, chunking)
            statuses.add(status)
            if whole and status != 0 or not whole and status == 0:
                wrong.append((point, status, whole))
        t.ok(not wrong and statuses == {-number},
             f'{number.name} amid {"BDAT" if chunking else "DATA"}: no mail',
             *wrong, statuses)


def killed_at(home, text, number, point, chunking):
    """The status, and whether the server has seen an end of the mail data."""
    seen = {}

    def play(server, sock):
        sock.sendall(b'220 mail.test\r\n')
        server.hear(sock, b'EHLO')
        sock.sendall(b'250-mail.test\r\n250 CHUNKING\r\n' if chunking else
                     b'250 mail.test\r\n')
        server.hear(sock, b'\r\n')
        sock.sendall(b'250 ok\r\n')
        server.hear(sock, b'\r\n')
        sock.sendall(b'250 ok\r\n')
        if not chunking:
            server.hear(sock, b'\r\n')
            sock.sendall(b'354 go\r\n')
        data = bytearray()
        while chunk := sock.recv(65536):
            data += chunk
            if number and len(data) >= point:
                seen['process'].send_signal(number)
                seen['sent'] = True
                point_passed.set()
            if chunking and len(data) < point and \
               bdat_complete(data)[0]:
                sock.sendall(b'250 ok\r\n')
        seen['whole'] = (bdat_complete(data)[1] if chunking else
                         bytes(data).endswith(b'\r\n.\r\n'))
    point_passed = threading.Event()
    server = Server(play=play)
    server.listeners[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    seen['process'] = process = home.start(
        BOB, config=home.config(server.config()), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    process.communicate(text, timeout=HANG)
    server.close()
    return process.returncode, seen.get('whole')


def bdat_complete(data):
    """Whether chunks end here, and whether the last was the last."""
    at, last = 0, False
    while at < len(data):
        match = re.compile(rb'BDAT (\d+)( LAST)?\r\n').match(data, at)
        if not match or match.end() + int(match[1]) > len(data):
            return False, False
        at, last = match.end() + int(match[1]), bool(match[2])
    return True, last


STATES = [b'220 a\r\n', b'250 a\r\n', b'250 a\r\n', b'250 a\r\n',
          b'354 a\r\n', b'250 a\r\n']


def test_every_state(t, home):
    """Status 0 in exactly one case: a 250 to the end of the mail data."""
    zeros = []
    lines = {1: b'', 2: b'%d-one\r\n', 3: b'%d-one\r\n%d-two\r\n'}
    acts = ['close', 'reset', 421, 451, 500, 550, 554, 199, 350]
    for at, act, count in itertools.product(range(len(STATES)), acts,
                                            (1, 2, 3)):
        if isinstance(act, str) and count > 1:
            continue

        def play(server, sock):
            for word in STATES[:at]:
                sock.sendall(word)
                end = b'\r\n.\r\n' if word == STATES[4] else b'\r\n'
                if not server.hear(sock, end):
                    return
            if act == 'reset':
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack('ii', 1, 0))
            elif act != 'close':
                more = lines[count].replace(b'%d', b'%d' % act)
                # A refused EHLO is followed by a HELO.
                for _ in range(2):
                    sock.sendall(more + b'%d end\r\n' % act)
                    if b'HELO' not in server.hear(sock, b'\r\n'):
                        break
        server = Server(play=play)
        run = home.run(BOB, config=home.config(server.config()))
        server.close()
        if run.status is None or not 64 <= run.status <= 78 or \
           run.err == b'':
            zeros.append((at, act, count, run.words()))
    t.ok(not zeros, 'at every state: no status 0, and words', *zeros)
    ends = []
    for last in (b'', b'221 bye\r\n', b'500 what\r\n', b'421 gone\r\n',
                 b'\xff\xfe\r\n', 'reset', 'silence'):
        def play(server, sock):
            for word in STATES[:-1]:
                sock.sendall(word)
                server.hear(sock, b'\r\n.\r\n' if word == STATES[4]
                            else b'\r\n')
            sock.sendall(STATES[-1])
            if last == 'reset':
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack('ii', 1, 0))
                return
            server.hear(sock, b'QUIT\r\n')
            if last == 'silence':
                server.hear(sock, b'no client says this')
            else:
                sock.sendall(last)
        server = Server(play=play)
        run = home.run(BOB, config=home.config(server.config()))
        server.close()
        if run.status != 0 or not run.silent():
            ends.append((last, run.words()))
    t.ok(not ends, 'after 250 nothing changes status 0', *ends)


PRELOAD = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned long calls;

/* Which fault this call has: 0 for none. Files are left alone but for what
 * the message is kept in, or each would take minutes. */
static int
fault(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == -1 ||
	    !(S_ISSOCK(st.st_mode) || S_ISFIFO(st.st_mode)))
		return -1;
	calls++;
	if (calls % 3 == 0)
		return EINTR;
	if (calls % 7 == 0 && S_ISSOCK(st.st_mode))
		return EAGAIN;
	return 0;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define PART(fd, len)                                                       \
	int what = fault(fd);                                               \
	if (what > 0) {                                                     \
		errno = what;                                               \
		return -1;                                                  \
	}                                                                   \
	if (what == 0 && (len) > 1)                                         \
		(len) = 1;

ssize_t
read(int fd, void *to, size_t len)
{
	static long left = -2;
	struct stat st;

	if (left == -2)
		left = getenv("EIO_AFTER") ? atol(getenv("EIO_AFTER")) : -1;
	if (fd == 0 && left >= 0) {
		if (left == 0) {
			errno = EIO;
			return -1;
		}
		if (len > (size_t)left)
			len = (size_t)left;
		left -= (long)len;
		return REAL(read)(fd, to, len);
	}
	if (getenv("EIO_AFTER") != NULL || fstat(fd, &st) == -1)
		return REAL(read)(fd, to, len);
	PART(fd, len)
	return REAL(read)(fd, to, len);
}

ssize_t
write(int fd, const void *from, size_t len)
{
	PART(fd, len)
	return REAL(write)(fd, from, len);
}

ssize_t
recv(int fd, void *to, size_t len, int flags)
{
	PART(fd, len)
	return REAL(recv)(fd, to, len, flags);
}

ssize_t
send(int fd, const void *from, size_t len, int flags)
{
	PART(fd, len)
	return REAL(send)(fd, from, len, flags);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	size_t len = m->msg_iovlen > 0 ? m->msg_iov[0].iov_len : 0;

	PART(fd, len)
	if (m->msg_iovlen == 0)
		return 0;
	return REAL(send)(fd, m->msg_iov[0].iov_base, len, flags);
}

ssize_t
writev(int fd, const struct iovec *v, int count)
{
	size_t len = count > 0 ? v[0].iov_len : 0;

	PART(fd, len)
	return count == 0 ? 0 : REAL(write)(fd, v[0].iov_base, len);
}
'''


def preload(folder, text=PRELOAD):
    """The shared object, or None where there can be none."""
    compiler = shutil.which('cc') or shutil.which('gcc')
    if SANITIZED or compiler is None:
        return None
    source = folder / 'preload.c'
    source.write_text(text)
    made = subprocess.run([compiler, '-shared', '-fPIC', '-O1', '-o',
                           folder / 'preload.so', source, '-ldl'],
                          capture_output=True)
    return folder / 'preload.so' if made.returncode == 0 else None


def test_partial(t, home, certificate):
    """Each read and write moves one octet or is interrupted."""
    slow = preload(home.path)
    if slow is None:
        return t.skip('partial reads and writes', 'no preloading here')
    box = secure(certificate)
    dots = HEADER + b'\r\n' + b'.\r\n..\r\nline\r\n' * 200
    for scheme, argv in itertools.product(('smtp+plain', 'smtp', 'smtps'),
                                          ((BOB,), ('-v', BOB))):
        for without in ((), {'CHUNKING'}):
            box.without = set(without)
            if scheme == 'smtp+plain':
                box.users, box.context = {}, None
            else:
                box.users = {'alice': CANARY}
                box.context = tls_context(certificate)
            config = home.config(box.config(
                *[f'password-command echo {CANARY}'] * bool(box.users),
                scheme=scheme))
            run = home.run(*argv, config=config, stdin=dots,
                           environment={'LD_PRELOAD': str(slow)})
            box.settle()
            mails = [mail for mail, _ in box.took]
            t.ok(run.status == 0 and mails == [dots] and not box.faults,
                 f'{scheme}, {argv[0]}, '
                 f'{"DATA" if without else "BDAT"}: octet by octet',
                 run.words(), *box.faults, len(mails))
            box.clear()


SMALL_BUFFER = r'''
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/socket.h>

int
connect(int fd, const struct sockaddr *to, socklen_t len)
{
	const int size = 2048;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	return ((__typeof__(&connect))dlsym(RTLD_NEXT, "connect"))(fd, to, len);
}
'''


class Stopping:
    """A server that takes a mail but for the last octets, of which it leaves
    so many with the client and the kernel, until it is told to go on: then it
    takes what comes, and answers nothing."""

    def __init__(self, certificate, chunking, left):
        self.chunking, self.left = chunking, left
        self.context = certificate and tls_context(certificate)
        self.stopped, self.go_on = threading.Event(), threading.Event()
        self.caught_up = threading.Event()
        self.heard, self.begin, self.whole = bytearray(), 0, None
        self.server = Server(certificate, play=self.play)
        for listener in self.server.listeners:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)

    def receive(self, size):
        """Takes so many raw octets at most; False at the end."""
        raw = self.sock.recv(size)
        if not self.context:
            self.heard += raw
            return bool(raw)
        self.into.write(raw)
        with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while octets := self.tls.read(65536):
                self.heard += octets
        return bool(raw)

    def say(self, text):
        if not self.context:
            return self.sock.sendall(text)
        self.tls.write(text)
        self.sock.sendall(self.out.read())

    def shake_hands(self):
        self.into, self.out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = self.context.wrap_bio(self.into, self.out, server_side=True)
        while True:
            with contextlib.suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
                return self.sock.sendall(self.out.read())
            self.sock.sendall(self.out.read())
            self.into.write(self.sock.recv(65536))

    def hear(self, pattern):
        while not (match := re.search(pattern, self.heard[self.begin:])):
            if not self.receive(512):
                raise OSError('gone')
        return match

    def play(self, _, sock):
        self.sock = sock
        if self.context:
            self.shake_hands()
        self.say(b'220 mx\r\n')
        self.hear(rb'EHLO.*\r\n')
        self.begin = len(self.heard)
        self.say(b'250-mx\r\n250-PIPELINING\r\n250 CHUNKING\r\n'
                 if self.chunking else b'250-mx\r\n250 PIPELINING\r\n')
        if self.chunking:
            match = self.hear(rb'BDAT (\d+) LAST\r\n')
            end = self.begin + match.end() + int(match[1])
        else:
            self.hear(rb'DATA\r\n')
            self.begin = len(self.heard)
            self.say(b'250 ok\r\n250 ok\r\n354 go on\r\n')
            end = self.begin + len(BODY) + len(b'.\r\n')
        # The last record is the rest of those before it, of 16 KiB each.
        last = (end - self.begin) % 16384
        while self.left <= last and len(self.heard) < end - last:
            if not self.receive(min(512, end - last - len(self.heard))):
                raise OSError('gone')
        taken = 0
        # Some of them may have come with those before.
        while taken < last - self.left and len(self.heard) < end:
            taken += 512
            if not self.receive(512):
                raise OSError('gone')
        self.stopped.set()
        self.go_on.wait(HANG)
        sock.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            while self.receive(65536):
                pass
        self.caught_up.set()
        sock.settimeout(HANG)
        with contextlib.suppress(OSError):
            while self.receive(65536):
                pass
        self.whole = len(self.heard) >= end


BODY = HEADER + b'\r\n' + (b'x' * 62 + b'\r\n') * (47 * 16)


def stopped(home, slow, certificate, chunking, left, limit):
    """A run that is stopped when its server stops, until its deadline is over
    and the way is free again: what it said, and whether the server had it.
    None where the machine was too slow for that."""
    play = Stopping(certificate, chunking, left)
    with play.server as server:
        before = time.monotonic()
        process = home.start(
            '--set', f'deadline={limit}s', BOB, stdin=subprocess.PIPE,
            stderr=subprocess.PIPE, environment={'LD_PRELOAD': str(slow)},
            config=home.config(server.config(), f'stop{server.ports}'))
        process.stdin.write(BODY)
        process.stdin.close()
        in_time = play.stopped.wait(limit)
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid,
                  os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        # Its time has begun by now, and not before it was started.
        in_time = in_time and time.monotonic() - before < limit
        if in_time:
            time.sleep(limit)
            play.go_on.set()
            play.caught_up.wait(HANG)
        os.kill(process.pid, signal.SIGCONT)
        err = process.stderr.read().decode()
        status = process.wait(HANG)
        play.go_on.set()
        server.settle()
    return (status, err, play.whole) if in_time else None


def test_stopped_at_the_end(t, home, certificate):
    """The time is over while TLS or the kernel holds the end of the mail: what
    was not sent is not sent by the close, and what may have been is not
    denied."""
    slow = preload(home.path, SMALL_BUFFER)
    if slow is None:
        return t.skip('stopped at the end', 'no preloading here')
    plans = list(itertools.product((certificate, None), (True, False),
                                   (*range(0, 14336, 2048), len(BODY))))
    with ThreadPoolExecutor(16) as pool:
        ends = list(pool.map(lambda plan: next(filter(None, (
            stopped(home, slow, *plan, limit) for limit in harness.LIMITS))),
            plans))
    for plan, (status, err, whole) in zip(plans, ends):
        name = '%s, %s, %d octets left' % (
            'TLS' if plan[0] else 'plain', 'BDAT' if plan[1] else 'DATA',
            plan[2])
        doubtful = 'may have been' in err
        t.ok(status == 75 and (doubtful or whole is False), name,
             f'status {status}, whole: {whole}', err)
    for number, way in enumerate(('TLS', 'plain')):
        some = ends[number * len(ends) // 2:][:len(ends) // 2]
        t.ok(any('may have been sent' in err for _, err, _ in some) and
             any('mail not sent' in err for _, err, _ in some),
             f'{way}: some are doubtful, some not sent', some)
    t.ok(any('on its way' in err and not whole for _, err, whole in ends),
         'TLS: a part of the last record makes it doubtful', ends)


def test_truncated_input(t, home, certificate):
    slow = preload(home.path)
    box = Server()
    config = home.config(box.config())
    if slow is None:
        t.skip('EIO amid the message', 'no preloading here')
    else:
        for after in (0, 1, len(HEADER), len(HEADER) + 3, 65536, 2000000):
            run = home.run(BOB, config=config, stdin=LARGE, environment={
                'LD_PRELOAD': str(slow), 'EIO_AFTER': str(after)})
            refused(t, box, run, f'EIO after {after} octets: nothing is sent',
                    (74,))
    safe = secure(certificate)
    config = home.config(safe.config(
        f'password-command cat >&2; echo {CANARY}'))
    run = home.run(BOB, stdin=LARGE, config=config)
    safe.settle()
    t.ok(run.status == 0 and run.err == b'' and
         [mail for mail, _ in safe.took] == [LARGE],
         'a password-command cannot eat the message', run.words())
    safe.clear()
    mail = SERVE.partition(b'\r\n')[2].removesuffix(b'QUIT\r\n')
    run = home.run('-bs', stdin=b'EHLO client\r\n' + mail * 200 + b'QUIT\r\n',
                   config=config)
    safe.settle()
    t.ok(run.status == 0 and len(safe.took) == 200 and
         run.out.endswith(b'\r\n') and b'\n221 ' in run.out,
         'a password-command cannot eat the dialogue of -bs',
         run.words(), len(safe.took))


def test_content(t, home):
    """By its SHA-256 at the receiver."""
    rng = random.Random(2)
    lines = ['', '.', '..', '...', 'From x', '>From x', 'trailing  ', 'tab\t',
             '\t', ' ', '.\t', 'QUIT', 'DATA', 'RSET', '-- ', '=3D', '&amp;',
             'x' * 998, '.' * 997, 'BDAT 5 LAST', '\x1b[0m', '\x7f', '%s%n']
    for size, without in itertools.product((1, 1000, 20000),
                                           ((), ('CHUNKING',))):
        box = Server(without=without)
        config = home.config(box.config())
        body = b''.join(rng.choice(lines).encode() + b'\r\n'
                        for _ in range(size))
        run = home.run(BOB, config=config, stdin=HEADER + b'\r\n' + body)
        box.settle()
        sums = [hashlib.sha256(mail.partition(b'\r\n\r\n')[2]).hexdigest()
                for mail, _ in box.took]
        t.ok(run.status == 0 and not box.faults and
             sums == [hashlib.sha256(body).hexdigest()],
             f'{size} odd lines {"by DATA" if without else "by BDAT"}',
             run.words(), *box.faults)
    box = Server()
    config = home.config(box.config())
    for name, text in (('no newline at the end', MESSAGE[:-2]),
                       ('header only', HEADER), ('header only, cut',
                                                 HEADER[:-2]),
                       ('nothing', b''), ('one line', b'hello'),
                       ('a newline', b'\n'), ('newlines', b'\n\n\n'),
                       ('a dot', b'.'), ('a dot line', b'.\n')):
        run = home.run(BOB, config=config, stdin=text)
        box.settle()
        text = text if text.startswith(b'From') else b'\n' + text
        body = text.partition(b'\n\r\n')[2] or text.partition(b'\n')[2] \
            if text.startswith(b'\n') else text.partition(b'\r\n\r\n')[2]
        came = [mail.partition(b'\r\n\r\n')[2] for mail, _ in box.took]
        t.ok(run.status == 0 and len(came) == 1 and not box.faults and
             came[0].strip() == body.strip(), f'{name}: it arrives',
             run.words(), came, body)
        box.clear()


def test_memory(t, home):
    """200 MB from a pipe, in constant memory."""
    peak = {}
    line = b'.' + b'x' * 77 + b'\r\n'
    count = 2600000

    def play(server, sock):
        for word in STATES[:4]:
            sock.sendall(word)
            server.hear(sock, b'\r\n')
        sock.sendall(STATES[4])
        total, tail = 0, b''
        while tail != b'\r\n.\r\n':
            chunk = sock.recv(1 << 20)
            if not chunk:
                return
            total += len(chunk)
            tail = (tail + chunk)[-5:]
        peak['total'] = total
        status = pathlib.Path(f'/proc/{peak["pid"]}/status').read_text()
        peak['kib'] = int(re.search(r'VmHWM:\s+(\d+)', status)[1])
        sock.sendall(STATES[-1])
        server.hear(sock, b'QUIT')
    server = Server(play=play)
    process = home.start(BOB, config=home.config(server.config()),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    peak['pid'] = process.pid
    block = line * 26000
    process.stdin.write(HEADER + b'\r\n')
    for _ in range(count // 26000):
        process.stdin.write(block)
    out, err = process.communicate(timeout=HANG)
    server.close()
    run = Done(process.returncode, out, err)
    stuffed = len(HEADER) + 2 + count * (len(line) + 1) + 3
    t.ok(run.status == 0 and run.silent() and peak.get('total') == stuffed,
         '208 MB: every octet arrives', run.words(), peak, stuffed)
    if SANITIZED:
        t.skip('in 16 MiB', 'sanitizers need memory')
    else:
        t.ok(peak.get('kib', 1 << 30) < 16384, '208 MB in 16 MiB', peak)


def decoded(mail):
    """The body as a reader sees it."""
    parsed = email.message_from_bytes(mail, policy=email.policy.default)
    return (parsed.get_payload(decode=True) or b'').replace(b'\r\n', b'\n')


def test_long_lines(t, home):
    """Whole, and on the wire no line is longer than the standard allows."""
    for length in (997, 998, 999, 4095, 4096, 65536, 10 ** 7):
        for without in ((), ('CHUNKING',)):
            box = Server(without=without)
            config = home.config(box.config())
            body = b'first\n' + b'y' * length + b'\n.last\n'
            run = home.run(BOB, config=config,
                           stdin=HEADER + b'\n' + body)
            box.settle()
            mails = [mail for mail, _ in box.took]
            lines = [len(line) for mail in mails
                     for line in mail.split(b'\r\n')]
            t.ok(run.status == 0 and len(mails) == 1 and not box.faults and
                 decoded(mails[0]) == body and max(lines) <= 998,
                 f'a line of {length} octets'
                 f'{" by DATA" if without else ""}', run.words(),
                 *box.faults, f'longest {max(lines or [0])}',
                 *(mail[:600] for mail in mails))
    box = Server()
    config = home.config(box.config())
    for length in (900, 990, 999, 4096, 65536):
        words = b' '.join([b'w' * 70] * (length // 71 + 1))
        run = home.run(BOB, config=config,
                       stdin=HEADER + b'X-Long: ' + words + b'\r\n\r\nx\r\n')
        box.settle()
        mail = box.took[0][0] if box.took else b''
        lines = mail.split(b'\r\n')
        t.ok(run.status == 0 and max(map(len, lines)) <= 998 and
             re.sub(rb'\r\n ', b' ', mail).count(words) == 1,
             f'a field of {length} octets', run.words(),
             max(map(len, lines)))
        box.clear()


# Time

def trickle(before, text, pause=0.05):
    """Says `before`, step by step, then the text octet by octet, for ever."""
    def play(server, sock):
        for word in before:
            sock.sendall(word)
            server.hear(sock, b'\r\n')
        for octet in itertools.chain(text, itertools.repeat(ord('x'))):
            sock.sendall(bytes([octet]))
            time.sleep(pause)
    return play


def babble(before, line, pause=0.05):
    def play(server, sock):
        for word in before:
            sock.sendall(word)
            server.hear(sock, b'\r\n')
        while True:
            sock.sendall(line)
            time.sleep(pause)
    return play


def test_time(t, home):
    """A server that says something, but never enough, is not waited for."""
    plays = {
        'octets of a greeting': trickle([], b'220 '),
        'octets of a reply to EHLO': trickle(STATES[:1], b'250-'),
        'octets of a reply to MAIL': trickle(STATES[:2], b'250 '),
        'octets of a reply to the end': trickle(STATES[:5], b'250 '),
        'lines of a greeting': babble([], b'220-wait\r\n'),
        'lines of a reply to EHLO': babble(STATES[:1], b'250-X\r\n'),
        'replies to EHLO': babble(STATES[:2], b'250-X\r\n'),
    }
    left = [case for case in itertools.product(('timeout', 'deadline'), plays)
            # which it does not shorten
            if case[0] == 'deadline' or 'the end' not in case[1]]
    for limit in harness.LIMITS:
        runs = [(case, *wait_out(home, f'{case[0]} {limit}s', plays[case[1]],
                                 f'time{n}')) for n, case in enumerate(left)]
        left = []
        for (setting, sentence), server, process in runs:
            out, err = process.communicate(timeout=HANG)
            server.close()
            good = process.returncode == 75 and b'timed out' in err and \
                (b'may have been' in err) == ('the end' in sentence)
            if good or limit == harness.LIMITS[-1]:
                t.ok(good, f'{setting}, {sentence}: over in time',
                     Done(process.returncode, out, err).words())
            else:
                left.append((setting, sentence))


def wait_out(home, setting, play, name):
    server = Server(play=play)
    process = home.start(BOB, config=home.config(
        server.config(setting), name), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdin.write(MESSAGE)
    process.stdin.close()
    process.stdin = None
    return server, process


def test_patience(t, home):
    """A slow greeting is borne; nobody is called before the message ends."""
    def play(server, sock):
        time.sleep(1.2)
        for word in STATES:
            sock.sendall(word)
            server.hear(sock, b'\r\n.\r\n' if word == STATES[4] else b'\r\n')
    server = Server(play=play)
    run = home.run(BOB, config=home.config(server.config()))
    server.close()
    t.ok(run.status == 0, 'a greeting that comes late', run.words())
    box = Server()
    process = home.start(BOB, config=home.config(box.config()),
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    process.stdin.write(MESSAGE[:-2])
    process.stdin.flush()
    time.sleep(0.3)
    early = box.count
    out, err = process.communicate(timeout=HANG)
    box.settle()
    t.ok(early == 0 and len(box.took) == 1 and process.returncode == 0,
         'no connection before the message has ended', early)


sys.exit(run_tests(dict(globals())))
