# shellcheck shell=sh
# procmail: forwards what came, its Return-Path and Received included.
. /tests/callers/lib.sh

printf '%s\n' ':0' '! rcpt@example.org' >rc
{
	printf '%s\n' 'From other@example.com Mon Jan  1 00:00:00 2024' \
	    'Return-Path: <other@example.com>' \
	    'Received: from a by b; Mon, 1 Jan 2024 00:00:00 +0000' \
	    'From: other@example.com' 'To: root@example.org' \
	    'Subject: To you' ''
	cat /run/text
} | procmail -m /root/rc
look 1 <<END
from other@example.com
to rcpt@example.org
field From: other@example.com
field To: root@example.org
like Received: from a by b; .*
text
END
