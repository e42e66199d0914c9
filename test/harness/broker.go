package harness

import (
	"context"
	"flag"
	"log/slog"
	"sync"
	"time"

	"github.com/litentry/wallet-federation/broker"
)

// reloadInterval is shorter than the broker's own, for tests wait for it.
const reloadInterval = 100 * time.Millisecond

// runBroker runs the broker in this process from the arguments of its container.
func (h *Harness) runBroker(ctx context.Context, arguments []string) error {
	var files broker.Files
	flags := flag.NewFlagSet("broker", flag.ContinueOnError)
	flags.StringVar(&files.Config, "config", "", "")
	flags.StringVar(&files.Keys, "keys", "", "")
	flags.StringVar(&files.SessionKey, "session-key", "", "")
	address := flags.String("listen", "", "")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	server, err := files.Open(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	listener, err := h.listener(ctx, *address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { files.Watch(ctx, server, reloadInterval) })
	err = server.Serve(ctx, listener)
	cancel()
	watching.Wait()
	return err
}
