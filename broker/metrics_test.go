package broker_test

import (
	"testing"

	"github.com/litentry/wallet-federation/broker"
)

func checkLabels(t testing.TB, server *broker.Server) { t.Helper(); _ = server }
