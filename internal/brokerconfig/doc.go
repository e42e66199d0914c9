// Package brokerconfig is the contract between the operator, which writes the
// broker's configuration, and the broker, which reads it: one JSON document,
// kept under [DataKey] in a ConfigMap and mounted as a file of that name.
//
// Both sides use [Config.Validate], so that what one writes the other takes.
// The package must hold no secrets (keys are mounted beside it), read no files,
// and silently repair nothing: an unknown member, a value out of range or a
// missing choice is an error.
package brokerconfig
