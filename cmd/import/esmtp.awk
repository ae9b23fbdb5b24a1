# esmtp.awk: reads esmtprc, for accounts.awk. It is read in words, as many on a
# line as there are: keyword, perhaps `=', value.

function read_line(role, line,    rest, text) {
	rest = line
	drop_want(line)
	for (;;) {
		sub(/^[ \t]+/, "", rest)
		if (rest == "" || rest ~ /^#/)
			return
		text = cut_word(rest)
		rest = cut_rest
		read_word(text, cut_quoted)
	}
}

# The first word, quotes and escapes taken off; what follows is in cut_rest.
function cut_word(text,    quote_sign, i, c, word) {
	quote_sign = substr(text, 1, 1)
	cut_quoted = quote_sign ~ /["']/
	if (!cut_quoted) {
		word = text
		if (word ~ /^=/)
			word = "="
		else if (wants == "" || wants == "force") # but in a value
			sub(/[ \t=#].*/, "", word)
		else
			sub(/[ \t].*/, "", word)
		cut_rest = substr(text, length(word) + 1)
		return word
	}
	for (i = 2; i <= length(text); i++) {
		c = substr(text, i, 1)
		if (c == quote_sign)
			break
		if (c == "\\" && i < length(text))
			c = unescape(substr(text, ++i, 1))
		word = word c
	}
	if (i > length(text))
		left(here, "", "a quote is open")
	cut_rest = substr(text, i + 1)
	return word
}

function unescape(c) {
	return c == "n" ? "\n" : c == "t" ? "\t" : c == "r" ? "\r" : \
	    c ~ /[0-9abfvx]/ ? "\001" : c
}

# A keyword without a value, and the next one below it.
function drop_want(line) {
	sub(/^[ \t]+/, "", line)
	sub(/[ \t=].*/, "", line)
	if (wants == "" || !is_keyword(tolower(line)))
		return
	sub(/ .*/, "", wants) # behind `force' may be anything
	left(want_line, wants, "there is nothing behind it")
	wants = ""
}

function is_keyword(word) {
	return word ~ /^(hostname|host|username|user|password|pass|starttls|certificate_passphrase|helo|qualifydomain|force|message_id|preconnect|identity|default|mda|force_mda)$/
}

function read_word(word, quoted,    keyword) {
	if (!quoted && word == "=")
		return
	if (wants == "force") {
		wants = "force " tolower(word)
		return
	}
	if (wants != "") {
		keyword = wants
		wants = ""
		read_setting(keyword, word)
		return
	}
	keyword = tolower(word)
	if (keyword == "default") # behind an identity
		chosen = current
	else if (is_keyword(keyword)) {
		wants = keyword
		want_line = here
	} else
		left_unknown(here, word, "esmtp")
}

function read_setting(keyword, value) {
	if (keyword == "host" || keyword == "user" || keyword == "pass")
		keyword = keyword (keyword == "pass" ? "word" : "name")
	if (keyword == "identity") {
		begin_identity(value)
		return
	}
	if (keyword ~ /^(mda|force_mda)$/) {
		left(here, keyword, "no mail is delivered on this machine; a " \
		    "server of mailboxes is a smarthost lmtp+unix:PATH")
		return
	}
	if (current == "" && !identities)
		begin_identity("default")
	setting[current, keyword] = value
	line_at[current, keyword] = here
}

function begin_identity(name) {
	current = name
	if (name in number_of)
		mind(here, "identity", "it stands there twice: what stands here is " \
		    "added")
	else
		order[++identities] = name
	number_of[name] = identities
	line_at[name, "identity"] = here
}

# --- From esmtp's words to sendling's.

function given(i, keyword) {
	if (setting[i, keyword] == "")
		return 0
	here = line_at[i, keyword]
	return 1
}

function carry_server(a, i,    tls) {
	tls = given(i, "starttls") ? tolower(setting[i, "starttls"]) : "disabled"
	tls = tls ~ /^require/ ? "starttls" : switch_of(tls) == 1 ? "may" : "plain"
	if (!given(i, "hostname")) {
		left(here, "hostname", "there is none")
		return
	}
	add_host(a, setting[i, "hostname"], has_port(setting[i, "hostname"]) ? \
	    "" : 587, tls, 0)
}

function carry_login(a, i) {
	if (given(i, "username"))
		put(a, "user", setting[i, "username"])
	if (given(i, "password"))
		put_password(a, setting[i, "password"])
	else if (given(i, "username"))
		put(a, "no-password", 1)
	if (given(i, "certificate_passphrase"))
		left(here, "certificate_passphrase", "a key has no passphrase here; " \
		    "`openssl pkey' writes one without it for tls-key")
}

function carry_forced(a, i,    from) {
	if (given(i, "force sender"))
		left(here, "force sender", "no Sender field is set; " \
		    "force-from sets From")
	if (!given(i, "force reverse_path"))
		return
	from = setting[i, "force reverse_path"]
	gsub(/%u/, "%U", from)
	put(a, "force-from", from)
	mind_forced(here, "force reverse_path")
}

function carry_sender(a, i) {
	if (i ~ /@/) {
		here = line_at[i, "identity"]
		put(a, "match", i)
		if (is_address(i) && i !~ /%/)
			put(a, "from", i)
	}
	carry_forced(a, i)
	if (has(a, "force-from"))
		value_of[a, "from"] = ""
	if (given(i, "qualifydomain"))
		put(a, "domain", setting[i, "qualifydomain"])
	if (given(i, "helo"))
		put(a, "helo", setting[i, "helo"])
}

function carry_left(i) {
	if (given(i, "message_id") && switch_of(setting[i, "message_id"]) == 0)
		left(here, "message_id", "a field that a mail lacks is always added")
	if (given(i, "preconnect"))
		left(here, "preconnect", "nothing is run before; a command that is " \
		    "the connection can be had: connect-command, as in " \
		    "`ssh -W %h:%p gateway.example.org'")
}

function carry_identity(i, name) {
	here = line_at[i, "identity"]
	if (!is_name(name)) {
		left(here, "identity", "its name is not one word")
		name = "account" number_of[i]
	}
	begin(name)
	carry_server(name, i)
	carry_login(name, i)
	carry_sender(name, i)
	carry_left(i)
	here = line_at[i, "identity"]
}

# Where nothing stands above the identities the first is that of all.
function conclude(    i, name) {
	if (chosen == "" && identities)
		chosen = order[1]
	for (i = 1; i <= identities; i++) {
		name = order[i] == chosen && !("default" in number_of) ? \
		    "default" : order[i]
		carry_identity(order[i], name)
	}
	here = main_path
}
