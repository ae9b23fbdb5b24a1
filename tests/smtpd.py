#!/usr/bin/python3
"""A small, strict SMTP submission server for the demo and the tests.

It listens on loopback, on ports that the kernel chooses, and speaks ESMTP with
STARTTLS, implicit TLS and AUTH. For tests in Python it is the class Server,
which keeps what it was told in memory, and plays any function in place of the
strict server. As a program it keeps what it accepts as files:

    DIR/ports       "smtp=12345" and, with a certificate, "smtps=12346"
    DIR/0001.eml    the message, octet for octet, as it was before dot-stuffing
    DIR/0001.json   its envelope, and how the client got there
    DIR/faults      one line for everything a correct client never sends

"connection" in the JSON counts the connections, from 1.
"turns" in the JSON counts how often the client had to wait for an answer
before the message was accepted: the greeting is not counted, answers that
leave together count once. With a delay the count does not depend on how the
kernel cuts a burst of commands into pieces.
"""

import argparse
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
import select
import signal
import socket
import ssl
import sys
import threading
from pathlib import Path

NAME = "mail.test"
IDLE = 300.0
COMMAND_MAX = 16384
ITERATIONS = 4096
EXTENSIONS = ("PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING",
              "ENHANCEDSTATUSCODES")
SCRAM_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-1": "sha1"}
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
SINGLE_DOT = re.compile(rb"\r\n\.(?!\.)")
PATH = re.compile(r"<([^<>]*)>((?: +\S+)*) *", re.ASCII)


class Gone(Exception):
    """The client closed the connection, or is to be cut off."""


class Refused(Exception):
    """AUTH did not succeed; the text is the reply."""


class Line:
    """The connection: input by lines or counts, output held back while the
    client is still talking, so that a pipelined group is answered at once."""

    def __init__(self, sock, server):
        self.sock = sock
        self.server = server
        self.buffer = bytearray()
        self.pending = []
        self.turns = 0

    def say(self, text):
        self.pending.append(text.encode("utf-8", "surrogateescape") + b"\r\n")

    def flush(self):
        if not self.pending:
            return
        self.sock.settimeout(IDLE)
        self.sock.sendall(b"".join(self.pending))
        self.pending.clear()
        self.turns += 1

    def _receive(self, timeout):
        """What comes within timeout, or None."""
        self.sock.settimeout(timeout)
        try:
            chunk = self.sock.recv(self.server.window or 1 << 18)
        except (socket.timeout, BlockingIOError, ssl.SSLWantReadError):
            return None
        self.server.heard += chunk
        return chunk

    def fill(self):
        """More input, for which the answers are sent first unless it is
        already there."""
        chunk = self._receive(self.server.delay) if self.pending else None
        if chunk is None:
            self.flush()
            chunk = self._receive(IDLE)
        if not chunk:
            raise Gone
        self.buffer += chunk

    def next_line(self):
        """One command line with its line end."""
        while (end := self.buffer.find(b"\n")) < 0:
            if len(self.buffer) > COMMAND_MAX:
                raise Gone
            self.fill()
        return self.take(end + 1)

    def next_bytes(self, count):
        while len(self.buffer) < count:
            self.fill()
        return self.take(count)

    def next_data(self):
        """Mail data up to the final dot, still stuffed, behind a CRLF that
        lets its first line be found like any other."""
        data = bytearray(b"\r\n")
        while True:
            seen = max(0, len(data) - 4)
            data += self.take(len(self.buffer))
            end = data.find(b"\r\n.\r\n", seen)
            if end >= 0:
                self.buffer[:0] = data[end + 5:]
                return bytes(data[:end + 2])
            self.fill()

    def take(self, count):
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def secure(self, context):
        self.sock.settimeout(IDLE)
        self.sock = context.wrap_socket(self.sock, server_side=True)

    def close(self):
        try:
            self.flush()
            if isinstance(self.sock, ssl.SSLSocket):
                self.sock.settimeout(1)
                self.sock = self.sock.unwrap()
        except (OSError, ValueError):
            pass
        self.sock.close()


def decoded(text):
    """The bytes of a base64 response; `=` is the empty one."""
    if text == "=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refused("501 5.5.2 That is not base64") from None


