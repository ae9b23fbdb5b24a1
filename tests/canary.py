"""A password that must show itself nowhere, in whatever form."""

import base64
import re

CANARY = 'c4nary-Pa55/w0rd'


def secrets(user='alice', password=CANARY):
    """The forms in which a password shows itself."""
    for text in (password, f'\0{user}\0{password}', f'{user}\0{password}'):
        octets = text.encode()
        yield from (octets, base64.b64encode(octets).rstrip(b'='),
                    octets.hex().encode(), octets.hex().upper().encode())


FORMS = [form for form in secrets()]


def shows(octets):
    return [form for form in FORMS if form in octets]


def unquoted(line):
    """The octets of all strings in a line of strace."""
    return b'\n'.join(
        text.encode('latin-1', 'replace').decode('unicode_escape').encode(
            'latin-1') for text in re.findall(r'"((?:[^"\\]|\\.)*)"', line))
