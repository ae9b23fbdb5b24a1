# shellcheck shell=sh
# SwiftMailer: its dialogue with -bs, then -t with Bcc left to sendmail.
. /tests/callers/lib.sh

cat >send.php <<'END'
<?php
require "Swift/swift_required.php";
require "Egulias/EmailValidator/autoload.php";
foreach (["-bs", "-t -i"] as $options) {
	$mailer = new Swift_Mailer(new Swift_SendmailTransport(
	    "/usr/sbin/sendmail $options"));
	$message = (new Swift_Message("Grüße"))
	    ->setFrom(["sender@example.com" => "Sender"])
	    ->setTo("rcpt@example.org")->setBcc("bcc@example.org")
	    ->setBody(file_get_contents("/run/text"));
	if ($mailer->send($message) != 2)
		exit(1);
}
END
php -d error_reporting=0 send.php
for number in 1 2; do
	look $number <<-END
	from sender@example.com
	to rcpt@example.org bcc@example.org
	field From: Sender <sender@example.com>
	field Subject: Grüße
	text
	END
done