class Scram:
    """The server's side of SCRAM, RFC 5802 and 7677, for one attempt."""

    def __init__(self, mechanism, users, binding):
        self.plus = mechanism.endswith("-PLUS")
        self.hash = SCRAM_HASHES[mechanism.removesuffix("-PLUS")]
        self.users = users
        self.binding = binding
        self.user = None

    def digest(self, key, text):
        return hmac.digest(key, text, self.hash)

    def challenge(self, first):
        """client-first-message -> server-first-message"""
        match = re.fullmatch(rb"((?:(n|y)|p=([a-z-]+)),(?:a=[^,]*)?,)"
                             rb"(n=([^,]+),r=([!-+\--~]+)(?:,.*)?)", first)
        if not match:
            raise Refused("501 5.5.2 Not a client-first-message")
        self.header, flag, kind, self.bare, name, nonce = match.groups()
        if self.plus != (kind == b"tls-unique") or \
           (flag == b"y" and self.binding is not None):
            raise Refused("535 5.7.8 Channel binding refused")
        self.user = name.decode().replace("=2C", ",").replace("=3D", "=")
        self.nonce = nonce + secrets.token_urlsafe(18).encode()
        self.salt = secrets.token_bytes(16)
        self.first = b"r=%s,s=%s,i=%d" % (
            self.nonce, base64.b64encode(self.salt), ITERATIONS)
        return self.first

    def verify(self, final):
        """client-final-message -> server-final-message"""
        without, _, proof = final.rpartition(b",p=")
        bound = self.header + (self.binding if self.plus else b"")
        expected = b"c=%s,r=%s" % (base64.b64encode(bound), self.nonce)
        password = self.users.get(self.user)
        if without != expected or password is None:
            raise Refused("535 5.7.8 Authentication failed")
        salted = hashlib.pbkdf2_hmac(self.hash, password.encode(), self.salt,
                                     ITERATIONS)
        key = self.digest(salted, b"Client Key")
        stored = hashlib.new(self.hash, key).digest()
        signed = b",".join((self.bare, self.first, without))
        mask = self.digest(stored, signed)
        right = bytes(a ^ b for a, b in zip(key, mask))
        if not hmac.compare_digest(decoded(proof.decode("latin-1")), right):
            raise Refused("535 5.7.8 Authentication failed")
        server = self.digest(self.digest(salted, b"Server Key"), signed)
        return b"v=" + base64.b64encode(server)


