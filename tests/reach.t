#!/usr/bin/python3
"""The ways to a server that are none over TCP to an address: unix sockets; and
what is said where one leads nowhere."""

import os
import pathlib
import socket
import sys
import tempfile

import home as surroundings
import smtpd
from home import MESSAGE, NOBODY, become, in_order

BOB = 'bob@example.org'
SENDER = 'from alice@example.com\nhelo client.example\n'


def arrived(t, box, run, what):
    """The mail was taken once, byte for byte, without a fault or a word."""
    took = [message for message, _ in box.took]
    t.ok(run.status == 0 and run.silent() and took == [MESSAGE]
         and box.faults == [], f'{what}: the mail arrives',
         run.words(), took, box.faults)


def failed(t, run, status, what, *words):
    err = run.err.decode(errors='backslashreplace')
    t.ok(run.status == status and all(word in err for word in words),
         f'{what}: status {status}, with words', run.words(), words)


# Unix sockets.

def test_unix_socket(t, home):
    path = str(home.path / 'submit')
    with smtpd.Server(host=path, users={'alice': 'secret'}) as box:
        log = home.path / 'log'
        run = home.run(BOB, config=home.config(box.config(
            'password secret', f'log {log}')))
        arrived(t, box, run, 'a unix socket')
        t.ok(box.took[0][1]['auth'] == 'PLAIN',
             'a secret may go over it', box.took[0][1])
        t.ok(f'smarthost={path}' in log.read_text(),
             'the log names the path', log.read_text())


def test_unix_socket_silent_service(t, home):
    def close(_, sock):
        sock.close()
    with smtpd.Server(host=str(home.path / 'submit'), play=close) as box:
        run = home.run(BOB, config=home.config(box.config()))
    failed(t, run, 75, 'an end before the greeting', box.host,
           'the server closed the connection',
           'is the service that listens there running?')


def test_unix_socket_full(t, home):
    """Nobody accepts, and no more may wait: EAGAIN."""
    path = str(home.path / 'submit')
    with socket.socket(socket.AF_UNIX) as listener, \
            socket.socket(socket.AF_UNIX) as waiting:
        listener.bind(path)
        listener.listen(0)
        waiting.connect(path)
        run = home.run(BOB, config=home.config(
            f'smarthost smtp+unix:{path}\n{SENDER}'))
    failed(t, run, 75, 'a full queue', path,
           'Resource temporarily unavailable',
           'is the service that listens there running?')


def test_unix_socket_faults(t, home):
    path = home.path / 'submit'
    config = home.config(f'smarthost smtp+unix:{path}\n{SENDER}', mode=0o644)
    failed(t, home.run(BOB, config=config), 75, 'no socket', str(path),
           'No such file', 'there is no such socket')
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        failed(t, home.run(BOB, config=config), 75, 'nobody listens',
               'Connection refused', 'nobody listens there')
        listener.listen()
        path.chmod(0o600)
        if os.geteuid() == 0:
            run = home.run(BOB, config=config,
                           preexec_fn=in_order(lambda: become(NOBODY)))
            failed(t, run, 75, 'no permission', 'Permission denied',
                   'owners and modes')
        else:
            t.skip('no permission', 'not root')
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(str(path))
        failed(t, home.run(BOB, config=config), 75, 'datagrams',
               'not for connections')


if __name__ == '__main__':
    sys.exit(surroundings.run_tests(dict(globals())))
