# kind.awk: whose configuration it is, by its words. Prints the program's name,
# or nothing. A line of the input is one of the file's, behind a colon.

function vote(kind) {
	votes[kind]++
}

function vote_by_word(word, second) {
	if (second ~ /^(smtp|qmqp)$/)
		vote("nullmailer")
	if (word ~ /^(SMARTHOST|PORT|ALIASES|SPOOLDIR|AUTHPATH|SECURETRANS(FER)?|STARTTLS|FINGERPRINT|OPPORTUNISTIC_TLS|CERTFILE|SECURE|INSECURE|DEFER|FULLBOUNCE|MAILNAME|MASQUERADE|NULLCLIENT)$/)
		vote("dma")
	word = tolower(word)
	if (word ~ /^(account|defaults|host|port|auth|from|tls|tls_[a-z_]+|passwordeval|logfile|proxy_host|proxy_port|protocol|maildomain|auto_from|syslog)$/)
		vote("msmtp")
	if (word ~ /^(identity|username|qualifydomain|preconnect|mda|force_mda|force)$/)
		vote("esmtp")
	if (word ~ /^(smarthost|password-file|force-from|tls-trust)$/ && second != "")
		vote("sendling")
}

function vote_by_name(name) {
	if (name ~ /^(mailhub|root|rewritedomain|fromlineoverride|usetls|usestarttls|authuser|authpass|authmethod|remoteport|minuserid|tls_ca_file)$/)
		vote("ssmtp")
	if (name == "hostname") {
		votes["ssmtp"] += 0.5
		votes["esmtp"] += 0.6
	}
	if (name ~ /^(identity|username|password|starttls|qualifydomain|preconnect|mda|force_mda|helo)$/)
		vote("esmtp")
}

{
	line = substr($0, 2)
	sub(/^\357\273\277/, "", line)
	sub(/\r$/, "", line)
	if (line ~ /^[ \t]*(#|$)/)
		next
	if (line ~ /^[ \t]*[A-Za-z_]+[ \t]*=/) {
		sub(/[ \t]*=.*/, "", line)
		sub(/^[ \t]+/, "", line)
		vote_by_name(tolower(line))
		next
	}
	sub(/^[ \t]+/, "", line)
	words = split(line, word, /[ \t]+/)
	vote_by_word(word[1], words > 1 ? word[2] : "")
}

# Who counts on its name alone has no other.
END {
	votes[ENVIRON["NAMED"]] += 3
	kinds = split("msmtp ssmtp esmtp dma nullmailer sendling", kind, " ")
	for (i = 1; i <= kinds; i++)
		if (votes[kind[i]] > most) {
			most = votes[kind[i]]
			best = kind[i]
		}
	if (best != "")
		print best
}
