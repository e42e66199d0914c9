package harness

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/litentry/wallet-federation/broker"
)

// reloadInterval is shorter than the broker's own, for tests wait for it.
const reloadInterval = 100 * time.Millisecond

// runBroker runs the broker in this process from the arguments of its container.
func (h *Harness) runBroker(ctx context.Context, arguments []string) error {
	command, err := broker.ParseCommand(arguments, io.Discard)
	if err != nil {
		return err
	}
	command.ReloadInterval, command.ShutdownDelay, command.Listen = reloadInterval, 0, h.listener
	return command.Run(ctx, slog.New(slog.DiscardHandler))
}
