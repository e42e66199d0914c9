// Command demo runs the main job on one machine and tells what happens: a real
// API server, the operator as its own process under its own RBAC role, the broker
// from exactly what its Deployment mounts, and localaws in the place of AWS.
//
// It ends well only if a WalletFederation was proven to isolate two wallets, a
// sabotage was noticed and named, and the repair was proven again.
package main
