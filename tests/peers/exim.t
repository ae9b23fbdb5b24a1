#!/usr/bin/env python3
"""Exim."""

import shutil

import peer

CONFIGURATION = r'''
primary_hostname = mail.example.org
local_interfaces = <; 127.0.0.1 ; ::1
daemon_smtp_ports = 25 : 587 : 465
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = {cert}
tls_privatekey = {key}
spool_directory = {run}/spool
log_file_path = {log}/%s
pid_file_path = {run}/exim.pid
message_size_limit = 5000000
host_lookup =
rfc1413_hosts =
acl_smtp_rcpt = recipient
acl_smtp_data = accept

begin acl
recipient:
  deny ! verify = recipient
  accept authenticated = *
  deny message = log in first

begin routers
known:
  driver = accept
  domains = example.org
  local_parts = ${sg{${readfile{{run}/names}}}{\n}{ : }}
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {mail}/$local_part_data
  maildir_format
  maildir_use_size_file = false
  user = vmail

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${if and {{eq {$auth2}{alice}} {eq {$auth3}{${readfile{{run}/password}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = <| Username: | Password:
  server_condition = ${if and {{eq {$auth1}{alice}} {eq {$auth2}{${readfile{{run}/password}}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${if eq {$auth1}{alice} {${readfile{{run}/password}}} fail}
  server_set_id = $auth1
'''


class Exim(peer.Peer):
    packages = ['exim4-daemon-heavy', 'exim4-base']
    users = {'Debian-exim': 901}
    mechanisms = {way: ['PLAIN', 'LOGIN', 'CRAM-MD5'] for way in peer.URLS}

    def start(self):
        (peer.RUN / 'spool').mkdir()
        for path in peer.RUN / 'spool', peer.CERTS / 'all-names.key':
            shutil.chown(path, 'Debian-exim', 'Debian-exim')
        # With another file it would not keep root's rights to deliver.
        peer.write('/etc/exim4/exim4.conf', CONFIGURATION)
        self.spawn('/usr/sbin/exim4', '-bdf', '-q1h')


peer.main(Exim())
