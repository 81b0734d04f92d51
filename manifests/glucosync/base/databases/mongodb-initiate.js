// Initiates the replica set, or adds the members that it lacks, and makes the users. Everything may be there already.
const members = process.env.MONGODB_MEMBERS.split(" ");
const root = `${encodeURIComponent(process.env.ROOT_USERNAME)}:${encodeURIComponent(process.env.ROOT_PASSWORD)}`;
const options = "authSource=admin&serverSelectionTimeoutMS=5000";

// Runs `attempt` until it succeeds; the Job's deadline ends what never does.
function insist(what, attempt) {
  for (;;) {
    try {
      return attempt();
    } catch (error) {
      print(`waiting for ${what}: ${error.message}`);
      sleep(3000);
    }
  }
}

for (const member of members) {
  insist(member, () => connect(`mongodb://${member}/?directConnection=true&serverSelectionTimeoutMS=5000`).adminCommand({ping: 1}));
}

// A member that belongs to a set says so without a password.
const initiated = members.some((member) =>
  connect(`mongodb://${member}/?directConnection=true&serverSelectionTimeoutMS=5000`).hello().setName === "rs0");
if (!initiated) {
  const first = insist("the root user", () => connect(`mongodb://${root}@${members[0]}/admin?directConnection=true&${options}`));
  const answer = first.adminCommand({
    replSetInitiate: {_id: "rs0", members: members.map((host, index) => ({_id: index, host, priority: index === 0 ? 2 : 1}))},
  });
  if (answer.ok !== 1) {
    throw new Error(`the replica set was not initiated: ${answer.errmsg}`);
  }
}

const admin = insist("a primary", () => {
  const primary = connect(`mongodb://${root}@${members.join(",")}/admin?replicaSet=rs0&${options}`);
  primary.adminCommand({ping: 1});
  if (!primary.hello().isWritablePrimary) {
    throw new Error("no primary yet");
  }
  return primary;
});

const config = admin.adminCommand({replSetGetConfig: 1}).config;
for (const host of members) {
  if (!config.members.some((member) => member.host === host)) {
    config.members.push({_id: 1 + Math.max(...config.members.map((member) => member._id)), host, priority: 1});
    config.version += 1;
    const answer = admin.adminCommand({replSetReconfig: config});
    if (answer.ok !== 1) {
      throw new Error(`${host} was not added: ${answer.errmsg}`);
    }
  }
}

// Makes the user, or sets the password and roles that it is to have.
function user(database, name, password, roles) {
  const home = admin.getSiblingDB(database);
  if (home.getUser(name)) {
    home.updateUser(name, {pwd: password, roles});
  } else {
    home.createUser({user: name, pwd: password, roles});
  }
  print(`user ${database}/${name} is as it should be`);
}

const database = process.env.APPLICATION_DATABASE;
user(database, process.env.APPLICATION_USERNAME, process.env.APPLICATION_PASSWORD, [{role: "readWrite", db: database}]);
user("admin", "backup", process.env.BACKUP_PASSWORD, [{role: "backup", db: "admin"}]);
// Replaying what was written during a dump needs every right there is (https://www.mongodb.com/docs/database-tools/mongorestore/), so
// the user for that is not the one that the backups use every day.
if (!admin.getRole("everything")) {
  admin.createRole({role: "everything", privileges: [{resource: {anyResource: true}, actions: ["anyAction"]}], roles: []});
}
user("admin", "restore", process.env.RESTORE_PASSWORD, [{role: "everything", db: "admin"}]);
user("admin", "exporter", process.env.EXPORTER_PASSWORD, [{role: "clusterMonitor", db: "admin"}, {role: "read", db: "local"}]);
print(`replica set rs0 has ${members.length} members`);
