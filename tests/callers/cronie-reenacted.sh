# shellcheck shell=sh
# cronie, which Debian does not carry: its argv and its message by hand.
. /tests/callers/lib.sh

{
	printf '%s\n' 'From: "(Cron Daemon)" <root>' 'To: rcpt@example.org' \
	    'Subject: Cron <root@box> job' 'MIME-Version: 1.0' \
	    'Content-Type: text/plain; charset=UTF-8' \
	    'Content-Transfer-Encoding: 8bit' 'Auto-Submitted: auto-generated' \
	    'Precedence: bulk' 'X-Cron-Env: <SHELL=/bin/sh>' ''
	cat /run/text
} | /usr/sbin/sendmail -FCronDaemon -i -odi -oem -oi -t -f root
look 1 <<END
from root@example.org
to rcpt@example.org
field From: "(Cron Daemon)" <root@example.org>
text
END
