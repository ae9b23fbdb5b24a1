# ssmtp.awk: reads ssmtp.conf and revaliases, for accounts.awk.

# strtok(3) cut there, of a password not at colons.
function first_word(text) {
	sub(/[ \t=#].*/, "", text)
	return text
}

function read_line(role, line) {
	if (role == "revaliases")
		read_alias(line)
	else
		read_keyword(line)
}

function read_keyword(line,    word, value) {
	line = trim(line)
	if (line == "" || line ~ /^#/)
		return
	if (line !~ /^[A-Za-z_]+[ \t]*=/) {
		left(here, "", "a line without `=', which ssmtp passed over")
		return
	}
	word = line
	sub(/[ \t]*=.*/, "", word)
	value = line
	sub(/^[^=]*=[ \t]*/, "", value)
	word = tolower(word)
	if (word ~ /^auth(user|pass|method)$/ && setting[word] != "") {
		left(here, word, "ssmtp took the one above")
		return
	}
	line_at[word] = here
	if (word == "authpass") {
		read_password(value)
		return
	}
	value = unquote(trim(uncomment(value)))
	if (word == "tls_ca_file" || word == "tls_ca_dir" || word ~ /cert|key$/)
		setting[word] = value
	else if (!(word in setting) || value != "")
		setting[word] = value
	if (word !~ /^(root|mailhub|remoteport|rewritedomain|hostname|fromlineoverride|usetls|usestarttls|usetlscert|tlscert|tlskey|tls_ca_file|tls_ca_dir|authuser|authmethod|useoldauth|minuserid|debug|addheader)$/)
		left_unknown(here, word, "ssmtp")
}

# The whole of it may be right where ssmtp sent less.
function read_password(value) {
	if (value ~ /[ \t]#/ && value !~ /^#/)
		sub(/[ \t]+#.*/, "", value)
	value = trim(value)
	if (unquote(value) == value && first_word(value) != value)
		mind(here, "the password", "ssmtp used no more of it than " \
		    "what stands before the first blank, `=' or `#'")
	setting["authpass"] = unquote(value)
	if (unquote(value) != value)
		mind(here, "the password", "the quotes around it are not taken " \
		    "for a part of it, as ssmtp did")
}

# login:address[:mailhub[:port]]
function read_alias(line,    part, count) {
	line = trim(line)
	if (line == "" || line ~ /^#/)
		return
	count = split(line, part, ":")
	part[1] = trim(part[1])
	part[2] = trim(part[2] "")
	if (count < 2 || part[1] !~ /^[A-Za-z0-9_.-]+$/ ||
	    !is_address(part[2]) || part[2] ~ /%/) {
		left(here, "", "it is not of the form login:address:mailhub")
		return
	}
	aliases++
	alias_login[aliases] = part[1]
	alias_address[aliases] = part[2]
	alias_hub[aliases] = trim(part[3] "") (part[4] == "" ? "" : \
	    ":" trim(part[4]))
	alias_line[aliases] = here
}

# --- From ssmtp's words to sendling's.

function given(word) {
	if (setting[word] == "")
		return 0
	here = line_at[word]
	return 1
}

# Only YES was a yes.
function is_yes(word) {
	if (!given(word))
		return 0
	if (tolower(setting[word]) !~ /^(yes|no)$/)
		mind(here, word, "it is neither YES nor NO; ssmtp took it for NO")
	return tolower(setting[word]) == "yes"
}

# A hub without a port has that of the mailhub.
function with_port(hub,    port) {
	if (has_port(hub) || is_ipv6(hub))
		return hub
	port = setting["remoteport"]
	if (has_port(setting["mailhub"] ""))
		port = cut_port
	return port == "" ? hub : hub ":" port
}

function carry_server(a, hub,    tls) {
	tls = is_yes("usestarttls") ? "starttls" : is_yes("usetls") ? "tls" : \
	    "plain"
	if (hub != "")
		here = alias_line[hub_alias]
	else if (given("mailhub"))
		hub = setting["mailhub"]
	else {
		here = main_path
		left(here, "mailhub", "there is none: ssmtp used the host mail")
		return
	}
	hub = with_port(hub)
	add_host(a, hub, has_port(hub) ? "" : 25, tls, 0)
	if (tls != "plain")
		mind_unchecked(here, "ssmtp")
}

function carry_login(a,    way) {
	if (given("authuser"))
		put(a, "user", setting["authuser"])
	if (given("authpass"))
		put_password(a, setting["authpass"])
	else if (given("authuser"))
		put(a, "no-password", 1)
	way = tolower(setting["authmethod"])
	if (given("authmethod") && way == "cram-md5")
		put(a, "auth", "CRAM-MD5")
	else if (given("authmethod") && way !~ /^(login|plain)$/)
		left(here, "authmethod", "ssmtp knows LOGIN and CRAM-MD5 alone; " \
		    "the best that the server offers is taken")
}

function carry_tls(a) {
	if (given("tls_ca_file"))
		put(a, "tls-trust", setting["tls_ca_file"])
	else if (given("tls_ca_dir"))
		put(a, "tls-trust", setting["tls_ca_dir"])
	if (given("tlscert") && (!given("usetlscert") || is_yes("usetlscert"))) {
		given("tlscert")
		put(a, "tls-certificate", setting["tlscert"])
		if (given("tlskey"))
			put(a, "tls-key", setting["tlskey"])
	}
}

# What completes addresses, and the login's own name.
function carry_domain(a,    domain) {
	domain = setting["rewritedomain"]
	sub(/.*@/, "", domain)
	if (given("hostname") && is_helo(setting["hostname"]) &&
	    setting["hostname"] ~ /\./ && setting["hostname"] !~ /@/)
		put(a, "helo", setting["hostname"])
	if (domain == "" && given("hostname")) {
		domain = setting["hostname"]
		sub(/.*@/, "", domain)
	} else
		given("rewritedomain")
	if (tolower(domain) ~ /^localhost/) {
		left(here, tolower(domain), "nobody can answer to that name")
		domain = ""
	}
	if (domain == "")
		domain = mailname
	if (domain != "")
		put(a, "domain", domain)
}

# With NO the login was the sender, as it is here where nobody says more, and -f
# counted for nothing; the From field stayed as it was.
function carry_from(a, address,    override) {
	override = is_yes("fromlineoverride")
	if (address != "") {
		if (override && given("fromlineoverride"))
			left(here, "FromLineOverride", "the address of revaliases is " \
			    "the sender; with `from-header yes' in place of `from' " \
			    "that of the From field is")
		here = alias_line[hub_alias]
		put(a, "from", address)
	} else if (override && given("fromlineoverride"))
		put(a, "from-header", "yes")
	if (!override)
		left(given("fromlineoverride") ? here : main_path, \
		    "FromLineOverride=NO", "a caller's -f counts; `force-from " \
		    "ADDRESS' is the sender whatever the caller says")
}

function carry_account(a, address, hub) {
	begin(a)
	carry_server(a, hub)
	carry_login(a)
	carry_tls(a)
	carry_domain(a)
	carry_from(a, address)
}

# One address for all who are named is the address of the machine.
function is_one_address(    i) {
	for (i = 2; i <= aliases; i++)
		if (alias_address[i] != alias_address[1] ||
		    !is_same_hub(alias_hub[i], alias_hub[1]))
			return 0
	return aliases > 0
}

function is_same_hub(one, other) {
	return with_port(one == "" ? setting["mailhub"] "" : one) == \
	    with_port(other == "" ? setting["mailhub"] "" : other)
}

# An account for each login: its senders are known by their names.
function carry_aliases(    i, name) {
	for (i = 1; i <= aliases; i++) {
		name = alias_login[i]
		if ((name in begun) || name == "default") {
			left(alias_line[i], name, "there is an account of this name " \
			    "already")
			continue
		}
		hub_alias = i
		carry_account(name, alias_address[i], alias_hub[i])
		here = alias_line[i]
		put(name, "match", name " " name "@*")
		mind(alias_line[1], "revaliases", "ssmtp looked at who called. " \
		    "Now -f or the From field chooses the account; mail with " \
		    "another address there, or none, goes by the one called default")
	}
}

function carry_left() {
	if (given("root"))
		left(here, "root", "write `root: ADDRESS' into the aliases, and a " \
		    "line for each name that is to have the same one")
	if (given("minuserid"))
		left(here, "minuserid", "write a line into the aliases for each " \
		    "name that mail is to be sent on for")
	if (given("addheader"))
		left(here, "addheader", "no fields are added but those that a mail " \
		    "lacks")
	if (is_yes("debug"))
		left(here, "debug", "sendling -v shows the dialogue")
}

function conclude() {
	if (is_one_address()) {
		hub_alias = 1
		carry_account("default", alias_address[1], alias_hub[1])
		mind(alias_line[1], "revaliases", "this address is now that of " \
		    "all users, those who are not named as well")
	} else {
		carry_aliases()
		hub_alias = 0
		carry_account("default", "", "")
	}
	carry_left()
	here = main_path
}
