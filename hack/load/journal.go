package main

import (
	"bytes"
	"encoding/json"
	"os"
	"sync"
)

// journal takes what a replica logs, keeps it in a file, and counts.
type journal struct {
	path string

	mu        sync.Mutex
	file      *os.File
	rest      []byte // of a line that has not ended
	at        addresses
	listening chan<- addresses
	counts    map[string]int64
	// leaked is a line with something like a JWT in it, and odd one that tells
	// of a panic, or is no JSON. Both must not be.
	leaked, odd string
}

// addresses are where a replica serves, host:port.
type addresses struct{ api, metrics string }

// What is counted of the log.
const (
	auditMint     = `"event":"mint","outcome":"ok"`
	auditExchange = `"event":"token_exchange","outcome":"ok"`
	auditSignIn   = `"event":"sign_in","outcome":"ok"`
)

func newJournal(path string) (*journal, error) {
	file, err := os.Create(path) //nolint:gosec // A file of our own.
	return &journal{path: path, file: file, counts: map[string]int64{}}, err
}

// begin returns where the process that is about to start says that it listens.
func (j *journal) begin() <-chan addresses {
	listening := make(chan addresses, 1)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at, j.listening = addresses{}, listening
	return listening
}

// Write implements [io.Writer].
func (j *journal) Write(data []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rest = append(j.rest, data...)
	for {
		line, rest, ended := bytes.Cut(j.rest, []byte("\n"))
		if !ended {
			return j.file.Write(data)
		}
		j.read(line)
		j.rest = rest
	}
}

// read takes one line. It needs j.mu.
func (j *journal) read(line []byte) {
	// Every JWT begins like this: {" in base64url.
	if bytes.Contains(line, []byte("eyJ")) {
		j.leaked = string(line)
	}
	if bytes.Contains(line, []byte(`"msg":"audit"`)) {
		for _, what := range []string{auditMint, auditExchange, auditSignIn} {
			if bytes.Contains(line, []byte(what)) {
				j.counts[what]++
			}
		}
		return
	}
	var said struct{ Msg, Address string }
	if json.Unmarshal(line, &said) != nil || bytes.Contains(line, []byte("panic")) {
		j.odd = string(line)
		return
	}
	switch said.Msg {
	case "serving metrics":
		j.at.metrics = said.Address
	case "listening":
		j.at.api = said.Address
		j.listening <- j.at
	}
}

// count returns how many lines there were of a kind.
func (j *journal) count(what string) int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.counts[what]
}

// faults returns the lines that must not be.
func (j *journal) faults() (leaked, odd string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.leaked, j.odd
}

func (j *journal) close() error { return j.file.Close() }
