# dma.awk: reads dma.conf and auth.conf, for accounts.awk.

function read_line(role, line) {
	if (role == "auth")
		read_login(line)
	else
		read_setting(line)
}

# Words are in upper case; who wrote others meant the same.
function read_setting(line,    word) {
	line = trim(uncomment(trim(line)))
	if (line == "")
		return
	word = line
	sub(/[ \t=].*/, "", word)
	line = trim(substr(line, length(word) + 1))
	sub(/^=[ \t]*/, "", line)
	word = toupper(word)
	if (word == "SECURETRANS")
		word = "SECURETRANSFER"
	if (word !~ /^(SMARTHOST|PORT|ALIASES|SPOOLDIR|AUTHPATH|SECURETRANSFER|STARTTLS|FINGERPRINT|OPPORTUNISTIC_TLS|CERTFILE|SECURE|INSECURE|DEFER|FULLBOUNCE|MAILNAME|MASQUERADE|NULLCLIENT|VERIFYCERT|ROOTCERT)$/) {
		left_unknown(here, word, "dma")
		return
	}
	setting[word] = unquote(line)
	if (setting[word] == "" && word ~ /^(SECURETRANSFER|STARTTLS|OPPORTUNISTIC_TLS|INSECURE|DEFER|FULLBOUNCE|NULLCLIENT)$/)
		setting[word] = "yes"
	line_at[word] = here
}

# user|host:password; the password may hold any of these signs.
function read_login(line,    user, host) {
	if (trim(line) == "" || line ~ /^#/)
		return
	if (line !~ /^[^|]+\|[^: \t]+[: \t]./) {
		left(here, "", "it is not of the form user|smarthost:password")
		return
	}
	user = line
	sub(/\|.*/, "", user)
	line = substr(line, length(user) + 2)
	host = line
	sub(/[: \t].*/, "", host)
	logins++
	login_user[logins] = trim(user)
	login_host[logins] = tolower(host)
	login_password[logins] = substr(line, length(host) + 2)
	login_line[logins] = here
}

# --- From dma's words to sendling's.

function given(word) {
	if (setting[word] == "")
		return 0
	here = line_at[word]
	return 1
}

function is_set(word) {
	return given(word) && switch_of(setting[word]) != 0
}

function carry_server(a,    tls) {
	tls = !is_set("SECURETRANSFER") ? "plain" : !is_set("STARTTLS") ? \
	    "tls" : is_set("OPPORTUNISTIC_TLS") ? "may" : "starttls"
	if (tls == "plain" && (is_set("STARTTLS") || is_set("OPPORTUNISTIC_TLS"))) {
		mind(here, "STARTTLS", "it means nothing without SECURETRANSFER; " \
		    "taken as if that stood there")
		tls = is_set("OPPORTUNISTIC_TLS") ? "may" : "starttls"
	}
	if (!given("SMARTHOST")) {
		left(main_path, "SMARTHOST", "there is none: dma finds each recipient's " \
		    "server itself, sendling needs one smarthost for all")
		return
	}
	here = line_at["SMARTHOST"]
	add_host(a, setting["SMARTHOST"], has_port(setting["SMARTHOST"]) ? "" : \
	    given("PORT") ? setting["PORT"] : 25, tls, 0)
	host_line[a, 1] = line_at["SMARTHOST"]
	if (tls != "plain" && !is_set("VERIFYCERT") && !given("FINGERPRINT"))
		mind_unchecked(line_at["SMARTHOST"], "dma")
}

# The last entry counts. One that dma did not see is carried over too.
function carry_login(a,    i, host) {
	host = tolower(cut_host(setting["SMARTHOST"] ""))
	for (i = logins; i > 0; i--) {
		if (host == "" || login_host[i] != host) {
			left(login_line[i], "", "a login for another host than the " \
			    "smarthost")
			continue
		}
		if (has(a, "user"))
			continue
		here = login_line[i]
		put(a, "user", login_user[i])
		put_password(a, login_password[i])
		if (!given("AUTHPATH"))
			mind(login_line[i], "", "without AUTHPATH dma did not log " \
			    "in; sendling does")
	}
	if (ENVIRON["AUTH_LEFT"] != "")
		left(given("AUTHPATH") ? here : main_path, "AUTHPATH", \
		    ENVIRON["AUTH_LEFT"])
}

# john@ is of this host, example.org any user of that one.
function carry_sender(a,    from, name) {
	name = setting["MAILNAME"]
	if (name ~ /^\//) {
		given("MAILNAME")
		name = name ~ /^\/etc\/mailname$/ ? mailname : ""
		if (name == "" && setting["MAILNAME"] != "/etc/mailname")
			left(here, "MAILNAME", "write what is in the file: " \
			    "`domain NAME'")
	} else
		given("MAILNAME")
	if (name != "" && name != "localhost")
		put(a, "domain", name)
	if (!given("MASQUERADE"))
		return
	from = setting["MASQUERADE"]
	if (from ~ /^[^@]+$/)
		from = "@" from
	if (from ~ /^@/)
		from = "%U" from
	if (from ~ /@$/)
		from = from (name == "" ? "%H" : name)
	put(a, "force-from", from)
	mind_forced(here, "MASQUERADE")
	if (!has(a, "domain"))
		put(a, "domain", domain_of(from))
}

function carry_rest(a) {
	if (given("ALIASES") && setting["ALIASES"] != "/etc/aliases")
		put(a, "aliases", setting["ALIASES"])
	if (is_set("NULLCLIENT"))
		put(a, "aliases", "off")
	if (given("CERTFILE"))
		put(a, "tls-certificate", setting["CERTFILE"])
	if (given("ROOTCERT"))
		put(a, "tls-trust", setting["ROOTCERT"])
	if (given("FINGERPRINT"))
		left_fingerprint(here, "FINGERPRINT")
	if (is_set("DEFER"))
		left(here, "DEFER", "a mail is sent at once; --queue-only or -odq " \
		    "keeps it for the next run")
	if (is_set("FULLBOUNCE"))
		put(a, "dsn-return", "full")
	if (is_set("INSECURE"))
		left(here, "INSECURE", "a password goes over TLS alone; " \
		    "`auth-in-clear yes' shows it to all on the way")
	here = given("SPOOLDIR") ? line_at["SPOOLDIR"] : main_path
	put_spool(a, "dma", "spool")
}

function conclude() {
	begin("default")
	carry_server("default")
	carry_login("default")
	carry_sender("default")
	carry_rest("default")
	here = main_path
}
