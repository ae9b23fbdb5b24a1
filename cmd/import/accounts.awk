# accounts.awk: what a reader has found becomes accounts of sendling. The input
# is that of sendling-import's print_files: `=ROLE PATH', then the lines of that
# file behind a colon each. A reader defines
#     read_line(role, line)    a line without its end
#     conclude()               all lines are read
# and calls put(), add_host(), left() and mind(). The output is for the shell, a
# line each; what stands in <> is behind a tab:
#     c LINE                            of the configuration
#     f KEYWORD<PATH><WHERE>            a file that is to be there
#     t PATH<HOST><WHERE>               a file of authorities, or the server's
#     s FILE<PASSWORD>                  a password to be written
#     n WORDS, m WORDS                  not carried over; to be looked at
#     e WORDS                           nothing can be made of it
# No value of a file is ever run, or used for anything but text.

BEGIN {
	FS = "\n" # lines are cut by hand
	mode = ENVIRON["PASSWORDS"] # none, show, file
	secret_file = ENVIRON["SECRET_FILE"]
	home = ENVIRON["USERS_HOME"] # empty for a system's file
	mailname = is_host(ENVIRON["MAILNAME"]) ? ENVIRON["MAILNAME"] : ""
	for (i = 128; i < 256; i++)
		octet[sprintf("%c", i)] = i
	services = "smtp 25 smtps 465 ssmtp 465 urd 465 submissions 465 " \
	    "submission 587 msa 587 lmtp 24"
	split(services, word, " ")
	for (i = 1; i in word; i += 2)
		service[word[i]] = word[i + 1]
}

/^=/ {
	role = substr($0, 2)
	path = role
	sub(/ .*/, "", role)
	sub(/^[^ ]* /, "", path)
	if (main_path == "")
		main_path = path
	number = 0
	next
}

/^:/ {
	line = substr($0, 2)
	if (++number == 1)
		sub(/^\357\273\277/, "", line)
	sub(/\r$/, "", line)
	here = path ":" number
	if (length(line) <= 4096)
		read_line(role, line)
	else
		left(here, "", "the line is too long")
}

# An awk that dies on the way has not said so.
END {
	conclude()
	print_accounts()
	print "z"
}

# --- What is told. Each thing once, however many accounts have it from there.

function tell(kind, where, what, why,    words) {
	words = kind " " where ": " (what == "" ? "" : what ": ") why
	if (!(words in told) && ++things <= 500)
		print words
	if (things == 501)
		print kind " and more that is not told"
	told[words] = 1
}

function left(where, what, why) {
	tell("n", where, what, why)
}

function mind(where, what, why) {
	tell("m", where, what, why)
}

# Where the others set the envelope alone.
function mind_forced(where, what) {
	mind(where, what, "it is also the address in From now; with `from' in " \
	    "place of `force-from' From stays, and a caller's -f counts")
}

function mind_unchecked(where, program) {
	mind(where, "certificates", program " checked none, sendling does. " \
	    "Where it is not trusted `sendling --probe' shows the line " \
	    "`tls-pin' that trusts it")
}

function left_unverified(where, what) {
	left(where, what, "certificates are checked. Where the server's is not " \
	    "trusted `sendling --probe' shows the line `tls-pin' that trusts " \
	    "it; `tls-verify no' trusts anybody")
}

function left_fingerprint(where, what) {
	left(where, what, "it is of the certificate, a pin of its key. " \
	    "`sendling --probe' shows the line `tls-pin' if the certificate is " \
	    "not trusted")
}

# A word that nobody knows may be a password that went astray.
function left_unknown(where, word, program) {
	left(where, "", "a line that " program " does not know, or that " \
	    "sendling-import does not")
}

# --- What a text is.

function trim(text) {
	sub(/^[ \t]+/, "", text)
	sub(/[ \t]+$/, "", text)
	return text
}

function unquote(text,    first) {
	first = substr(text, 1, 1)
	if (length(text) > 1 && (first == "\"" || first == "'") &&
	    substr(text, length(text)) == first)
		return substr(text, 2, length(text) - 2)
	return text
}