class Session:
    """One client's dialogue, from greeting to QUIT."""

    def __init__(self, sock, number, server, implicit):
        self.line = Line(sock, server)
        self.number = number
        self.server = server
        self.implicit = implicit
        self.tls = None
        self.log = []
        self.mails = self.errors = 0
        self.forget()

    def forget(self):
        """As at the start of a session: RFC 3207 section 4.2."""
        self.ehlo = self.auth = self.user = None
        self.reset()

    def reset(self):
        self.reverse_path = None
        self.mail_parameters = {}
        self.recipients = []
        self.recipient_parameters = []
        self.chunks = None

    # Reading and answering.

    def run(self):
        try:
            if self.implicit:
                self.secure()
            self.reply(f"220 {NAME} ESMTP strict test server")
            self.line.flush()
            self.line.turns = 0
            while self.next_command():
                pass
        except (Gone, OSError):
            pass
        finally:
            self.line.close()

    def secure(self):
        self.line.secure(self.server.context)
        self.tls = self.line.sock.version()
        self.trace("TLS", self.tls)

    def trace(self, side, text):
        if self.server.transcript:
            print(f"{self.number} {side}: {text}", file=sys.stderr, flush=True)

    def reply(self, text):
        if "ENHANCEDSTATUSCODES" in self.server.without:
            text = re.sub(r"^(\d{3}) \d\.\d+\.\d+ ", r"\1 ", text)
        self.trace("S", text)
        self.line.say(text)

    def fault(self, text):
        self.trace("!", text)
        self.server.fault(f"connection {self.number}: {text}")

    def next_text(self):
        """One line from the client without its end; None where it is bad."""
        raw = self.line.next_line()
        text = raw.decode("utf-8", "surrogateescape")
        self.server.told.append((self.tls, text.rstrip("\r\n")))
        self.trace("C", text.rstrip("\r\n"))
        if not raw.endswith(b"\r\n") or BARE.search(raw):
            self.fault(f"bare CR or LF in the command {raw!r}")
            return None
        return text[:-2]

    def next_command(self):
        """Answers one command; False after QUIT."""
        text = self.next_text()
        if text is None:
            self.reply("554 5.5.2 Lines end in CRLF")
            return True
        verb, _, rest = text.partition(" ")
        command = self.COMMANDS.get(verb.upper())
        if command is None:
            self.fault(f"unknown command {text!r}")
            self.reply("500 5.5.1 Unknown command")
            return True
        command(self, rest)
        return verb.upper() != "QUIT"

    # Commands.

    def helo(self, name):
        self.reset()
        self.ehlo = name
        self.reply(f"250 {NAME}")

    def greet(self, name):
        self.reset()
        self.ehlo = name
        lines = [f"{NAME} greets {name}"] + self.offers()
        for text in lines[:-1]:
            self.reply("250-" + text)
        self.reply("250 " + lines[-1])

    def offers(self):
        """The service extensions that hold at this point of the session."""
        server = self.server
        offers = [f"SIZE {server.size}" if name == "SIZE" else name
                  for name in EXTENSIONS if name not in server.without]
        offers += server.more_offers
        if self.starttls_possible():
            offers.append("STARTTLS")
        if self.mechanisms():
            offers.append("AUTH " + " ".join(self.mechanisms()))
        return offers

    def starttls_possible(self):
        return bool(self.server.context and not self.tls
                    and "STARTTLS" not in self.server.without)

    def mechanisms(self):
        server = self.server
        if not server.users or self.starttls_possible() \
           or "AUTH" in server.without:
            return []
        if server.tokens is not None:
            return ["OAUTHBEARER", "XOAUTH2"]
        names = ["PLAIN", "LOGIN", *SCRAM_HASHES]
        if self.binding() is not None:
            names += [name + "-PLUS" for name in SCRAM_HASHES]
        return [name for name in names if name not in server.without]

    def binding(self):
        """tls-unique, which is defined up to TLS 1.2 (RFC 9266); the ssl
        module knows no other channel binding."""
        if self.tls != "TLSv1.2":
            return None
        return self.line.sock.get_channel_binding("tls-unique")

    def starttls(self, rest):
        if rest or not self.starttls_possible():
            self.reply("503 5.5.1 Not now")
            return
        if self.line.buffer:
            self.fault("input behind STARTTLS")
            self.reply("554 5.5.1 Wait for the reply to STARTTLS")
            raise Gone
        self.reply("220 2.0.0 Go ahead")
        self.line.flush()
        self.secure()
        self.forget()

    def authenticate(self, rest):
        mechanism, _, initial = rest.partition(" ")
        mechanism = mechanism.upper()
        if self.user or self.reverse_path is not None or self.ehlo is None:
            self.reply("503 5.5.1 Not now")
            return
        if mechanism not in self.mechanisms():
            self.reply("504 5.5.4 No such mechanism here")
            return
        try:
            self.user = self.exchange(mechanism, initial)
            self.auth = mechanism
            self.reply("235 2.7.0 Welcome")
        except Refused as reply:
            self.reply(str(reply))

    def exchange(self, mechanism, initial):
        """Returns the user who proved to be it, or raises Refused."""
        first = decoded(initial) if initial else None
        if mechanism == "PLAIN":
            return self.auth_plain(first)
        if mechanism == "LOGIN":
            return self.auth_login(first)
        if mechanism in ("OAUTHBEARER", "XOAUTH2"):
            return self.auth_token(mechanism, first)
        scram = Scram(mechanism, self.server.users, self.binding())
        if first is None:
            first = self.ask(b"")
        final = self.ask(scram.challenge(first))
        if self.ask(scram.verify(final)) != b"":
            raise Refused("501 5.5.2 The last response is empty")
        return scram.user

    def auth_plain(self, response):
        if response is None:
            response = self.ask(b"")
        parts = response.split(b"\0")
        if len(parts) != 3:
            raise Refused("501 5.5.2 Not a PLAIN response")
        return self.check(parts[1], parts[2])

    def auth_token(self, mechanism, response):
        """RFC 7628, and what it came from."""
        if response is None:
            response = self.ask(b"")
        form = {"XOAUTH2": "user=([^\1]*)\1auth=Bearer ([!-~]+)\1\1",
                "OAUTHBEARER": "n,a=([^,\1]*),\1(?:host=[^\1]*\1)?"
                "(?:port=[0-9]+\1)?auth=Bearer ([!-~]+)\1\1"}[mechanism]
        match = re.fullmatch(form, response.decode())
        if not match:
            raise Refused("501 5.5.2 Not a response of this mechanism")
        if match.group(1) not in self.server.users or \
           match.group(2) not in self.server.tokens:
            self.ask(b'{"status":"invalid_token"}')
            raise Refused("535 5.7.8 This token is not accepted")
        return match.group(1)

    def auth_login(self, name):
        if name is None:
            name = self.ask(b"Username:")
        return self.check(name, self.ask(b"Password:"))

    def check(self, name, password):
        user = name.decode("utf-8", "surrogateescape")
        known = self.server.users.get(user)
        if known is None or known.encode() != password:
            raise Refused("535 5.7.8 Authentication failed")
        return user

    def ask(self, challenge):
        self.reply("334 " + base64.b64encode(challenge).decode())
        text = self.next_text()
        if text is None or text == "*":
            raise Refused("501 5.7.0 Authentication cancelled")
        return decoded(text)

    def mail(self, rest):
        path, parameters = self.path("FROM:", rest)
        refusal = self.mail_refusal(path, parameters)
        if refusal:
            self.reply(refusal)
            return
        self.reverse_path = path
        self.mail_parameters = parameters
        self.reply("250 2.1.0 Sender ok")

    def mail_refusal(self, path, parameters):
        server = self.server
        if self.ehlo is None or self.reverse_path is not None:
            return "503 5.5.1 Not now"
        if self.starttls_possible():
            return "530 5.7.0 Must issue a STARTTLS command first"
        if server.users and not self.user:
            return "530 5.7.0 Authentication required"
        if path is None:
            return "501 5.5.4 MAIL FROM:<address>"
        if self.mails == server.mails_taken:
            return "452 4.5.3 Too many messages sent"
        size = parameters.get("SIZE", "0")
        if not size.isdigit() or int(size) > server.size:
            return "552 5.3.4 Message too big"
        if not path.isascii() and "SMTPUTF8" not in parameters:
            return "553 5.6.7 SMTPUTF8 is needed for this address"
        return None

    def recipient(self, rest):
        path, parameters = self.path("TO:", rest)
        if self.reverse_path is None:
            self.reply("503 5.5.1 MAIL first")
        elif not path:
            self.reply("501 5.5.4 RCPT TO:<address>")
        elif path in self.server.refusals:
            self.refuse(self.server.refusals[path])
        elif len(self.recipients) == self.server.rcpt_max:
            self.refuse(self.server.too_many)
        else:
            self.recipients.append(path)
            self.recipient_parameters.append(parameters)
            self.reply("250 2.1.5 Recipient ok")

    def refuse(self, text):
        """Who makes too many errors in a session is sent away."""
        self.reply(text)
        self.errors += 1
        if self.errors == self.server.errors_max:
            self.reply("421 4.7.0 Too many errors")
            raise Gone

    def path(self, prefix, rest):
        """"FROM:<a@b> SIZE=1" -> ("a@b", {"SIZE": "1"})"""
        match = PATH.fullmatch(rest[len(prefix):])
        if rest[:len(prefix)].upper() != prefix or not match:
            self.fault(f"not a path: {rest!r}")
            return None, {}
        parameters = {}
        for word in match[2].split():
            name, _, value = word.partition("=")
            parameters[name.upper()] = value
        return match[1], parameters

    def data(self, rest):
        if rest or self.reverse_path is None or self.chunks is not None:
            self.reply("503 5.5.1 Not now")
            return
        if not self.recipients:
            self.reply("554 5.5.1 No valid recipients")
            return
        self.reply("354 End with a dot")
        stuffed = self.line.next_data()
        self.trace("C", f"({len(stuffed) - 2} octets of mail data)")
        self.trace("C", ".")
        if SINGLE_DOT.search(stuffed):
            self.fault("a line of the mail data begins with a single dot")
            self.reply("554 5.6.0 Dots are doubled at the start of a line")
            self.reset()
            return
        self.accept(stuffed.replace(b"\r\n.", b"\r\n")[2:])

    def bdat(self, rest):
        match = re.fullmatch(r"([0-9]{1,15})( LAST)?", rest, re.I | re.ASCII)
        if not match:
            self.fault(f"BDAT {rest!r}")
            self.reply("501 5.5.4 BDAT size [LAST]")
            raise Gone
        chunk = self.line.next_bytes(int(match[1]))
        self.trace("C", f"({len(chunk)} octets in a chunk)")
        if not self.recipients:
            self.reply("503 5.5.1 No valid recipients")
            return
        if self.chunks is None:
            self.chunks = bytearray()
        self.chunks += chunk
        if match[2]:
            self.accept(bytes(self.chunks))
        else:
            self.reply(f"250 2.0.0 {len(chunk)} octets received")

    def accept(self, message):
        """Stores the message, unless its lines or its size are wrong."""
        if BARE.search(message):
            self.fault("bare CR or LF in the mail data")
            self.reply("554 5.6.0 Lines end in CRLF")
        elif len(message) > self.server.size:
            self.reply("552 5.3.4 Message too big")
        else:
            number = self.server.keep(message, self.envelope())
            self.reply(f"250 2.0.0 Ok: queued as {number}")
            self.mails += 1
        self.reset()
        if self.mails == self.server.mails_max:
            raise Gone

    def envelope(self):
        return {
            "from": self.reverse_path,
            "to": self.recipients,
            "mail_parameters": self.mail_parameters,
            "rcpt_parameters": self.recipient_parameters,
            "ehlo": self.ehlo,
            "auth": self.auth,
            "user": self.user,
            "tls": self.tls,
            "connection": self.number,
            "turns": self.line.turns + 1,
        }

    def rset(self, _):
        if "RSET" in self.server.without:
            self.reply("502 5.5.1 no RSET")
            return
        self.reset()
        self.reply("250 2.0.0 Ok")

    def noop(self, _):
        self.reply("250 2.0.0 Ok")

    def quit(self, _):
        self.reply("221 2.0.0 Bye")

    COMMANDS = {
        "HELO": helo, "EHLO": greet, "STARTTLS": starttls,
        "AUTH": authenticate, "MAIL": mail, "RCPT": recipient, "DATA": data,
        "BDAT": bdat, "RSET": rset, "NOOP": noop, "QUIT": quit,
    }


