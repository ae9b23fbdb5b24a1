# shellcheck shell=sh
# mblaze: -t without -i, Bcc left to sendmail.
. /tests/callers/lib.sh

mkdir .mblaze
echo 'Local-Mailbox: sender@example.com' >.mblaze/profile
mcom -send rcpt@example.org -bcc bcc@example.org -subject 'Grüße' \
    -body /run/text
look 1 <<END
from sender@example.com
to rcpt@example.org bcc@example.org
field Subject: Grüße
text
END
