package main

import (
	"bufio"
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// readings are the values of one scrape, by series as it is written.
type readings map[string]float64

// Series that are read.
const (
	seriesGoroutines = "go_goroutines"
	seriesHeap       = "go_memstats_heap_alloc_bytes"
	seriesRSS        = "process_resident_memory_bytes"
	seriesReloads    = "wallet_federation_broker_reloads_total"
	seriesRequests   = "wallet_federation_broker_requests_total"
)

// parseReadings reads the text format of Prometheus, without time stamps.
func parseReadings(text []byte) (readings, error) {
	values := readings{}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		space := strings.LastIndexByte(line, ' ')
		if space < 0 {
			return nil, fmt.Errorf("the metric %q has no value", line)
		}
		value, err := strconv.ParseFloat(line[space+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("reading metric %q: %w", line[:space], err)
		}
		values[line[:space]] = value
	}
	return values, lines.Err()
}

// sum adds up the series of a metric that have all of the labels, such as
// status="500".
func (r readings) sum(metric string, labels ...string) float64 {
	total := 0.0
series:
	for name, value := range r {
		if name != metric && !strings.HasPrefix(name, metric+"{") {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(name, label) {
				continue series
			}
		}
		total += value
	}
	return total
}
