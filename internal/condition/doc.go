// Package condition gathers the conditions of one reconcile pass and writes them
// into the object's status when the pass is over.
//
// Gathering first keeps a condition that is set anew in every pass from changing
// its transition time when nothing changed, and makes sure that a condition that
// a pass never reached is Unknown and not a leftover. It never reads a condition
// of an earlier pass as an input.
package condition
