# shellcheck shell=sh
# Perl's Mail::Mailer: -t without -i, and a lone dot.
. /tests/callers/lib.sh

perl -MMail::Mailer -e '
	local $/;
	my $mailer = Mail::Mailer->new("sendmail");
	$mailer->open({ From => "sender\@example.com",
	    To => "rcpt\@example.org", Bcc => "bcc\@example.org",
	    Subject => "To you" });
	print $mailer <STDIN>;
	$mailer->close or die;
' </run/text
look 1 <<END
from sender@example.com
to rcpt@example.org bcc@example.org
field Subject: To you
text
END
