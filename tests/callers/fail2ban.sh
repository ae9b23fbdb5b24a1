# shellcheck shell=sh
# fail2ban: its server starts a jail and mails so; no newline at the end.
. /tests/callers/lib.sh

: >watched
cat >/etc/fail2ban/jail.local <<END
[sshd]
enabled = false
[box]
enabled = true
filter = sshd
backend = polling
logpath = /root/watched
sendername = Fail2Ban
sender = sender@example.com
destemail = rcpt@example.org
action = sendmail[name=box, sender="%(sender)s", dest="%(destemail)s"]
END
mkdir -p /run/fail2ban /var/log /var/lib/fail2ban
fail2ban-server -f --loglevel INFO --logtarget /root/log start &
look 1 <<END
from sender@example.com
to rcpt@example.org
field Subject: [Fail2Ban] box: started on box.example.net
field From: Fail2Ban <sender@example.com>
line Fail2Ban
END
