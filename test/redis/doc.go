// Package redis runs a real redis-server for tests, and really kills it.
//
// Each server is the test's own and ends with it. It listens on a socket in the
// file system, where no port can be lost to somebody else between a kill and a
// restart. Nothing here stands in for Redis.
package redis
