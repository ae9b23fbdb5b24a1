#!/usr/bin/env python3
"""sendmail 8.17, with Cyrus SASL."""

import peer

CONFIGURATION = r'''
divert(-1)
include(`/usr/share/sendmail/cf/m4/cf.m4')
OSTYPE(`debian')
VERSIONID(`test')
define(`QUEUE_DIR', `{run}/queue')
define(`STATUS_FILE', `{run}/statistics')
define(`confPID_FILE', `{run}/sendmail.pid')
define(`confDOMAIN_NAME', `mail.example.org')
define(`confMAX_MESSAGE_SIZE', `5000000')
define(`confAUTH_MECHANISMS', `PLAIN LOGIN CRAM-MD5 DIGEST-MD5 SCRAM-SHA-1 SCRAM-SHA-256')
define(`confAUTH_REALM', `example.org')
define(`confCACERT_PATH', `{run}/certs')
define(`confCACERT', `{run}/certs/ca.pem')
define(`confSERVER_CERT', `{cert}')
define(`confSERVER_KEY', `{key}')
define(`confBAD_RCPT_THROTTLE', `0')
define(`confPRIVACY_FLAGS', `goaway')
FEATURE(`nocanonify')
FEATURE(`accept_unresolvable_domains')
FEATURE(`no_default_msa')
DAEMON_OPTIONS(`Name=plain, Addr=127.0.0.1, Port=25')
DAEMON_OPTIONS(`Name=starttls, Addr=127.0.0.1, Port=587')
DAEMON_OPTIONS(`Name=tls, Addr=127.0.0.1, Port=465, M=s')
MAILER(`local')
MAILER(`smtp')
MAILER_DEFINITIONS
Mkeep, P={run}/keep, F=DFMPhlmnoqu8, S=EnvFromSMTP/HdrFromSMTP, R=EnvToSMTP/HdrToSMTP, L=0, U=vmail:vmail, T=DNS/RFC822/X-Unix, A=keep $u
LOCAL_CONFIG
Kname text -k0 -v0 {run}/names
LOCAL_RULE_0
R$+ < @ example.org . >	$: < $(name $1 $: @ $) > $1
R< @ > $+	$#error $@ 5.1.1 $: "550 No such user here"
R< $+ > $+	$#keep $: $1
'''
KEEP = '''#!/bin/sh
mail=$(mktemp) && cat >"$mail" || exit 75
for to; do
	box={mail}/${to%@*}
	copy=$(mktemp "$box/tmp/XXXXXXXX") && cp "$mail" "$copy" &&
	    mv "$copy" "$box/new" || exit 75
done
'''


class Sendmail(peer.Peer):
    packages = ['sendmail-bin', 'sendmail-base', 'sendmail-cf', 'm4',
                'sasl2-bin', 'libsasl2-modules', 'libsasl2-2']
    users = {'smmta': 901, 'smmsp': 902}
    mechanisms = {way: ['PLAIN', 'LOGIN', 'CRAM-MD5', 'SCRAM-SHA-1',
                        'SCRAM-SHA-256'] for way in peer.URLS}
    foreign = {'DIGEST-MD5'}

    def start(self):
        (peer.RUN / 'queue').mkdir(mode=0o700)
        peer.write('keep', KEEP, 0o755)
        peer.sasl_users('/etc/sasl2/Sendmail.conf')
        config = peer.daemons.run('m4', peer.write('sendmail.mc',
                                                   CONFIGURATION))
        peer.write('/etc/mail/sendmail.cf', config)
        (peer.pathlib.Path('/var/lib/sendmail/host_status')).mkdir(parents=True)
        self.spawn('/usr/libexec/sendmail/sendmail', '-bD')


peer.main(Sendmail())
