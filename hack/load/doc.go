// Command load runs the broker as a service, with everything switched on, and
// does to it what the internet will: three replicas with TLS behind a reverse
// proxy, sharing a real Redis; honest callers and attackers at the same time;
// Redis killed half-way; keys rotated and a replica replaced under load.
//
//	go run ./hack/load [--clients 96] [--load 12s] [--outage 8s] [--http2] ...
//
// It prints one table: what was checked, what was counted and whether it holds;
// and ends with an error if something does not. It counts what was answered;
// times are printed and never decide, so that a slow machine passes and a
// broken broker does not.
//
// Honest callers come each from an address of its own (127.1.0.0/16), attackers
// from a few others (127.2.0.0/16), which the proxy passes on as
// X-Forwarded-For. That needs Linux; Redis is the redis-server of the PATH (make
// redis). The command must not reach into the broker: it starts the program that
// is shipped, and knows of it what is mounted, sent, logged and exposed.
package main
