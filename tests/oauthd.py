"""A small, strict authorization server for the tests, over HTTPS on loopback:
authorization code with PKCE, device code, client credentials, refresh tokens
that rotate. What a correct client never does is a fault."""

import base64
import hashlib
import http.server
import json
import re
import secrets
import threading
import urllib.parse

import smtpd

CODE = 'authorization_code'
DEVICE = 'urn:ietf:params:oauth:grant-type:device_code'
FORM = 'application/x-www-form-urlencoded'
LOOPBACK = re.compile(r'http://(127\.0\.0\.1|localhost):\d+')
# All that RFC 6749 lets a token consist of and that somebody may quote wrongly.
ODD = '"\\%&+=$\'`;#?<>|~{}'


class Refused(Exception):
    def __init__(self, error, description='', status=400):
        super().__init__(error)
        self.status = status
        self.body = {'error': error, 'error_description': description}


class Server:
    """`clients` are IDs with secrets, or None for a public one. `played` holds
    answers that the token endpoint gives first: (status, type, body), or a
    function. `hold`, where set, is an event that it waits for; `asked` is set
    when somebody asks it."""

    def __init__(self, certificate):
        self.clients = {'public': None, 'installed': 'cs-' + ODD,
                        'machine': 'machine secret'}
        self.scope = 'mail offline'
        self.lifetime = 3600
        self.rotates = True
        self.codes, self.devices = {}, {}
        self.refresh_tokens, self.access_tokens = {}, {}
        self.device_answers = []
        self.played = []
        self.hold, self.asked = None, threading.Event()
        self.requests, self.faults, self.secrets = [], [], set()
        self.lock = threading.Lock()
        self.http = Quiet(
            ('127.0.0.1', 0), type('Bound', (Handler,), {'box': self}))
        self.http.daemon_threads = True
        context = smtpd.tls_context(certificate)
        self.http.socket = context.wrap_socket(
            self.http.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f'https://localhost:{self.http.server_port}'
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def secret(self, kind):
        """A new one, which is remembered as one that nobody may see."""
        made = f'{kind}-{secrets.token_urlsafe(24)}'
        self.secrets.add(made)
        return made

    def check_client(self, form):
        client = form.get('client_id')
        if client not in self.clients:
            raise Refused('invalid_client', 'no such client', 401)
        if self.clients[client] != form.get('client_secret'):
            raise Refused('invalid_client', 'wrong secret', 401)
        return client

    def check_scope(self, form):
        if form.get('scope') != self.scope:
            raise Refused('invalid_scope', form.get('scope', 'none'))

    def authorize(self, query):
        """The address that a browser is sent to."""
        uri, challenge = query.get('redirect_uri', ''), query.get(
            'code_challenge', '')
        self.check_scope(query)
        if query.get('client_id') not in self.clients or \
                query.get('response_type') != 'code' or \
                not LOOPBACK.fullmatch(uri) or \
                len(query.get('state', '')) < 32 or \
                not re.fullmatch('[-_A-Za-z0-9]{43}', challenge) or \
                query.get('code_challenge_method') != 'S256':
            raise Refused('invalid_request', str(query))
        code = self.secret('code') + '%+/ ='.replace(' ', '')
        self.secrets.add(code)
        self.codes[code] = (query['client_id'], uri, challenge)
        return uri + '/?' + urllib.parse.urlencode(
            {'code': code, 'state': query['state'], 'session_state': 'x'})

    def device(self, form):
        client = self.check_client(form)
        self.check_scope(form)
        code = self.secret('device')
        self.devices[code] = client
        return {'device_code': code, 'user_code': 'WDJB-MJHT',
                'verification_uri': 'https://example.org/device',
                'expires_in': 900, 'interval': 1}

    def token(self, form):
        client = self.check_client(form)
        grant = form.get('grant_type')
        if grant == 'client_credentials':
            self.check_scope(form)
            if self.clients[client] is None:
                raise Refused('unauthorized_client')
            return self.tokens(client, lasting=False)
        if grant == CODE:
            self.spend_code(client, form)
        elif grant == DEVICE:
            self.poll(client, form)
        elif grant == 'refresh_token':
            return self.refresh(client, form.get('refresh_token'))
        else:
            raise Refused('unsupported_grant_type')
        return self.tokens(client)

    def spend_code(self, client, form):
        owner, uri, challenge = self.codes.pop(
            form.get('code'), (None, None, None))
        verifier = form.get('code_verifier', '')
        self.secrets.add(verifier)
        made = base64.urlsafe_b64encode(
            hashlib.sha256(verifier.encode()).digest()).decode().rstrip('=')
        if owner != client or uri != form.get('redirect_uri') or \
                not re.fullmatch('[-._~A-Za-z0-9]{43,128}', verifier) or \
                made != challenge:
            raise Refused('invalid_grant', 'this code is not for you')

    def poll(self, client, form):
        if self.devices.get(form.get('device_code')) != client:
            raise Refused('invalid_grant', 'no such device code')
        if self.device_answers:
            answer = self.device_answers.pop(0)
            if callable(answer):
                answer()
            else:
                raise Refused(answer)
        del self.devices[form['device_code']]

    def refresh(self, client, token):
        if self.refresh_tokens.get(token) != client:
            raise Refused('invalid_grant', 'Token has been expired or '
                          'revoked.\r\nTrace ID: 1234')
        if self.rotates:
            del self.refresh_tokens[token]
        return self.tokens(client, lasting=self.rotates)

    def tokens(self, client, lasting=True):
        access = self.secret('access')
        self.access_tokens[access] = client
        answer = {'token_type': 'Bearer', 'access_token': access,
                  'expires_in': self.lifetime}
        if lasting:
            fresh = self.secret('refresh') + ODD
            self.refresh_tokens[fresh] = client
            answer['refresh_token'] = fresh
        return answer

    def forget_refresh_tokens(self):
        self.refresh_tokens.clear()


class Quiet(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Clients that go away, or that do not trust us."""


class Handler(http.server.BaseHTTPRequestHandler):
    box = None  # the Server

    def log_message(self, *_):
        pass

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, True, True))
        try:
            if url.path != '/authorize':
                raise Refused('not_found', self.path, 404)
            with self.box.lock:
                target = self.box.authorize(query)
        except Refused as refused:
            return self.answer_json(refused.status, refused.body)
        return self.answer(302, 'text/html', b'moved', Location=target)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('Content-Length', 0)))
        form = dict(urllib.parse.parse_qsl(body.decode(), True, True))
        box = self.box
        with box.lock:
            box.requests.append(form)
            box.secrets.update(value for name, value in form.items() if name in
                               ('refresh_token', 'client_secret', 'code'))
        if self.headers.get('Content-Type') != FORM or '?' in self.path or \
                'Authorization' in self.headers:
            box.faults.append(f'{self.path} {self.headers}')
        box.asked.set()
        if box.hold:
            box.hold.wait(60)
        if box.played and self.path == '/token':
            played = box.played.pop(0)
            if callable(played):
                return played(self)
            return self.answer(*played)
        try:
            with box.lock:
                answer = {'/token': box.token, '/device': box.device}[
                    self.path](form)
        except Refused as refused:
            return self.answer_json(refused.status, refused.body)
        return self.answer_json(200, answer)

    def answer_json(self, status, value):
        self.answer(status, 'application/json; charset=utf-8',
                    json.dumps(value, indent=1).encode())

    def answer(self, status, kind, body, **headers):
        self.send_response(status)
        if kind:
            self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
