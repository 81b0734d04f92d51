// Ready is what serves: primary or secondary. Before the set is initiated a member that answers is as ready as it can be, and the Job
// that initiates the set waits for that.
const hello = db.hello();
quit(hello.isWritablePrimary || hello.secondary || hello.isreplicaset ? 0 : 1);
