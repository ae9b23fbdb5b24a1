# msmtp.awk: reads msmtprc, for accounts.awk. An account has all that `defaults'
# says at the time, then what the accounts that it names have, then its own.

BEGIN {
	never = "tls_min_dh_prime_bits~GnuTLS has limits of its own;" \
	    "tls_force_sslv3~no server should take SSL 3 any more;" \
	    "logfile_time_format~the log's times are those of RFC 3339;" \
	    "ntlmdomain~there is no NTLM;" \
	    "keepbcc~Bcc fields are always removed;" \
	    "usereval~msmtp has no such command: write `user NAME';" \
	    "eval~nothing is run when a configuration is read: run the " \
	    "command once, and write the line that it prints"
	for (i = split(never, row, ";"); i > 0; i--) {
		split(row[i], part, "~")
		reason[part[1]] = part[2]
	}
	known = " host port source_ip proxy_host proxy_port socket timeout " \
	    "connect_timeout protocol domain auth user password passwordeval " \
	    "tls tls_starttls tls_trust_file tls_crl_file tls_fingerprint " \
	    "tls_key_file tls_cert_file tls_certcheck tls_priorities " \
	    "tls_host_override from allow_from_override dsn_notify dsn_return " \
	    "set_from_header from_full_name logfile syslog aliases auto_from " \
	    "maildomain "
	# Who is whom to whom.
	identity = " host port socket protocol tls tls_starttls auth user " \
	    "password passwordeval from auto_from maildomain "
	switches = " tls tls_starttls tls_certcheck auto_from " \
	    "allow_from_override "
	current = "" # what stands above all is for all
}

function copy(from, to,    key, i, n) {
	n = split(keys_of[from], key, " ")
	for (i = 1; i <= n; i++)
		keep(to, key[i], raw[from, key[i]], raw_line[from, key[i]])
}

function keep(a, key, value, where) {
	if (!((a, key) in raw_line))
		keys_of[a] = keys_of[a] " " key
	raw[a, key] = value
	raw_line[a, key] = where
}

# The later of two counts, as between these.
function keep_password(a, key, value) {
	keep(a, key == "password" ? "passwordeval" : "password", "", here)
	keep(a, key, value, here)
}

function begin_account(text,    name, words, parents, parent, i, n) {
	name = text
	sub(/[ \t]*:.*/, "", name)
	name = unquote(name)
	parents = text
	if (!sub(/^[^:]*:[ \t]*/, "", parents))
		parents = ""
	words = name
	if (words in renamed)
		name = renamed[words]
	else if (!is_name(name)) {
		name = renamed[words] = "account" (names + 1)
		left(here, "account", "its name is not one word: it is " name \
		    " now")
	}
	current = "account " name
	if (current in line_of)
		mind(here, "account", "it stands there twice: what stands here " \
		    "is added")
	else {
		order[++names] = name
		line_of[current] = here
		copy("", current)
	}
	n = split(parents, parent, /,/)
	for (i = 1; i <= n; i++)
		inherit(unquote(trim(parent[i])), name)
}

function inherit(parent, name) {
	if (parent == "")
		return
	if (parent in renamed)
		parent = renamed[parent]
	if (!(("account " parent) in line_of)) {
		left(here, "account", "no account above is called so, and " \
		    "nothing is inherited")
		return
	}
	copy("account " parent, "account " name)
	heirs[name] = heirs[name] " " parent
}

