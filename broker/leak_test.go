package broker_test

import (
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/litentry/wallet-federation/broker"
)

// hammer sends requests of every kind, most of which are refused, over a few
// connections that are kept and many that are not.
func hammer(t *testing.T, address, bearer string, requests int) {
	t.Helper()
	kinds := []struct{ method, path, bearer, body string }{
		{http.MethodPost, mintPath, bearer, ""},
		{http.MethodPost, mintPath, bearer + "x", ""},
		{http.MethodPost, startPath, "", `{"address":"` + alice + `","chain_id":1}`},
		{http.MethodPost, startPath, "", `{"address":"` + strings.Repeat("a", 5000) + `"}`},
		{http.MethodPost, verifyPath, "", `{"request_id":"nobody","signature":"0x"}`},
		{http.MethodGet, jwksPath, "", ""},
		{http.MethodDelete, "/nothing", "", ""},
	}
	kept := &http.Transport{}
	single := &http.Transport{DisableKeepAlives: true}
	defer kept.CloseIdleConnections()
	defer single.CloseIdleConnections()
	var group sync.WaitGroup
	const callers = 8
	for caller := range callers {
		group.Go(func() {
			for n := range requests / callers {
				kind := kinds[n%len(kinds)]
				client := &http.Client{Transport: kept, Timeout: 20 * time.Second}
				if (n+caller)%50 == 0 {
					client.Transport = single
				}
				request, err := http.NewRequestWithContext(t.Context(), kind.method, "http://"+address+kind.path, strings.NewReader(kind.body))
				if err != nil {
					t.Error(err)
					return
				}
				request.Header.Set("Content-Type", "application/json")
				request.Header.Set("Authorization", "Bearer "+kind.bearer)
				response, err := client.Do(request)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	group.Wait()
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// It is not parallel: it would count the goroutines of other tests.
func TestALoadLeavesNothingBehind(t *testing.T) {
	f := newFixture(t, limitWallet(100, 100))
	server, err := broker.New(broker.Options{
		State: f.state(t), Now: f.clock.Now, Logger: slog.New(slog.NewJSONHandler(discard{}, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	f.server = server
	address, stop := serve(t, f, broker.Serving{})
	bearer := f.signIn(t, newKey(t))
	eventually(t, "it serves", func() bool {
		status, _ := ask(t, dial(t, address), "/healthz")
		return status == http.StatusOK
	})
	// That connection is still open, and its goroutine is counted.
	goroutines := runtime.NumGoroutine()
	quiet := func() bool { return runtime.NumGoroutine() <= goroutines }
	hammer(t, address, bearer, 1000)
	eventually(t, "as many goroutines run as before", quiet)
	before := heap()

	hammer(t, address, bearer, 8000)
	eventually(t, "as many goroutines run as before", quiet)
	if after := heap(); after > before+1<<20 {
		t.Errorf("the heap grew from %d KiB to %d KiB", before>>10, after>>10)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
