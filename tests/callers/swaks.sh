# shellcheck shell=sh
# swaks: a dialogue with -bs.
. /tests/callers/lib.sh

swaks --pipe '/usr/sbin/sendmail -bs' --from sender@example.com \
    --to rcpt@example.org,second@example.org --header 'Subject: To you' \
    --body @/run/text
look 1 <<END
from sender@example.com
to rcpt@example.org second@example.org
field Subject: To you
text
END
