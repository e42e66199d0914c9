// Package redis runs a real redis-server for tests, and really kills it.
//
// [Start] is for tests, whose end ends the server, and [Launch] for programs that
// are run by hand. Each server listens on a socket in the file system, where no
// port can be lost to somebody else between a kill and a restart. Nothing here
// stands in for Redis.
package redis
