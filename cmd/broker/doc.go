// Command broker serves one issuer: sign-in, minting, discovery and keys.
//
// It runs from mounted files, which it reloads when they change, and logs JSON
// to standard output; the line with the message "listening" says on which
// address, once it is ready. Told to stop by SIGTERM, it is not ready any more
// but goes on for --shutdown-delay, and then finishes what is under way; told
// once more, it ends at once. Broker logic belongs in package broker.
package main
