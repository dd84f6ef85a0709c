// Ends well if this MongoDB takes writes. The first time, it is made the only node of its replica set.
const { readFileSync } = require("fs");

const password = encodeURIComponent(readFileSync("/run/secrets/mongodb_root_password", "utf8").trim());
const admin = connect(`mongodb://root:${password}@127.0.0.1:27017/admin?directConnection=true`);
try {
  admin.adminCommand({ replSetGetStatus: 1 });
} catch (error) {
  if (error.codeName !== "NotYetInitialized") throw error;
  admin.adminCommand({ replSetInitiate: { _id: "rs0", members: [{ _id: 0, host: "127.0.0.1:27017" }] } });
}
quit(admin.hello().isWritablePrimary ? 0 : 1);
