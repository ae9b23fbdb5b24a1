# shellcheck shell=sh
# nodemailer: a socket on stdin, Bcc kept in the header though all recipients
# are arguments; LF, then CRLF.
. /tests/callers/lib.sh

cat >send.js <<'END'
const fs = require("fs");
const nodemailer = require("nodemailer");
(async () => {
	for (const newline of ["unix", "windows"])
		await nodemailer.createTransport({ sendmail: true, newline,
			path: "/usr/sbin/sendmail" }).sendMail({
			from: "Sender <sender@example.com>",
			to: "rcpt@example.org", bcc: "bcc@example.org",
			subject: "Grüße",
			text: fs.readFileSync("/run/text", "utf8"),
		});
})();
END
NODE_PATH=/usr/share/nodejs nodejs --unhandled-rejections=strict send.js
for number in 1 2; do
	look $number <<-END
	from sender@example.com
	to rcpt@example.org bcc@example.org
	field From: Sender <sender@example.com>
	field Subject: Grüße
	text
	END
done
