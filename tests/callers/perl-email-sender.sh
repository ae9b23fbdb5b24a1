# shellcheck shell=sh
# Perl's Email::Sender.
. /tests/callers/lib.sh

perl -MEmail::Sender::Simple=sendmail -MEmail::Sender::Transport::Sendmail \
    -e '
	local $/;
	my $text = "To: rcpt\@example.org\nFrom: sender\@example.com\n" .
	    "Subject: To you\n\n" . <STDIN>;
	sendmail($text, { from => "bounce\@example.com",
	    to => ["rcpt\@example.org", "-odd\@example.org"],
	    transport => Email::Sender::Transport::Sendmail->new });
' </run/text
look 1 <<END
from bounce@example.com
to rcpt@example.org -odd@example.org
field From: sender@example.com
field Subject: To you
text
END
