# shellcheck shell=sh
# PHP's mail() with a fifth parameter and line ends the other way round.
. /tests/callers/lib.sh

cat >send.php <<'END'
<?php
exit(mail("rcpt@example.org", "To you", file_get_contents("/run/text"),
    "From: Other <other@example.com>\r\nX-One: 1", "-fsender@example.com")
    ? 0 : 1);
END
php -d mail.mixed_lf_and_crlf=On send.php
look 1 <<END
from sender@example.com
to rcpt@example.org
field From: Other <other@example.com>
field X-One: 1
text
END
