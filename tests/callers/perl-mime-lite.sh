# shellcheck shell=sh
# Perl's MIME::Lite: /usr/lib/sendmail, Bcc left to sendmail.
. /tests/callers/lib.sh

perl -MMIME::Lite -e '
	local $/;
	MIME::Lite->new(From => "sender\@example.com",
	    To => "rcpt\@example.org", Bcc => "bcc\@example.org",
	    Subject => "To you", Data => scalar <STDIN>,
	    Encoding => "8bit")->send("sendmail");
' </run/text
look 1 <<END
from sender@example.com
to rcpt@example.org bcc@example.org
field From: sender@example.com
field Subject: To you
text
END
