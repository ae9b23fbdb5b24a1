# shellcheck shell=sh
# PHP's mail() with a fifth parameter and line ends the other way round.
. /tests/callers/lib.sh

php8.2 -d mail.mixed_lf_and_crlf=On -r '
if (!mail("rcpt@example.org", "To you", file_get_contents("/run/text"),
    "From: Other <other@example.com>\r\nX-One: 1", "-fsender@example.com"))
	exit(1);'
look 1 <<END
from sender@example.com
to rcpt@example.org
field From: Other <other@example.com>
field X-One: 1
text
END
