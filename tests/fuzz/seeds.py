#!/usr/bin/env python3
"""tests/fuzz/seeds.py FOLDER NAME: fills FOLDER with seeds for the target NAME
from the cases of its unit test (every string literal of tests/unit/*/NAME.c) and,
for those that talk SMTP, from what the servers of tests/dialogues say; for
those of TLS, from certificates of tests/certs.sh, bare or with what a server
says before and after."""

import ast
import hashlib
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent.parent
SPEAK_SMTP = ('session', 'reply', 'ehlo')
LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def unescape(literal):
    return ast.literal_eval('b"' + literal + '"')


def of_unit_test(name):
    path = next((TESTS / 'unit').glob('*/%s.c' % name), None)
    source = path.read_text('utf-8') if path else ''
    source = re.sub(r'^#include.*$', '', source, flags=re.M)
    for run in LITERALS.finditer(source):
        # Bytes beyond ASCII become escapes: a bytes literal takes no others.
        raw = ''.join(LITERAL.findall(run.group()))
        raw = ''.join(c if ord(c) < 128 else
                      ''.join('\\x%02x' % b for b in c.encode()) for c in raw)
        try:
            yield unescape(raw)
        except (SyntaxError, ValueError):
            continue


def of_dialogues(folder, side):
    for path in sorted((TESTS / folder).glob('*.dialogue')):
        said = b''
        for line in path.read_text('utf-8').splitlines():
            if line.startswith(side + ': ') or line == side + ':':
                said += line[3:].encode() + b'\r\n'
            elif line.startswith(side + '= '):
                try:
                    said += unescape(line[3:].replace('"', '\\"'))
                except (SyntaxError, ValueError):
                    pass
        yield said


def of_certificates(folder):
    for path in sorted(folder.glob('*.pem')):
        for pem in re.findall('-----BEGIN CERT.*?-----END CERTIFICATE-----\n',
                              path.read_text('ascii'), re.S):
            yield ssl.PEM_cert_to_DER_cert(pem)


def of_handshakes(folder):
    """The first flight of servers with these certificates."""
    for path in sorted(folder.glob('*.pem')):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            server.maximum_version = version
            server.set_ciphers('DEFAULT:@SECLEVEL=0')
            server.load_cert_chain(path, path.with_suffix('.key'))
            out, back = ssl.MemoryBIO(), ssl.MemoryBIO()
            for context, read, write, more in (
                    (client, ssl.MemoryBIO(), out,
                     {'server_hostname': 'localhost'}),
                    (server, out, back, {'server_side': True})):
                try:
                    context.wrap_bio(read, write, **more).do_handshake()
                except ssl.SSLError:  # it waits for more, mostly
                    pass
            yield back.read()


def of_tls(name):
    with tempfile.TemporaryDirectory() as made:
        subprocess.run([TESTS / 'certs.sh', made], check=True)
        folder = pathlib.Path(made)
        yield from (of_certificates if name == 'certificate' else
                    of_handshakes)(folder)


def main():
    folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    seeds = list(of_unit_test(name))
    if name in SPEAK_SMTP:
        seeds += of_dialogues('dialogues', 'S')
    if name in ('certificate', 'tls'):
        seeds += of_tls(name)
    if name == 'serve':
        seeds += of_dialogues('serve', 'C')
    for seed in seeds:
        (folder / hashlib.sha1(seed).hexdigest()[:16]).write_bytes(seed)


main()