# Commands are in lower case, and stand without `='.
function read_line(role, line,    word, value) {
	line = trim(line)
	if (line == "" || line ~ /^#/)
		return
	word = line
	sub(/[ \t=:].*/, "", word)
	value = substr(line, length(word) + 1)
	word = tolower(word)
	# `host ::1' is right, and so is a password that begins with one.
	if (value ~ /^[ \t]*(=|:[^:])/ &&
	    (word != "password" || value ~ /^[=:]|^[ \t]+[=:][ \t]/))
		sub(/^[ \t]*[=:]/, "", value)
	value = trim(value)
	if (word == "tls_nocertcheck" || word == "tls_nostarttls") {
		word = word == "tls_nostarttls" ? "tls_starttls" : "tls_certcheck"
		value = "off"
	}
	if (word !~ /^password/) {
		if (value ~ /^#/ && index(known, " " word " "))
			left(here, word, "what stands there begins as a comment " \
			    "does")
		value = uncomment(value)
	}
	# Single quotes are no quotes to msmtp: a password may have them.
	if (word != "password" || value ~ /^"/)
		value = unquote(value)
	read_command(word, value)
}

function read_command(word, value) {
	if (word == "defaults")
		current = ""
	else if (word == "account")
		begin_account(value)
	else if (word in reason)
		left(here, word, reason[word])
	else if (index(known, " " word " "))
		read_setting(word, value)
	else if (!read_header(word, value))
		left_unknown(here, word, "msmtp")
}

function read_setting(word, value) {
	if (index(switches, " " word " ") && value != "" &&
	    switch_of(value) == -1)
		left(here, word, "it is neither on nor off; taken for off")
	if (word ~ /^password/)
		keep_password(current, word, value)
	else
		keep(current, word, value, here)
	own[current] = own[current] " " word
}

# Header fields; what is not as usual cannot be had.
function read_header(word, value) {
	if (word ~ /^(set|add_missing)_(date|msgid|from)_header$/) {
		if (switch_of(value) == 0)
			left(here, word, "a field that a mail lacks is always added")
	} else if (word == "remove_bcc_headers") {
		if (switch_of(value) == 0)
			left(here, word, "Bcc fields are always removed")
	} else if (word == "undisclosed_recipients") {
		if (switch_of(value) != 0)
			left(here, word, "To and Cc stay as the mail has them")
	} else
		return 0
	return 1
}

# --- From msmtp's words to sendling's.

# To look at raw makes an entry of it: what is there has a line.
function is_there(a, key) {
	return (a, key) in raw_line
}

function given(a, key) {
	if (raw[a, key] == "")
		return 0
	here = raw_line[a, key]
	return 1
}

# `on' may be left out.
function is_on(a, key, usual) {
	if (!is_there(a, key))
		return usual
	return raw[a, key] == "" || switch_of(raw[a, key]) == 1
}

function carry(a, from, name, to) {
	if (given(a, from))
		put(name, to, raw[a, from])
}

function carry_server(a, name,    tls, lmtp) {
	lmtp = tolower(raw[a, "protocol"] "") == "lmtp"
	tls = !is_on(a, "tls", 0) ? "plain" : \
	    is_on(a, "tls_starttls", 1) ? "starttls" : "tls"
	if (given(a, "socket")) {
		put(name, "socket", whole_path(raw[a, "socket"]))
		put(name, "lmtp", lmtp)
		return
	}
	carry_proxy(a, name)
	if (given(a, "host"))
		add_host(name, raw[a, "host"], raw[a, "port"] == "" &&
		    !lmtp && tls == "starttls" && !has_port(raw[a, "host"]) ? \
		    25 : raw[a, "port"] "", tls, lmtp)
}

function carry_proxy(a, name,    host, port) {
	if (!given(a, "proxy_host"))
		return
	host = raw[a, "proxy_host"]
	port = raw[a, "proxy_port"] == "" ? 1080 : raw[a, "proxy_port"]
	if (is_ipv6(host))
		host = "'[" host "]'"
	else if (!is_host(host))
		port = ""
	if (is_number(port, 1, 65535))
		put(name, "connect-command", "nc -X 5 -x " host ":" port " %h %p")
	else
		left(here, "proxy_host", "it is no host and port: " \
		    "mail goes without the proxy")
}

# As in keyrings: msmtp asks them, and ~/.netrc, where nothing else is said.
function carry_login(a, name,    way) {
	way = tolower(raw[a, "auth"] "")
	if (is_there(a, "auth") && switch_of(way) == 0) {
		if (given(a, "user"))
			left(here, "user", "`auth off': nobody logged in")
		return
	}
	if (!is_there(a, "auth") && given(a, "user"))
		mind(here, "user", "without `auth on' msmtp did not log in; " \
		    "sendling does")
	carry(a, "user", name, "user")
	if (!given(a, "user") && way != "external" && given(a, "auth"))
		left(here, "auth", "there is no user name")
	if (given(a, "password"))
		put_password(name, raw[a, "password"])
	else if (given(a, "passwordeval"))
		put_command(name, raw[a, "passwordeval"])
	else if (given(a, "user") && way != "external")
		carry_keyring(a, name)
	if (given(a, "auth"))
		carry_auth(name, way)
}

function carry_keyring(a, name) {
	mind(here, "user", "there is no password here. Where msmtp had it from " \
	    "a keyring take the # off; from ~/.netrc: see sendling.conf(5); " \
	    "else sendling asks for it, at a terminal only")
	if (is_clean(raw[a, "user"] raw[a, "host"]))
		put(name, "keyring", "secret-tool lookup host " \
		    quote(raw[a, "host"] "") " service smtp user " \
		    quote(raw[a, "user"] ""))
}

function carry_auth(name, way) {
	if (way == "" || switch_of(way) == 1)
		return
	if (way ~ /^(plain|login|cram-md5|scram-sha-1|scram-sha-256|scram-sha-1-plus|scram-sha-256-plus|external|oauthbearer|xoauth2)$/)
		put(name, "auth", toupper(way))
	else
		left(here, "auth", "there is no such mechanism here: the " \
		    "best that the server offers is taken")
}

function carry_tls(a, name) {
	if (given(a, "tls_trust_file") && raw[a, "tls_trust_file"] != "system")
		put(name, "tls-trust", raw[a, "tls_trust_file"])
	carry(a, "tls_crl_file", name, "tls-crl")
	carry(a, "tls_cert_file", name, "tls-certificate")
	carry(a, "tls_key_file", name, "tls-key")
	carry(a, "tls_host_override", name, "tls-name")
	carry(a, "tls_priorities", name, "tls-priority")
	if (!is_on(a, "tls_certcheck", 1))
		left_unverified(raw_line[a, "tls_certcheck"], "tls_certcheck")
	if (given(a, "tls_fingerprint"))
		left_fingerprint(raw_line[a, "tls_fingerprint"], "tls_fingerprint")
}

# Some wrote it as in a From field.
function bare_address(a,    text) {
	text = raw[a, "from"]
	if (!given(a, "from") || text !~ /<[^<>]*>$/)
		return text
	if (text !~ /^</)
		left(here, "from", "of it the address alone is taken; the name " \
		    "is for `full-name'")
	sub(/^[^<]*</, "", text)
	sub(/>$/, "", text)
	return text
}

# %C is this host's name, %M what is in the file mailname.
function carry_from(a, name,    from, domain) {
	from = bare_address(a)
	put(name, "chosen-by", from)
	domain = raw[a, "maildomain"]
	if (is_on(a, "auto_from", 0)) {
		if (given(a, "from"))
			left(here, "from", "with `auto_from on' it was not the " \
			    "sender, but chose the account")
		from = "%U" (domain == "" ? "" : "@" domain)
		given(a, "auto_from")
	}
	gsub(/%C/, "%H", from)
	gsub(/%M/, mailname == "" ? "%H" : mailname, from)
	if (from ~ /[?*[]/) {
		put(name, "match", from)
		return
	}
	if (from == "")
		return
	here = raw_line[a, given(a, "from") ? "from" : "auto_from"]
	put(name, is_forced(a) || is_in_header(a) ? "force-from" : "from", from)
	if (is_forced(a) && !is_in_header(a))
		mind_forced(here, "from")
	else if (is_in_header(a) && !is_forced(a))
		mind(here, "from", "it is the sender and the address in From, " \
		    "and a caller's -f does not count any more")
}

function is_forced(a) {
	return is_there(a, "allow_from_override") && \
	    !is_on(a, "allow_from_override", 1)
}

function is_in_header(a) {
	return is_there(a, "set_from_header") && is_on(a, "set_from_header", 0)
}

function carry_domain(a, name,    domain) {
	if (!given(a, "domain"))
		return
	domain = raw[a, "domain"]
	gsub(/%M/, mailname, domain)
	if (domain ~ /^%[HC]$/ || domain == "" || tolower(domain) == "localhost")
		return
	put(name, "helo", domain)
}

function is_stream(path) {
	return path ~ /^(-|\/dev\/std(out|err)|(\/proc\/self|\/dev)\/fd\/[12])$/
}

# There is one log; a file tells more.
function carry_log(a, name,    facility) {
	if (given(a, "syslog") && switch_of(raw[a, "syslog"] "") != 0 ||
	    is_there(a, "syslog") && raw[a, "syslog"] == "") {
		facility = tolower(raw[a, "syslog"] "")
		sub(/^log_/, "", facility)
		if (facility == "" || switch_of(facility) == 1)
			facility = "user"
		put(name, "log", "syslog:" facility)
		if (facility !~ /^(user|mail|local[0-7])$/) {
			left(here, "syslog", "there is no such facility")
			value_of[name, "log"] = ""
		}
	}
	if (!given(a, "logfile"))
		return
	if (has(name, "log"))
		left(raw_line[a, "syslog"], "syslog", "there is one log, and it " \
		    "is the file")
	put(name, "log", is_stream(raw[a, "logfile"]) ? "stderr" : \
	    raw[a, "logfile"] == "/dev/null" ? "off" : \
	    whole_path(raw[a, "logfile"]))
	if (!has(name, "log"))
		left(here, "logfile", "it needs a whole path, from `/' on")
}

function carry_times(a, name) {
	if (given(a, "timeout") && is_number(raw[a, "timeout"], 1, 604800))
		put(name, "timeout", raw[a, "timeout"] "s")
	else if (given(a, "timeout") && switch_of(raw[a, "timeout"] "") != 0)
		left(here, "timeout", "it is no number of seconds")
	if (given(a, "connect_timeout"))
		left(here, "connect_timeout", "msmtp has no such command; " \
		    "sendling's is connect-timeout")
}

function carry_dsn(a, name,    amount) {
	if (given(a, "dsn_notify") && switch_of(raw[a, "dsn_notify"] "") != 0) {
		if (tolower(raw[a, "dsn_notify"] "") ~ /^(never|((success|failure|delay),?)+)$/)
			put(name, "dsn-notify", tolower(raw[a, "dsn_notify"] ""))
		else
			left(here, "dsn_notify", "it is not one of never, success, " \
			    "failure, delay")
	}
	amount = tolower(raw[a, "dsn_return"] "")
	if (given(a, "dsn_return") && amount ~ /^(headers|full)$/)
		put(name, "dsn-return", amount == "full" ? "full" : "hdrs")
}

function carry_account(name,    a) {
	a = "account " name
	here = line_of[a]
	begin(name)
	carry_server(a, name)
	carry_login(a, name)
	carry_tls(a, name)
	carry_from(a, name)
	carry_domain(a, name)
	carry_log(a, name)
	carry_times(a, name)
	carry_dsn(a, name)
	carry(a, "source_ip", name, "source-address")
	carry(a, "from_full_name", name, "full-name")
	if (given(a, "aliases"))
		put(name, "aliases", raw[a, "aliases"])
	here = line_of[a]
}

# The one account that there is needs no second name, unless what stands below
# that has it log in elsewhere, or as somebody else.
function is_second_name(name,    only, key, i, n) {
	only = "account " order[1]
	if (name != "default" || names != 2 || heirs[name] != " " order[1])
		return 0
	n = split(own["account default"], key, " ")
	for (i = 1; i <= n; i++)
		if (index(identity, " " key[i] " ") && is_there(only, key[i]) &&
		    raw[only, key[i]] != raw["account default", key[i]])
			return 0
	return 1
}

# What stands below the second name is the account's.
function add_second(only,    a, key, i, n) {
	a = "account default"
	n = split(own[a], key, " ")
	for (i = 1; i <= n; i++)
		if (key[i] ~ /^password/) {
			here = raw_line[a, key[i]]
			keep_password(only, key[i], raw[a, key[i]])
		} else
			keep(only, key[i], raw[a, key[i]], raw_line[a, key[i]])
	if (n > 0)
		mind(line_of[a], "account default", "what stands below it " \
		    "holds for `-a " order[1] "', too")
}

# Settings above all accounts, or in one called default that has no host and
# stands before others, were meant for all.
function spread_default(    i, a) {
	a = "account default"
	if (names == 0) {
		order[++names] = "default"
		line_of[a] = here
		copy("", a)
		return
	}
	if (order[1] != "default" || names == 1 ||
	    heirs["default"] != "" || raw[a, "host"] raw[a, "socket"] != "")
		return
	mind(line_of[a], "account default", "it has no host: what it says is " \
	    "taken for the accounts below it, as `defaults' would be")
	for (i = 2; i <= names; i++)
		fill("account " order[i], a)
	for (i = 1; i < names; i++)
		order[i] = order[i + 1]
	names--
}

function fill(a, from,    key, i, n) {
	n = split(keys_of[from], key, " ")
	for (i = 1; i <= n; i++)
		if (!is_there(a, key[i]))
			keep(a, key[i], raw[from, key[i]], raw_line[from, key[i]])
}

function conclude(    i) {
	spread_default()
	if (is_second_name(order[2] "")) {
		add_second("account " order[1])
		names--
	}
	for (i = 1; i <= names; i++)
		carry_account(order[i])
}
