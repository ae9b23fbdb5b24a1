#!/usr/bin/env python3
"""Haraka, from npm."""

import peer

FILES = {
    'plugins': 'tls\nkeep\n',
    'me': 'mail.example.org\n',
    'loglevel': 'NOTICE\n',
    'smtp.ini': 'listen=127.0.0.1:25,127.0.0.1:587,127.0.0.1:465\n'
                'smtps_port=465\nnodes=0\n',
    'tls.ini': 'key={key}\ncert={cert}\nno_starttls_ports[]=25\n',
    'smtpgreeting': 'mail.example.org\n',
}


class Haraka(peer.NodePeer):
    mechanisms = {way: ['PLAIN', 'LOGIN', 'CRAM-MD5'] for way in peer.URLS}

    def start(self):
        peer.shutil.copytree(peer.HERE / 'npm', peer.RUN / 'npm')
        for name, text in FILES.items():
            peer.write(f'npm/haraka/config/{name}', text)
        usual = peer.NPM / 'node_modules/Haraka/config/connection.ini'
        peer.write('npm/haraka/config/connection.ini', peer.re.sub(
            '(?m)^bytes=.*', f'bytes={peer.SIZE}', peer.re.sub(
                # It folds longer lines, and would what RFC 5321 allows.
                '(?m)^data_line_length=.*', 'data_line_length=1001',
                usual.read_text())))
        self.spawn_node(peer.NPM / 'node_modules/Haraka/bin/haraka', '-c',
                        peer.RUN / 'npm/haraka')


peer.main(Haraka())
