// What the servers from npm share: who may log in, who is known, and how a
// mail is delivered. peer.py makes the folders.
"use strict";

const crypto = require("node:crypto");
const fs = require("node:fs");

exports.user = "alice";
exports.password = fs.readFileSync("/mnt/password", "utf8");
exports.token = fs.readFileSync("/mnt/token", "utf8");
exports.names = fs.readFileSync("/mnt/names", "utf8").trim().split("\n");
exports.certificate = {
	cert: fs.readFileSync("/mnt/certs/all-names.pem"),
	key: fs.readFileSync("/mnt/certs/all-names.key"),
};

exports.knows = address => exports.names.includes(address.split("@")[0]);

exports.deliver = (addresses, mail) => {
	for (const address of addresses) {
		const folder = "/mnt/mail/" + address.split("@")[0];
		const name = crypto.randomBytes(8).toString("hex");

		fs.writeFileSync(`${folder}/tmp/${name}`, mail);
		fs.renameSync(`${folder}/tmp/${name}`, `${folder}/new/${name}`);
	}
};
