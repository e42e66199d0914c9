// Package ratelimit bounds how often each of many callers may ask, in memory
// that does not grow with their number.
//
// A [Table] gives every key a token bucket of its own
// (golang.org/x/time/rate). A bucket that is full again is the same as none, so
// its place may go to another key; one that is not full is never taken away,
// however many newcomers there are. Newcomers for whom there is no place share
// one bucket: a flood from many addresses can neither push out those that are
// known nor get through unlimited.
//
// The package must not know what a key stands for, read a clock or log.
package ratelimit
