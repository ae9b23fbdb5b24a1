#!/usr/bin/env python3
"""smtp-server of nodemailer, from npm."""

import peer


class Nodemailer(peer.NodePeer):
    mechanisms = {way: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'XOAUTH2']
                  for way in peer.URLS}

    def start(self):
        self.spawn_node(peer.HERE / 'npm/smtp-server.js')


peer.main(Nodemailer())
