// Package standalone has what it takes to run the broker as a process of its own,
// without a cluster, for the programs that measure it or let others try it: the
// program as it is shipped, a certificate for loopback, and the files that the
// operator would mount. It is no part of the product.
package standalone
