#!/usr/bin/python3
"""pop.py PORT-FILE MESSAGE-FILE: a POP3 server with one message, on loopback,
for the programs that fetch mail and hand it to sendmail."""

import socketserver
import sys
from pathlib import Path


class Session(socketserver.StreamRequestHandler):
    def handle(self):
        lines = Path(sys.argv[2]).read_bytes().splitlines()
        message = b"".join((b"." if line.startswith(b".") else b"") + line
                           + b"\r\n" for line in lines) + b".\r\n"
        size = sum(len(line) + 2 for line in lines)
        answers = {
            b"CAPA": b"+OK\r\nUSER\r\nUIDL\r\n.\r\n",
            b"STAT": b"+OK 1 %d\r\n" % size,
            b"LIST": b"+OK\r\n1 %d\r\n.\r\n" % size,
            b"UIDL": b"+OK\r\n1 one\r\n.\r\n",
            b"RETR": b"+OK\r\n" + message,
            b"TOP": b"+OK\r\n" + message,
        }
        self.wfile.write(b"+OK\r\n")
        for line in self.rfile:
            words = line.upper().split()
            answer = answers.get(words[0], b"+OK\r\n")
            if len(words) == 2 and words[0] in (b"LIST", b"UIDL"):
                answer = b"+OK " + answer.split(b"\r\n")[1] + b"\r\n"
            self.wfile.write(answer)
            if words[0] == b"QUIT":
                break


with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
    Path(sys.argv[1] + ".new").write_text(str(server.server_address[1]))
    Path(sys.argv[1] + ".new").rename(sys.argv[1])
    server.serve_forever()