class Server:
    """Listens and serves in threads of its own, until close(). `took` has the
    message and the envelope of each mail; `told` each line that was no mail
    data, with the version of TLS or None before it; `heard` all octets;
    `faults` what a correct client never sends; `count` says how often somebody
    connected. `tokens`, where given, are what users log in with. A host that
    begins with a slash is a unix socket. `play` is a function that has each
    connection to itself, given the server and the socket."""

    def __init__(self, certificate=None, *, play=None, users=(), without=(),
                 refuse=(), size=1 << 30, mails_max=None,
                 mails_taken=None, rcpt_max=None,
                 too_many="452 4.5.3 Too many recipients", errors_max=None,
                 window=None, delay=0, tls12=False, host="127.0.0.1",
                 ports=(), folder=None, transcript=False, tokens=None,
                 offers=()):
        self.certificate = certificate
        self.trust = certificate and Path(certificate).with_name("ca.pem")
        self.context = certificate and tls_context(certificate, tls12)
        self.play = play
        self.users = dict(users)
        self.tokens = tokens
        self.more_offers = offers
        self.refusals = dict(refuse)
        self.without = set(without)
        self.size = size
        self.mails_max = mails_max
        self.mails_taken = mails_taken
        self.rcpt_max = rcpt_max
        self.too_many = too_many
        self.errors_max = errors_max
        self.window = window
        self.delay = delay / 1000
        self.host = host
        self.folder = folder and Path(folder)
        self.transcript = transcript
        self.clear()
        self.changed = threading.Condition()
        self.open = 0
        self.ports = dict(ports)  # those that the kernel does not choose
        self.listeners = []
        for service in ("smtp", "smtps") if certificate else ("smtp",):
            self.listen(service)
        self.write("ports", "".join(
            f"{service}={port}\n" for service, port in self.ports.items()))

    def __enter__(self):
        return self

    def __exit__(self, error, *_):
        self.close(settle=error is None)

    def clear(self):
        self.took, self.told, self.faults = [], [], []
        self.heard, self.count = bytearray(), 0

    def url(self, scheme, host=None):
        if scheme.endswith("+unix"):
            return f"{scheme}:{self.host}"
        port = self.ports["smtps" if scheme == "smtps" else "smtp"]
        return f"{scheme}://{host or self.host}:{port}"

    def config(self, *lines, scheme=None):
        """A configuration that leads here, by the best way there is."""
        scheme = scheme or ("smtps" if self.context else
                            "smtp+unix" if self.host.startswith("/") else
                            "smtp+plain")
        own = [f"user {user}" for user in list(self.users)[:1]]
        if scheme in ("smtps", "smtp"):
            own += [f"tls-trust {self.trust}", "tls-name localhost"]
        return "\n".join([
            "smarthost " + self.url(scheme), "from alice@example.com",
            "helo client.example", *own, *lines, ""])

    # Connections.

    def listen(self, service):
        if self.host.startswith("/"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(self.host)
            listener.listen()
        else:
            listener = socket.create_server(
                (self.host, self.ports.get(service, 0)), backlog=128,
                family=socket.AF_INET6
                if ":" in self.host else socket.AF_INET)
        if self.window:
            # Before a client comes, as TCP agrees on it at the beginning.
            for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
                listener.setsockopt(socket.SOL_SOCKET, option, self.window)
        self.ports[service] = listener.getsockname()[1]
        self.listeners.append(listener)
        threading.Thread(target=self.accept, daemon=True,
                         args=(listener, service == "smtps")).start()

    def accept(self, listener, implicit):
        with contextlib.suppress(OSError, ValueError):
            while select.select([listener], [], [])[0]:
                # Counted before settle() can look.
                with self.changed:
                    sock, _ = listener.accept()
                    self.open += 1
                    self.count += 1
                    number = self.count
                threading.Thread(target=self.serve, daemon=True,
                                 args=(sock, number, implicit)).start()

    def serve(self, sock, number, implicit):
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.play:
                sock.settimeout(IDLE)
                with sock, contextlib.suppress(OSError):
                    self.play(self, sock)
            else:
                Session(sock, number, self, implicit).run()
        finally:
            with self.changed:
                self.open -= 1
                self.changed.notify_all()

    def hear(self, sock, end):
        """For a play: reads until the client has said `end`, or closed."""
        heard = b""
        while end not in heard and (chunk := sock.recv(65536)):
            heard += chunk
            self.heard += chunk
        return heard

    def settle(self):
        """Waits until everybody who came has left, and been heard out."""
        with self.changed:
            self.changed.wait_for(self.is_idle, IDLE)

    def is_idle(self):
        return self.open == 0 and \
            not select.select(self.listeners, [], [], 0)[0]

    def close(self, settle=True):
        if settle:
            self.settle()
        self.stop_listening()

    def stop_listening(self):
        while self.listeners:
            listener = self.listeners.pop()
            # shutdown() wakes accept() up, which close() does not.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    # What sessions tell.

    def keep(self, message, envelope):
        """Stores one message; returns its number."""
        with self.changed:
            self.took.append((message, envelope))
            number = f"{len(self.took):04}"
        self.write(number + ".eml", message)
        self.write(number + ".json", json.dumps(
            envelope, indent=1, ensure_ascii=False) + "\n")
        return number

    def fault(self, text):
        with self.changed:
            self.faults.append(text)
            self.write("faults", "".join(t + "\n" for t in self.faults))

    def write(self, name, content):
        """A whole file at once: who sees the name sees all of it."""
        if self.folder is None:
            return
        if isinstance(content, str):
            content = content.encode("utf-8", "surrogateescape")
        draft = self.folder / (name + ".new")
        draft.write_bytes(content)
        draft.rename(self.folder / name)


def tls_context(certificate, tls12=False):
    """The server's side of TLS; the key is in the file beside it whose name
    ends in .key, or in the same."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # OpenSSL itself refuses to show a weak certificate.
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    key = Path(certificate).with_suffix(".key")
    context.load_cert_chain(certificate, key if key.exists() else None)
    if tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def pair(separator):
    """For argparse: "name=value" -> (name, value)."""
    def split(text):
        name, found, value = text.partition(separator)
        if not found:
            raise argparse.ArgumentTypeError(f"no `{separator}' in {text}")
        return name, value
    return split


def port(text):
    """For argparse: "smtp=25" -> ("smtp", 25)"""
    service, number = pair("=")(text)
    return service, int(number)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--folder", required=True, metavar="DIR",
        help="where ports and messages are written")
    add("--certificate", metavar="PEM",
        help="certificate chain, its key beside it: offers TLS")
    add("--users", action="append", default=[], type=pair(":"),
        metavar="USER:PASSWORD", help="a user; mail needs AUTH then")
    add("--port", action="append", default=[], type=port, dest="ports",
        metavar="SERVICE=PORT", help="one that the kernel does not choose")
    add("--transcript", action="store_true", help="the dialogue on stderr")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    Server(**vars(parser.parse_args()))
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
