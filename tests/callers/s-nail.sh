# shellcheck shell=sh
# s-nail: full name and sender as options, recipients behind `--'.
. /tests/callers/lib.sh

s-nail -r 'Full Name <sender@example.com>' -s 'Grüße' -c cc@example.org \
    -b bcc@example.org rcpt@example.org </run/text
look 1 <<END
from sender@example.com
to rcpt@example.org cc@example.org bcc@example.org
field From: Full Name <sender@example.com>
field Subject: Grüße
text
END
