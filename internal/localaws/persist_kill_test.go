package localaws_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/litentry/wallet-federation/internal/localaws"
)

// servedDirectory, in the environment, makes the test below a server.
const servedDirectory = "LOCALAWS_TEST_DIRECTORY"

// TestServeUntilKilled is no test but the process that TestKilledServer kills.
func TestServeUntilKilled(t *testing.T) {
	t.Parallel()
	directory := os.Getenv(servedDirectory)
	if directory == "" {
		t.Skip("TestKilledServer runs it")
	}
	server, err := localaws.New(localaws.Options{Directory: directory})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stdout.WriteString(httptest.NewServer(server).URL + "\n"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // which ends with the other process
}

// TestKilledServer kills a server that is writing. All that it has answered must
// be there afterwards.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	const rounds, writers, enough = 3, 4, 20
	directory := newDirectory(t)
	var answered []string
	for round := range rounds {
		w, kill := serveUntilKilled(t, directory)
		keys := make(chan string)
		var writing sync.WaitGroup
		for writer := range writers {
			writing.Go(func() { w.writeUntilKilled(t.Context(), fmt.Sprintf("%d-%d", round, writer), keys) })
		}
		go func() {
			writing.Wait()
			close(keys)
		}()
		killAt := len(answered) + enough
		for key := range keys {
			answered = append(answered, key)
			if len(answered) == killAt {
				kill()
			}
		}
		if len(answered) < killAt {
			t.Fatalf("round %d: the server was not killed but failed", round)
		}
	}
	w := keptWorld(t, directory)
	for _, key := range answered {
		if got := read(t, w.s3, get(key)); got != key {
			t.Errorf("object %s is %q", key, got)
		}
		_, err := w.iam.GetRole(t.Context(), &iam.GetRoleInput{RoleName: &key})
		wantCode(t, err, "")
	}
}

// serveUntilKilled serves a directory in a process of its own.
func serveUntilKilled(t *testing.T, directory string) (w *s3World, kill func()) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestServeUntilKilled$") //nolint:gosec // this very program
	cmd.Env = append(os.Environ(), servedDirectory+"="+directory)
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	kill = func() {
		_ = cmd.Process.Kill() // SIGKILL
		_ = cmd.Wait()         // and tells that it was killed
	}
	t.Cleanup(kill)
	url, err := bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not start: %v", err)
	}
	w = &s3World{world: &world{url: strings.TrimSpace(url)}}
	config := w.config("localaws", "localaws", "")
	w.iam, w.s3 = iam.NewFromConfig(config), s3.NewFromConfig(config)
	_, err = w.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(shared)})
	wantCode(t, err, "") // in us-east-1 also if it exists
	return w, kill
}

// writeUntilKilled makes an object and a role of the same name, again and again,
// and tells which were answered.
func (w *s3World) writeUntilKilled(ctx context.Context, name string, answered chan<- string) {
	for i := 0; ; i++ {
		key := name + "-" + strconv.Itoa(i)
		_, err := w.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: aws.String(shared), Key: &key, Body: strings.NewReader(key)})
		if err != nil {
			return
		}
		_, err = w.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: &key, AssumeRolePolicyDocument: aws.String(trustOf(rootARN))})
		if err != nil {
			return
		}
		answered <- key
	}
}