# What follows a blank and a `#' was meant as a comment.
function uncomment(text) {
	if (text ~ /^#/)
		return ""
	sub(/[ \t]+#.*/, "", text)
	return text
}

function follows(text, i, count,    k) {
	for (k = 1; k <= count; k++)
		if (octet[substr(text, i + k, 1)] < 128 ||
		    octet[substr(text, i + k, 1)] > 191)
			return 0
	return 1
}

# As RFC 3629 has it, near enough for a configuration.
function is_utf8(text,    i, first, count) {
	if (text !~ /[\200-\377]/)
		return 1
	for (i = 1; i <= length(text); i++) {
		first = octet[substr(text, i, 1)] + 0
		if (first == 0)
			continue
		count = first >= 240 ? 3 : first >= 224 ? 2 : 1
		if (first < 194 || first > 244 || !follows(text, i, count))
			return 0
		if (first == 224 && octet[substr(text, i + 1, 1)] < 160 ||
		    first == 237 && octet[substr(text, i + 1, 1)] > 159 ||
		    first == 240 && octet[substr(text, i + 1, 1)] < 144 ||
		    first == 244 && octet[substr(text, i + 1, 1)] > 143)
			return 0
		i += count
	}
	return 1
}

# Those of Latin 1 among them, which some terminals obey.
function has_control(text) {
	return text ~ /[\001-\037\177]|\302[\200-\237]/
}

function is_host(text,    label, count, i) {
	sub(/\.$/, "", text)
	if (text == "" || text ~ /^-/ || text !~ /^[A-Za-z0-9._-]+$/ ||
	    length(text) > 253)
		return 0
	count = split(text, label, ".")
	for (i = 1; i <= count; i++)
		if (label[i] == "" || length(label[i]) > 63)
			return 0
	return 1
}

function is_ipv4(text,    part, i) {
	if (text !~ /^[0-9.]+$/ || split(text, part, ".") != 4)
		return 0
	for (i = 1; i <= 4; i++)
		if (part[i] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || part[i] > 255)
			return 0
	return 1
}

function is_ipv6(text,    gap, groups, group, i, count) {
	if (text !~ /^[0-9A-Fa-f:.]+$/ || text !~ /:/ || text ~ /:::/)
		return 0
	gap = gsub(/::/, ":-:", text)
	if (gap > 1)
		return 0
	sub(/^:-/, "-", text)
	sub(/-:$/, "-", text)
	groups = split(text, group, ":")
	for (i = 1; i <= groups; i++) {
		if (i == groups && is_ipv4(group[i]))
			count++
		else if (group[i] != "-" &&
		    group[i] !~ /^[0-9A-Fa-f][0-9A-Fa-f]?[0-9A-Fa-f]?[0-9A-Fa-f]?$/)
			return 0
		count += group[i] != "-"
	}
	return gap ? count < 8 : count == 8
}

# Stand-ins are expanded when a mail is sent; none makes it more than a word.
function without_escapes(text) {
	gsub(/%[UHD%]/, "x", text)
	return text
}

function is_address(text,    local, domain) {
	text = without_escapes(text)
	local = text
	if (text ~ /@/) {
		domain = local
		sub(/.*@/, "", domain)
		sub(/@[^@]*$/, "", local)
		if (!is_host(domain))
			return 0
	}
	return local ~ /^[A-Za-z0-9.!#$&'*+\/=?^_`{|}~-]+$/ &&
	    local !~ /^\.|\.$|\.\./ && length(text) < 320
}

function is_number(text, least, most) {
	return text ~ /^[0-9]+$/ && length(text) < 10 && text + 0 >= least &&
	    text + 0 <= most
}

# 1, 0, or -1 where it is neither.
function switch_of(text) {
	text = tolower(text)
	return text ~ /^(on|yes|y|true|1|enabled)$/ ? 1 : \
	    text ~ /^(off|no|n|false|0|disabled)$/ ? 0 : -1
}

function is_placeholder(text) {
	text = tolower(text)
	return text ~ /^(<.*>|\[.*\]|\{.*\}|%.*%|\$\{?[a-z_]+\}?|[x*.]+|x*redacted?x*|# .*|change[-_ ]?(me|it|this)|secret|todo)$/ ||
	    text ~ /^(enter|insert|put|your|my|the|some)?[-_ ]*(your|own)?[-_ ]*((app|application|specific|gmail|google|email|e-mail|smtp|mail|account|user)[-_ ]*)*(password|passwort|passwd|passw0rd|pass|passphrase)[-_ ]*(here|from[-_ ][a-z]+)?$/
}

function is_unnamed(text) {
	return tolower(text) ~ /^(<.*>|\[.*\]|\{.*\}|\$\{?[a-z_]+\}?)$|^(your|my)?[-_ ]*(gmail|email|smtp|mail)?[-_ ]*(user|user[-_ ]?name|login|address|account)?[-_ ]*(here)?$/
}

function plain_percent(text) {
	gsub(/%/, "%%", text)
	return text
}

# For /bin/sh, as commands of the configuration are read by it.
function quote(text) {
	if (text ~ /^[A-Za-z0-9@%+=:,.\/_-]+$/)
		return text
	gsub(/'/, "'\\''", text)
	return "'" text "'"
}

function domain_of(address) {
	if (address !~ /@/)
		return ""
	sub(/.*@/, "", address)
	return is_host(address) ? address : ""
}

# The whole path, or nothing: ~ is a user's home, and a system has none.
function whole_path(text) {
	if (home != "" && text ~ /^~\//)
		return home substr(text, 2)
	return text ~ /^\// ? text : ""
}

# --- What a reader says of an account.

function begin(a) {
	if (!(a in begun)) {
		begun[a] = 1
		account[++accounts] = a
	}
}

function put(a, keyword, value) {
	begin(a)
	value_of[a, keyword] = value
	where_of[a, keyword] = here
}

# One awk dies of an element that is not there as the argument of a function.
function val(a, keyword) {
	return (a, keyword) in value_of ? value_of[a, keyword] : ""
}

function has(a, keyword) {
	return val(a, keyword) != ""
}

function at(a, keyword) {
	return where_of[a, keyword] == "" ? here : where_of[a, keyword]
}

# tls: plain, may (STARTTLS where it is offered), starttls, tls.
function add_host(a, host, port, tls, lmtp,    n) {
	begin(a)
	n = ++hosts_of[a]
	host_at[a, n] = host ""
	port_at[a, n] = port ""
	tls_at[a, n] = tls
	lmtp_at[a, n] = lmtp
	host_line[a, n] = here
}

# Several passwords or commands make no sense: the last one counts.
function put_password(a, value) {
	value_of[a, "command"] = ""
	put(a, "password", value)
}

function put_command(a, value) {
	value_of[a, "password"] = ""
	put(a, "command", value)
	if (echoed(value) != "")
		put_password(a, echoed(value))
}

# What a command prints that does nothing else: it is not to be shown. Nothing
# that shells would read, or read differently.
function echoed(text) {
	if (!sub(/^(\/usr)?(\/bin\/)?(echo([ \t]+-n)?|printf[ \t]+['"]?%s(\\n)?['"]?)[ \t]+/, "", text))
		return ""
	if (text ~ /^'[^'\\]+'$/ || text ~ /^"[^"`$\\]+"$/)
		return unquote(text)
	return text ~ /^[A-Za-z0-9@%+=:,.\/_!^][A-Za-z0-9@%+=:,.\/_!^#-]*$/ ? text : ""
}

# For a program that has a queue: mail that cannot be sent now waits.
function put_spool(a, program, its) {
	put(a, "spool", "~/.local/state/sendling/spool")
	put(a, "spool-report", "sender")
	mind(here, "spool", "mail that cannot be sent waits in a folder of each " \
	    "user; `sendling -q' sends it, which a timer is to run: see " \
	    "sendling-spool(7). What " program " has in its " its " stays there")
}

# --- Smarthosts.

# A host as people write it, `ssl://mail.example.org:465/' among them.
function cut_host(text,    port) {
	cut_port = cut_tls = ""
	if (text ~ /^(smtp|smtps|ssl|tls):\/\//) {
		cut_tls = text ~ /^smtp:/ ? "" : "tls"
		sub(/^[a-z]+:\/\//, "", text)
	}
	sub(/\/+$/, "", text)
	if (text ~ /^\[[^]]*\](:[A-Za-z0-9]+)?$/) {
		port = text
		sub(/^[^]]*\]:?/, "", port)
		sub(/^\[/, "", text)
		sub(/\].*/, "", text)
	} else if (text ~ /^[^:]+:[A-Za-z0-9]+$/) {
		port = text
		sub(/.*:/, "", port)
		sub(/:.*/, "", text)
	}
	cut_port = port
	return text
}

# Whether it says which port, or by its scheme which is usual.
function has_port(text) {
	cut_host(text)
	return cut_port != "" || text ~ /:\/\//
}

function port_number(text, where) {
	if (tolower(text) in service)
		return service[tolower(text)]
	if (is_number(text, 1, 65535))
		return text + 0
	if (text != "")
		left(where, "port", "it is no number from 1 to 65535")
	return 0
}

function is_loopback(host) {
	return tolower(host) == "localhost" || host ~ /^127\./ || host == "::1"
}

# Where port and TLS do not fit nobody was ever answered.
function settle_tls(a, host, port, tls, where) {
	if (port == 465 && tls != "tls") {
		mind(where, "port 465", "servers speak TLS there from the " \
		    "first byte, so smtps:// it is")
		return "tls"
	}
	if ((port == 587 || port == 25) && tls == "tls") {
		mind(where, "port " port, "servers speak STARTTLS there and " \
		    "no TLS from the first byte, so smtp:// it is")
		return "starttls"
	}
	if (tls == "may") {
		mind(where, "", "TLS where the server offered it: STARTTLS is " \
		    "required now; without any TLS it is smtp+plain://")
		return "starttls"
	}
	if (tls == "plain" && has(a, "user") && !is_loopback(host)) {
		mind(where, "", "the password went without TLS; STARTTLS is " \
		    "required now. If the server has none: smtp+plain://, and " \
		    "`auth-in-clear yes' shows the password to all on the way")
		return "starttls"
	}
	return tls
}

function url(a, n,    host, port, tls, where, scheme, usual) {
	where = host_line[a, n]
	host = cut_host(host_at[a, n])
	if (cut_port != "" && port_at[a, n] == "")
		port_at[a, n] = cut_port
	tls = cut_tls == "" ? tls_at[a, n] : cut_tls
	if (is_ipv6(host))
		host = "[" host "]"
	else if (!is_host(host)) {
		left(where, "host", "it is no host name in ASCII, nor an address")
		return ""
	}
	port = port_number(port_at[a, n], where)
	if (!lmtp_at[a, n])
		tls = settle_tls(a, host, port, tls, where)
	else if (tls != "plain")
		mind(where, "", "LMTP: TLS is spoken where the server offers it")
	scheme = lmtp_at[a, n] ? "lmtp" : tls == "tls" ? "smtps" : \
	    tls == "starttls" ? "smtp" : "smtp+plain"
	usual = lmtp_at[a, n] ? 24 : tls == "tls" ? 465 : \
	    tls == "starttls" ? 587 : 25
	if (scheme != "smtp+plain" && scheme != "lmtp")
		spoken[a] = 1
	return scheme "://" host (port == 0 || port == usual ? "" : ":" port)
}

# Where an account's mail goes, a URL each; the count.
function find_urls(a,    n, one) {
	if (has(a, "socket") && !is_clean(val(a, "socket")))
		left(at(a, "socket"), "socket", "it is no path that sendling takes")
	else if (has(a, "socket")) {
		url_of[a, 1] = (val(a, "lmtp") ? "lmtp" : "smtp") \
		    "+unix:" val(a, "socket")
		return 1
	}
	for (n = 1; n <= hosts_of[a]; n++) {
		one = url(a, n)
		if (one != "")
			url_of[a, ++urls_of[a]] = one
	}
	return urls_of[a] + 0
}

function print_smarthosts(a,    n) {
	for (n = 1; n <= urls_of[a]; n++)
		out("smarthost", url_of[a, n])
	first_host = cut_host(host_at[a, 1] "")
	if (urls_of[a] > 0)
		return
	comment("smarthost smtps://mail.example.org")
	print "e no smarthost: put your server into the line `smarthost'"
}

# --- What is printed.

function out(keyword, value) {
	print "c " keyword " " value
}

function comment(text) {
	print "c #" text
}

# The value where it may stand in a configuration, else the line is left out.
function check(a, keyword, good) {
	if (!has(a, keyword))
		return
	if (has_control(val(a, keyword)))
		left(at(a, keyword), keyword, "it holds a control character")
	else if (!is_utf8(val(a, keyword)))
		left(at(a, keyword), keyword, "it is not in UTF-8")
	else if (good)
		out(keyword, val(a, keyword))
	else
		left(at(a, keyword), keyword, "it is not of a form that " \
		    "sendling takes")
}

function check_free(a, keyword) {
	check(a, keyword, 1)
}

function is_clean(text) {
	return !has_control(text) && is_utf8(text)
}

# A file that is to be there: the shell looks.
function check_file(a, keyword,    full) {
	if (!has(a, keyword))
		return
	if (val(a, keyword) ~ /^pkcs11:/) {
		check_free(a, keyword)
		return
	}
	full = whole_path(val(a, keyword))
	if (full == "" || !is_clean(full))
		left(at(a, keyword), keyword, "it needs a whole path, from `/' " \
		    "on, in UTF-8")
	else
		print "f " keyword "\t" full "\t" at(a, keyword)
}

function print_trust(a,    full) {
	if (!has(a, "tls-trust"))
		return
	full = whole_path(val(a, "tls-trust"))
	if (full == "" || !is_clean(full))
		left(at(a, "tls-trust"), "tls-trust", "it needs a whole path, " \
		    "from `/' on; the system's authorities are trusted")
	else
		print "t " full "\t" first_host "\t" at(a, "tls-trust")
}

function print_tls(a) {
	if (!spoken[a])
		return
	print_trust(a)
	check(a, "tls-name", is_host(val(a, "tls-name")) ||
	    is_ipv6(val(a, "tls-name")))
	check_file(a, "tls-certificate")
	check_file(a, "tls-key")
	check_file(a, "tls-crl")
	check(a, "tls-priority", val(a, "tls-priority") ~ /^[A-Z0-9:+!%.-]+$/)
}

function file_name(a) {
	gsub(/[^A-Za-z0-9@._-]/, "_", a)
	return files++ ? secret_file "." a : secret_file
}

function print_password(a,    value, where, file) {
	value = val(a, "password")
	where = at(a, value == "" ? "no-password" : "password")
	if (is_placeholder(value)) {
		left(where, "the password", "it looks like a placeholder")
		value = ""
	} else if (value ~ /[\001-\010\012-\037\177]/) {
		left(where, "the password", "it holds a control character")
		value = ""
	}
	if (value != "" && mode == "show") {
		if (value ~ /^[ \t]/ || !is_line(value))
			left(where, "the password", "it cannot stand in a " \
			    "configuration; use -s")
		else {
			out("password", value)
			return
		}
	}
	if (value != "" && value in file_of)
		file = file_of[value]
	else
		file = file_name(a)
	out("password-file", file)
	if (value == "" || mode != "file")
		mind(where, "the password", (value == "" ? "write it into " : \
		    "it is not shown: -s FILE writes it, or write it into ") \
		    file ", mode 0600")
	else if (!(value in file_of))
		print "s " file "\t" value
	if (value != "")
		file_of[value] = file
}

# Without a user nobody logs in, and a password is a fault.
function print_no_user(a) {
	left(at(a, has(a, "password") ? "password" : "command"), \
	    "the password", "there is no user name that it is for")
	comment("user alice@example.org")
	if (is_line(val(a, "command")))
		comment("password-command " val(a, "command"))
}

# A command, and a password, may hold tabs.
function is_line(text) {
	gsub(/\t/, " ", text)
	return text != "" && is_clean(text)
}

function print_user(a) {
	if (!has(a, "user"))
		return
	if (!is_clean(val(a, "user"))) {
		left(at(a, "user"), "user", "it holds a control character, or is " \
		    "not in UTF-8")
		value_of[a, "user"] = ""
		return
	}
	if (is_unnamed(val(a, "user")))
		mind(at(a, "user"), "the user name", "it looks like a placeholder")
	out("user", plain_percent(val(a, "user")))
}

function print_login(a) {
	print_user(a)
	if (!has(a, "user") && (has(a, "password") || has(a, "command"))) {
		print_no_user(a)
		return
	}
	if (has(a, "user") && (has(a, "password") || has(a, "no-password")))
		print_password(a)
	else if (is_line(val(a, "command")))
		out("password-command", val(a, "command"))
	else if (has(a, "command"))
		left(at(a, "command"), "password-command", "it holds a control " \
		    "character, or is not in UTF-8")
	if (has(a, "keyring"))
		comment("password-command " val(a, "keyring"))
	check_free(a, "auth")
}

function print_sender(a) {
	check(a, "from", is_address(val(a, "from")))
	check(a, "force-from", is_address(val(a, "force-from")))
	check_free(a, "from-header")
	if (has(a, "full-name"))
		value_of[a, "full-name"] = plain_percent(val(a, "full-name"))
	check_free(a, "full-name")
	if (!has(a, "domain"))
		put_domain(a)
	check(a, "domain", is_host(val(a, "domain")))
	put_choice(a)
	check(a, "match", val(a, "match") !~ /["\\]/)
}

# What is forced, or expanded, is compared with no caller's -f.
function put_choice(a,    address) {
	address = val(a, "chosen-by")
	if (reached < 2 || has(a, "match") || !is_address(address) ||
	    address ~ /%/)
		return
	if (address != val(a, "from") && !(tolower(address) in chooses))
		value_of[a, "match"] = address
	chooses[tolower(address)] = 1
}

# Whole addresses say what the bare ones lack.
function put_domain(a,    of) {
	of = domain_of(val(a, has(a, "force-from") ? "force-from" : \
	    has(a, "from") ? "from" : "match"))
	if (of == "" || of ~ /%/)
		of = mailname
	value_of[a, "domain"] = of
}

function is_helo(text,    inside) {
	inside = substr(text, 2, length(text) - 2)
	if (text ~ /^\[.*\]$/)
		return is_ipv4(inside) || inside ~ /^IPv6:/ &&
		    is_ipv6(substr(inside, 6))
	return is_host(text)
}

function print_account(a) {
	if (reached > 1 || a != "default")
		out("account", a)
	print_smarthosts(a)
	check_free(a, "connect-command")
	check(a, "source-address", is_ipv4(val(a, "source-address")) ||
	    is_ipv6(val(a, "source-address")))
	check_free(a, "timeout")
	check_free(a, "deadline")
	check(a, "helo", is_helo(val(a, "helo")))
	print_login(a)
	print_tls(a)
	print_sender(a)
	if (val(a, "aliases") == "off")
		out("aliases", "off")
	else
		check_file(a, "aliases")
	check_free(a, "dsn-notify")
	check_free(a, "dsn-return")
	if (val(a, "log") ~ /^\// && is_clean(val(a, "log")))
		print "f log\t" val(a, "log") "\t" at(a, "log")
	else
		check_free(a, "log")
	check_free(a, "spool")
	check_free(a, "spool-lifetime")
	check_free(a, "spool-retry")
	check(a, "spool-report", val(a, "spool-report") == "sender" ||
	    is_address(val(a, "spool-report")))
}

# A name is one word of at most 64 octets.
function is_name(text) {
	return text != "" && text !~ /[ \t]/ && length(text) <= 64 &&
	    is_clean(text) && unquote(text) == text
}

# One that leads nowhere is left out where another does not.
function print_accounts(    i, printed) {
	if (accounts == 0)
		begin("default")
	for (i = 1; i <= accounts; i++) {
		urls_of[account[i]] = find_urls(account[i])
		reached += urls_of[account[i]] > 0
	}
	for (i = 1; i <= accounts; i++) {
		if (reached && !urls_of[account[i]]) {
			left(at(account[i], "from"), "account " account[i], \
			    "it has no host")
			continue
		}
		if (printed++)
			print "c "
		print_account(account[i])
		if (!reached)
			return
	}
}
