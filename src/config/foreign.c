#include "config/foreign.h"

#include <stddef.h>

#define SMARTHOST                                                              \
	"write `smarthost smtps://HOST' for TLS from the first byte, or "      \
	"`smarthost smtp://HOST' for STARTTLS; a port stands behind a colon. " \
	"sendling-import turns a whole file into lines of ours"
#define PASSWORD    "write `password-file PATH' or `password VALUE'"
#define TRUST	    "write `tls-trust PATH', a PEM file or a folder"
#define CERTIFICATE "write `tls-certificate PATH', and `tls-key PATH'"
#define KEY	    "write `tls-key PATH', and `tls-certificate PATH'"
#define PIN                                                                    \
	"write `tls-pin sha256:BASE64', which is of the server's key and no "  \
	"fingerprint of its certificate; sendling --probe shows it"
#define CHECKED                                                                \
	"certificates are checked; write `tls-trust PATH' where the server's " \
	"authority is not the system's, or `tls-pin sha256:BASE64', which "    \
	"sendling --probe shows; `tls-verify no' checks nothing"
#define DOMAIN "write `domain NAME', which completes addresses without one"
#define NOT_HERE                                                               \
	"this cannot be set here; leave the line out if you can do without it"

#define PROXY "write `connect-command nc -X 5 -x PROXY:PORT %h %p'"

/* Of msmtp, ssmtp, dma and esmtp, and Postfix's name for a smarthost. */
static const struct {
	const char *word;
	const char *hint;
} words[] = {
    /* msmtp */
    {"host", SMARTHOST},
    {"port", SMARTHOST}, /* dma too */
    {"protocol", SMARTHOST},
    {"tls", SMARTHOST},
    {"tls_starttls", SMARTHOST},
    {"tls_nostarttls", SMARTHOST},
    {"passwordeval", "write `password-command COMMAND', without quotes"},
    {"eval", NOT_HERE},
    {"usereval", "write `user NAME'"},
    {"defaults", "what stands above the first `account' line holds for all "
		 "accounts"},
    {"logfile", "write `log PATH'"},
    {"logfile_time_format", NOT_HERE},
    {"syslog", "write `log syslog' or `log syslog:FACILITY'"},
    {"maildomain", DOMAIN},
    {"auto_from", "write `from %U@%D' and `domain NAME'"},
    {"allow_from_override", "write `force-from ADDRESS' where the caller may "
			    "choose no other"},
    {"set_from_header", "write `force-from ADDRESS' to replace the From "
			"field"},
    {"from_full_name", "write `full-name NAME'"},
    {"tls_trust_file", TRUST},
    {"tls_crl_file", "write `tls-crl PATH'"},
    {"tls_fingerprint", PIN},
    {"tls_certcheck", CHECKED},
    {"tls_nocertcheck", CHECKED},
    {"tls_key_file", KEY},
    {"tls_cert_file", CERTIFICATE},
    {"tls_priorities", "write `tls-priority STRING'"},
    {"tls_host_override", "write `tls-name NAME'"},
    {"tls_min_dh_prime_bits", "write `tls-priority STRING'"},
    {"tls_force_sslv3", NOT_HERE},
    {"set_date_header", NOT_HERE},
    {"set_msgid_header", NOT_HERE},
    {"add_missing_date_header", NOT_HERE},
    {"add_missing_from_header", NOT_HERE},
    {"remove_bcc_headers", NOT_HERE},
    {"keepbcc", NOT_HERE},
    {"undisclosed_recipients", NOT_HERE},
    {"ntlmdomain", NOT_HERE},
    {"proxy_host", PROXY},
    {"proxy_port", PROXY},
    {"socket", "write `smarthost smtp+unix:PATH'"},
    {"source_ip", "write `source-address ADDRESS'"},
    /* ssmtp */
    {"mailhub", SMARTHOST},
    {"RemotePort", SMARTHOST},
    {"UseTLS", SMARTHOST},
    {"UseSTARTTLS", SMARTHOST},
    {"AuthUser", "write `user NAME'"},
    {"AuthPass", PASSWORD},
    {"AuthMethod", "write `auth MECHANISM', or nothing"},
    {"UseOldAUTH", NOT_HERE},
    {"AddHeader", NOT_HERE},
    {"rewriteDomain", DOMAIN},
    {"hostname", "write `domain NAME', which completes addresses without "
		 "one, or `helo NAME' for the name in EHLO"},
    {"root", "write `root: ADDRESS' into the aliases"},
    {"minuserid", "write `root: ADDRESS' and the like into the aliases"},
    {"FromLineOverride", "the From field stays as it is; `from-header yes' "
			 "makes it the sender, `force-from ADDRESS' replaces "
			 "it"},
    {"UseTLSCert", CERTIFICATE},
    {"TLSCert", CERTIFICATE},
    {"TLSKey", KEY},
    {"TLS_CA_File", TRUST},
    {"TLS_CA_Dir", TRUST},
    {"Debug", "-v shows the dialogue"},
    /* dma */
    {"SMARTHOST", SMARTHOST},
    {"SECURETRANSFER", SMARTHOST},
    {"SECURETRANS", SMARTHOST},
    {"SECURE", SMARTHOST},
    {"STARTTLS", SMARTHOST},
    {"OPPORTUNISTIC_TLS", SMARTHOST},
    {"FINGERPRINT", PIN},
    {"VERIFYCERT", CHECKED},
    {"INSECURE", CHECKED},
    {"CERTFILE", CERTIFICATE},
    {"AUTHPATH", "write `user NAME', and `password-file PATH' with nothing "
		 "but the password in the file"},
    {"MAILNAME", DOMAIN},
    {"MASQUERADE", "write `force-from ADDRESS', or `domain NAME'"},
    {"MAILNAMEFILE", DOMAIN},
    {"NULLCLIENT", NOT_HERE},
    {"SPOOLDIR", "write `spool PATH', a folder of the caller's own"},
    {"DEFER", "write `spool PATH'; --queue-only or -odq keeps a mail there "
	      "for the next run"},
    {"FULLBOUNCE", "write `dsn-return full'"},
    /* esmtp, besides */
    {"identity", "write `account NAME', `match ADDRESS' and `from ADDRESS'"},
    {"username", "write `user NAME'"},
    {"qualifydomain", DOMAIN},
    {"force", "write `force-from ADDRESS'"},
    {"preconnect", "write `connect-command COMMAND', which is the "
		   "connection"},
    {"mda", "write `smarthost lmtp+unix:PATH' where a server keeps the "
	    "mailboxes of this machine"},
    {"force_mda", NOT_HERE},
    {"message_id", NOT_HERE},
    {"certificate_passphrase", KEY},
    /* Postfix */
    {"relayhost", SMARTHOST},
};

/* A line of nullmailer's remotes: `mail.example.org smtp --user=alice ...'.
 */
static bool
is_remote(struct text line)
{
	struct text host, protocol;

	return text_next(&line, " \t", &host) &&
	       text_next(&line, " \t", &protocol) &&
	       (text_equal(protocol, TEXT("smtp")) ||
		   text_equal(protocol, TEXT("qmqp")));
}

const char *
foreign_hint(struct text word, struct text line)
{
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_equal_fold(word, text_of(words[i].word)))
			return words[i].hint;
	if (is_remote(line))
		return "write `smarthost smtps://HOST', or smtp:// for "
		       "STARTTLS, `user NAME' and `password-file PATH'";
	return NULL;
}
