// Run by MongoDB's image on an empty volume: each service gets a user of its own, who may use its own database only.
// Name, password and database are those of the address that the service is given.
const { readFileSync } = require("fs");

for (const service of ["post", "comment", "account"]) {
  const address = new URL(readFileSync(`/run/secrets/${service}_database_url`, "utf8").trim());
  const name = address.pathname.slice(1);
  db.getSiblingDB(name).createUser({
    user: decodeURIComponent(address.username),
    pwd: decodeURIComponent(address.password),
    roles: [{ role: "readWrite", db: name }],
  });
}
